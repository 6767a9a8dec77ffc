// The promise of the route for OpenID providers, through the real handler, against a local DynamoDB and Secrets Manager.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { refuse } from './faults/faults.ts';
import { LOGOUT_EVENT } from './local/senders.ts';
import { assertBadRequest, assertDone, assertFault, assertRefused } from './setup/answers.ts';
import { formEvent } from './setup/events.ts';
import { type Answer, coldStart } from './setup/lambda.ts';
import { deliver, startProviders } from './setup/provider.ts';
import { startProxiedAws } from './setup/route.ts';
import { newSessions, newUsers, putItems } from './setup/tables.ts';
import { keyPair, newLogoutClaims, newProvider, type Provider, signLogoutToken, storeRecord } from './setup/tokens.ts';

const { dynamodb, secretsManager } = await startProxiedAws();
const provider = newProvider();
const { table: SESSIONS_TABLE, lambda } = await startProviders([provider]);

const { newUser, left } = newUsers(SESSIONS_TABLE);

/** A logout token for the user; the given claims replace its own. */
function tokenFor(user: string, claims: Record<string, unknown> = {}, by: Provider = provider): Promise<string> {
  return signLogoutToken(by, newLogoutClaims(user, claims));
}

describe('sessions', () => {
  test('a logout token ends every session of its user, across pages, and nobody else’s', async () => {
    const [user, other] = [await newUser(3), await newUser(3)];
    await putItems(SESSIONS_TABLE, newSessions(user, 30, { payload: 60_000 }));
    const delivery = await deliver(lambda, await tokenFor(user, { jti: 'one' }));
    assertDone(delivery, {
      outcome: 'logged_out',
      user_id: user,
      actor: user,
      validator: 'test_provider',
      alg: 'RS256',
      token_id: 'one',
      sessions_ended: 33,
    });
    assert.equal(await left(user), 0);
    assert.equal(await left(other), 3);
  });

  test('a logout token that is sent twice succeeds twice, though no session is left the second time', async () => {
    const token = await tokenFor(await newUser());
    assertDone(await deliver(lambda, token), { outcome: 'logged_out' });
    assertDone(await deliver(lambda, token), { outcome: 'no_live_session' });
  });

  test('a logout token with a sid ends all sessions of its user', async () => {
    const user = await newUser();
    assertDone(await deliver(lambda, await tokenFor(user, { sid: 'one' })), { sessions_ended: 2 });
  });

  test('an OpenID provider is answered without waiting for SETTLE_SECONDS, since it hangs up before that', async () => {
    const { lambda: patient } = await startProviders([provider], { SESSIONS_TABLE, SETTLE_SECONDS: '10' });
    assertDone(await deliver(patient, await tokenFor(await newUser()), 4000), { passes: 1 });
  });
});

describe('the receiver plan of the OpenID conformance suite', async () => {
  const MODULE = 'oidcc-client-test-rp-backchannel-rpinitlogout';
  /** As the suite sends it: with an unknown parameter, an unknown claim and a charset. */
  async function send(claims: Record<string, unknown>, sign = signLogoutToken): Promise<Answer & { left: number }> {
    const user = await newUser();
    const token = await sign(provider, newLogoutClaims(user, { unknown_claim: 'x', ...claims }));
    const type = { 'content-type': 'application/x-www-form-urlencoded;charset=UTF-8' };
    const answer = await lambda.send(formEvent(`unknown_parameter=x&logout_token=${token}`, type));
    return { ...answer, left: await left(user) };
  }

  for (const sid of [undefined, 'one']) {
    test(`a 200 is returned to ${MODULE} ${sid ? 'with' : 'without'} sid, and no session is left`, async () => {
      const delivery = await send({ sid });
      assertDone(delivery);
      assert.equal(delivery.left, 0);
    });
  }

  const ec = newProvider({}, 'ES256');
  const unsigned: typeof signLogoutToken = async (_, claims) =>
    `${[{ alg: 'none' }, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')}.`;
  const refused: [module: string, reason: string, claims: Record<string, unknown>, sign?: typeof signLogoutToken][] = [
    ['alg-none', 'algorithm', {}, unsigned],
    ['no-event', 'no_logout_event', { events: undefined }],
    ['with-nonce', 'nonce', { nonce: 'n' }],
    ['wrong-alg', 'algorithm', {}, (_, claims) => signLogoutToken(ec, claims)],
    ['wrong-aud', 'audience', { aud: 'another' }],
    ['wrong-event', 'no_logout_event', { events: { [`${LOGOUT_EVENT}s`]: {} } }],
    ['wrong-iss', 'issuer', { iss: 'https://another.example.com' }],
  ];
  for (const [module, reason, claims, sign] of refused) {
    test(`a 400 is returned to ${MODULE}-${module}, and the sessions survive`, async () => {
      const delivery = await send(claims, sign);
      assertRefused(delivery, reason);
      assert.equal(delivery.left, 2);
    });
  }
});

describe('form', () => {
  const FORM = 'application/x-www-form-urlencoded';

  for (const type of [FORM, FORM.toUpperCase(), `${FORM}; charset=utf-8`, `${FORM} ;charset="utf-8"; x=y`]) {
    test(`a form with a logout token is read when its content type is ${type}`, async () => {
      const token = await tokenFor('0');
      assertDone(await lambda.send(formEvent(`logout_token=${token}`, { 'Content-Type': type })));
    });
  }

  test('a form with a logout token is read from text and from base64, with escapes and other parameters', async () => {
    const token = await tokenFor('0');
    const escaped = `a&logout_token=${token.replaceAll('.', '%2E')}&state=1&state=2`;
    for (const base64 of [true, false])
      assertDone(await lambda.send(formEvent(escaped, { 'content-type': FORM }, base64)));
  });

  const bad: [what: string, event: (token: string) => unknown][] = [
    ['has no content type', (token) => formEvent(`logout_token=${token}`, {})],
    ['is JSON', (token) => formEvent(JSON.stringify({ logout_token: token }), { 'content-type': 'application/json' })],
    ['is plain text', (token) => formEvent(`logout_token=${token}`, { 'content-type': 'text/plain' })],
    [
      'has almost the content type of a form',
      (token) => formEvent(`logout_token=${token}`, { 'content-type': `${FORM}x` }),
    ],
    [
      'has another content type, which ends like that of a form',
      (token) => formEvent(`logout_token=${token}`, { 'content-type': `x-${FORM}` }),
    ],
    [
      'has two content types, in headers that differ in case',
      (token) => formEvent(`logout_token=${token}`, { 'content-type': FORM, 'Content-Type': FORM }),
    ],
    ['is empty', () => formEvent('')],
    ['has no logout_token', (token) => formEvent(`token=${token}&Logout_Token=${token}`)],
    ['has logout_token twice', (token) => formEvent(`logout_token=${token}&logout_token=${token}`)],
    ['has logout_token twice, once empty', (token) => formEvent(`logout_token=&logout_token=${token}`)],
    ['is larger than 64 KiB', (token) => formEvent(`logout_token=${token}&x=${'x'.repeat(65_536)}`)],
    ['is not base64', (token) => ({ ...formEvent(`logout_token=${token}`), body: '!!!!' })],
    ['is not UTF-8', () => ({ ...formEvent(''), body: Buffer.from('logout_token=\xff', 'latin1').toString('base64') })],
    ['is an object', (token) => ({ ...formEvent(''), isBase64Encoded: false, body: { logout_token: token } })],
    [
      'is missing and the form is in the query',
      (token) => ({ ...formEvent(''), rawQueryString: `logout_token=${token}`, body: undefined }),
    ],
  ];
  for (const [what, event] of bad) {
    test(`a 400 is returned to an OpenID provider, and the sessions survive, when the body ${what}`, async () => {
      const user = await newUser();
      const token = await tokenFor(user);
      assertBadRequest(await lambda.send(event(token)), 'body');
      assert.equal(await left(user), 2);
    });
  }

  test('a form with a logout token may be as large as 64 KiB', async () => {
    const token = await tokenFor('0');
    assertDone(await lambda.send(formEvent(`logout_token=${token}&x=`.padEnd(65_536, 'x'))));
  });

  for (const token of ['', 'a.b.c', 'x', '%00', '%ff.%ff.%ff']) {
    test(`the 400 that every invalid logout token gets is returned when logout_token is "${token}"`, async () => {
      assertRefused(await lambda.send(formEvent(`logout_token=${token}`)), 'malformed');
    });
  }

  for (const event of [null, {}, 'hello', { Records: [] }, { headers: null, body: null }]) {
    test(`backchannel_logout answers 400, and does not crash, when the event is ${JSON.stringify(event)}`, async () => {
      assert.equal((await lambda.send(event)).status, 400);
    });
  }

  test('a 400 is returned, and the sessions survive, when a logout token is in the authorization header', async () => {
    const user = await newUser();
    const authorization = `Bearer ${await tokenFor(user)}`;
    assert.equal((await lambda.send(formEvent('', { authorization, 'content-type': FORM }))).status, 400);
    assert.equal(await left(user), 2);
  });
});

describe('user id', () => {
  test('a 400 that does not count as a rejected token is returned for a sub that USER_ID_PATTERN refuses', async () => {
    for (const sub of ['007', 'abc', '-1', '2 ', '٣', '9'.repeat(20), '\ud800']) {
      const { status, json, audit } = await deliver(lambda, await tokenFor(sub));
      assert.equal(status, 400, sub);
      assert.equal(json.error_description, 'The sub of the logout token is not accepted');
      assert.partialDeepStrictEqual(audit, { outcome: 'user_id_not_accepted', reason: 'user_id', rejections: 0 });
    }
  });

  test('the user id is made from sub by the record’s user_id, which keeps two providers’ users apart', async () => {
    const first = newProvider({ issuer: 'https://one.example.com' });
    const second = newProvider({ issuer: 'https://two.example.com', user_id: 'two|{sub}' });
    const settings = { SESSIONS_TABLE, USER_ID_PATTERN: '(two\\|)?[a-z$&]+' };
    const { lambda: both } = await startProviders([first, second], settings);
    await putItems(SESSIONS_TABLE, [...newSessions('ann', 2), ...newSessions('two|ann', 2)]);
    const token = await tokenFor('ann', { iss: 'https://two.example.com' }, second);
    assertDone(await deliver(both, token), { user_id: 'two|ann', actor: 'ann', sessions_ended: 2 });
    assert.deepEqual([await left('ann'), await left('two|ann')], [2, 0]);
    const odd = await tokenFor('$&', { iss: 'https://two.example.com' }, second);
    assertDone(await deliver(both, odd), { user_id: 'two|$&' });
  });
});

describe('keys', () => {
  test('an OpenID provider’s new keys are accepted at once, and its old ones during their grace period', async () => {
    const fresh = keyPair('RS256', 'fresh');
    const secretId = await storeRecord(provider.record);
    const rotated = await coldStart({ OPENID_PROVIDER_SECRET_IDS: secretId, SESSIONS_TABLE }, 'backchannel_logout');
    const record = { ...provider.record, public_key_jwks: { keys: [fresh.jwk] } };
    await storeRecord(record, secretId);
    const by = { record, alg: 'RS256', privateKey: fresh.privateKey };
    const token = await signLogoutToken(by, newLogoutClaims('0'), { kid: 'fresh' });
    assertDone(await deliver(rotated, token), { key_stage: 'current' });
    assertDone(await deliver(rotated, await tokenFor('0')), { key_stage: 'previous' });
  });

  test('an OpenID provider’s record is read at the start, before any token arrives', async () => {
    const secretId = await storeRecord(provider.record);
    const start = () => coldStart({ OPENID_PROVIDER_SECRET_IDS: secretId, SESSIONS_TABLE }, 'backchannel_logout');
    assert.deepEqual(await secretsManager.requests(secretId, start), ['GetSecretValue']);
  });
});

describe('AWS', () => {
  test('a 503 is returned to an OpenID provider, and sessions_left is 1, when DynamoDB fails', async () => {
    const user = await newUser();
    dynamodb.inject('BatchWriteItem', user, refuse(500, 'InternalServerError'));
    const delivery = await deliver(lambda, await tokenFor(user));
    assertFault(delivery, 503, 'aws_unavailable');
    assert.equal(delivery.audit.sessions_left, 1);
    dynamodb.clearFaults(user);
    assertDone(await deliver(lambda, await tokenFor(user)), { sessions_ended: 2 });
  });

  test('a 503 is returned to an OpenID provider when DynamoDB throttles until time runs out', async () => {
    const user = await newUser();
    dynamodb.inject('Query', user, refuse(400, 'ThrottlingException'));
    assertFault(await deliver(lambda, await tokenFor(user), 3000), 503, 'deadline');
  });

  test('a 500 that hides the cause is returned to an OpenID provider when AWS refuses our request', async () => {
    const { lambda: nowhere } = await startProviders([provider], { SESSIONS_TABLE: 'no-such-table' });
    assertFault(await deliver(nowhere, await tokenFor('0')), 500, 'aws_refused');
  });

  test('a 500 is returned when an OpenID provider’s record is missing, and a 503 when it cannot be read', async () => {
    const missing = await coldStart({ OPENID_PROVIDER_SECRET_IDS: 'none', SESSIONS_TABLE }, 'backchannel_logout');
    assertFault(await deliver(missing, await tokenFor('0')), 500, 'record_missing');
    const secretId = await storeRecord(provider.record);
    secretsManager.inject('GetSecretValue', secretId, refuse(500, 'InternalServiceError'));
    const down = await coldStart({ OPENID_PROVIDER_SECRET_IDS: secretId, SESSIONS_TABLE }, 'backchannel_logout');
    assertFault(await deliver(down, await tokenFor('0')), 503, 'aws_unavailable');
  });

  test('DynamoDB is not queried for a logout token that fails verification', async () => {
    const user = await newUser();
    const forged = await tokenFor(user, { aud: 'another' });
    assert.deepEqual(await dynamodb.requests(user, () => deliver(lambda, forged)), []);
  });
});

test('the start of backchannel_logout fails with a one-line error when only callers’ records are named', async () => {
  const environment = { VALIDATOR_SECRET_IDS: 'a', SESSIONS_TABLE };
  await assert.rejects(
    coldStart(environment, 'backchannel_logout'),
    /^Error: OPENID_PROVIDER_SECRET_IDS is missing: set it to the ids or ARNs of the validator records /,
  );
});

test('the audit record holds no part of a logout token, nor a claim or parameter it has no field for', async () => {
  const token = await tokenFor('0', { sid: 'sid-value', email: undefined, more: 'claim-value' });
  const { audit } = await lambda.send(formEvent(`logout_token=${token}&state=state-value`));
  const text = JSON.stringify(audit);
  for (const secret of [...token.split('.'), 'sid-value', 'claim-value', 'state-value'])
    assert.ok(!text.includes(secret), secret);
});
