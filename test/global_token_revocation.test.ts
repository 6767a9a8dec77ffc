import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { refuse } from './faults/faults.ts';
import {
  assertBadRequest,
  assertDone,
  assertError,
  assertFault,
  assertForbidden,
  assertRefused,
} from './setup/answers.ts';
import { coldStart } from './setup/lambda.ts';
import {
  account,
  newOrganisation,
  ORGANISATION,
  revocationToken,
  revoke,
  startOrganisations,
} from './setup/revocation.ts';
import { startProxiedAws } from './setup/route.ts';
import { newSessions, newUsers, putItems } from './setup/tables.ts';
import { keyPair, storeRecord } from './setup/tokens.ts';

const { dynamodb, secretsManager } = await startProxiedAws();
const okta = newOrganisation();
const { table: SESSIONS_TABLE, lambda } = await startOrganisations([okta]);

const { newUser, left } = newUsers(SESSIONS_TABLE);

const byAccount = (user: string) => ({ sub_id: account(user) });

describe('sessions', () => {
  test('a revocation ends every session of its user, across pages, and nobody else’s', async () => {
    const [user, other] = [await newUser(3), await newUser(3)];
    await putItems(SESSIONS_TABLE, newSessions(user, 30, { payload: 60_000 }));
    const answer = await revoke(lambda, await revocationToken(okta, { jti: 'one' }), byAccount(user));
    const audit = { outcome: 'logged_out', user_id: user, validator: 'test_okta', token_id: 'one', sessions_ended: 33 };
    assertDone(answer, audit);
    assert.deepEqual([await left(user), await left(other)], [0, 3]);
  });

  test('a revocation that is sent twice succeeds twice, though no session is left the second time', async () => {
    const [user, token] = [await newUser(), await revocationToken(okta)];
    assertDone(await revoke(lambda, token, byAccount(user)), { outcome: 'logged_out' });
    assertDone(await revoke(lambda, token, byAccount(user)), { outcome: 'no_live_session' });
  });

  test('an issuer of revocations is answered without waiting for SETTLE_SECONDS', async () => {
    const { lambda: patient } = await startOrganisations([okta], { SESSIONS_TABLE, SETTLE_SECONDS: '10' });
    const token = await revocationToken(okta);
    assertDone(await revoke(patient, token, byAccount(await newUser()), undefined, 4000), { passes: 1 });
  });
});

describe('token', () => {
  for (const typ of ['GLOBAL-TOKEN-REVOCATION+JWT', 'application/global-token-revocation+jwt']) {
    test(`a revocation token is accepted when its typ is ${typ}`, async () => {
      assertDone(await revoke(lambda, await revocationToken(okta, {}, { typ }), byAccount('0')));
    });
  }

  test('a revocation token may live for ten minutes, and no longer', async () => {
    const now = Math.floor(Date.now() / 1000);
    assertDone(await revoke(lambda, await revocationToken(okta, { exp: now + 600 }), byAccount('0')));
    const long = await revocationToken(okta, { exp: now + 660 });
    assertRefused(await revoke(lambda, long, byAccount('0')), 'too_long_lived');
    const old = await revocationToken(okta, { iat: now - 660 });
    assertRefused(await revoke(lambda, old, byAccount('0')), 'too_long_lived');
  });

  const ec = newOrganisation({}, 'ES256');
  const bad: [what: string, reason: string, token: () => Promise<string>][] = [
    ['has no typ', 'wrong_kind', () => revocationToken(okta, {}, { typ: undefined })],
    ['has the typ JWT', 'wrong_kind', () => revocationToken(okta, {}, { typ: 'JWT' })],
    ['has events', 'wrong_kind', () => revocationToken(okta, { events: {} })],
    ['has a nonce', 'nonce', () => revocationToken(okta, { nonce: null })],
    ['has no exp', 'claims', () => revocationToken(okta, { exp: undefined })],
    ['has no iat', 'claims', () => revocationToken(okta, { iat: undefined })],
    ['has no jti', 'claims', () => revocationToken(okta, { jti: undefined })],
    ['has an empty jti', 'claims', () => revocationToken(okta, { jti: '' })],
    ['has no iss', 'claims', () => revocationToken(okta, { iss: undefined })],
    ['has no aud', 'claims', () => revocationToken(okta, { aud: undefined })],
    ['names the client as its audience', 'audience', () => revocationToken(okta, { aud: '0oa1client' })],
    [
      'names our address with a port that the record does not have',
      'audience',
      () => revocationToken(okta, { aud: 'https://api.example.com:443/auth/global_token_revocation' }),
    ],
    ['is of another issuer', 'issuer', () => revocationToken(okta, { iss: `${ORGANISATION}/oauth2/default` })],
    ['has another algorithm', 'algorithm', () => revocationToken(ec)],
    ['has another key', 'unknown_key', () => revocationToken(okta, {}, { kid: 'another' })],
    [
      'is signed by a stranger',
      'signature',
      () => revocationToken({ ...okta, privateKey: keyPair('RS256', 'stranger').privateKey }),
    ],
    ['has expired', 'expired', () => revocationToken(okta, { exp: Math.floor(Date.now() / 1000) - 10 })],
    ['is junk', 'malformed', async () => 'a.b.c'],
  ];
  for (const [what, reason, token] of bad) {
    test(`a 401 is returned, and the sessions survive, when a revocation token ${what}`, async () => {
      const user = await newUser();
      assertRefused(await revoke(lambda, await token(), byAccount(user)), reason);
      assert.equal(await left(user), 2);
    });
  }

  test('a 401 that names no error is returned for a revocation without a token', async () => {
    const answer = await revoke(lambda, undefined, byAccount(await newUser()));
    assertRefused(answer, 'no_credentials');
    assert.equal(answer.headers['www-authenticate'], 'Bearer realm="auth_logout_user"');
  });

  for (const sub of ['0oa2other', undefined]) {
    test(`a 403 is returned, and the sessions survive, when the client of a revocation token is ${sub}`, async () => {
      const user = await newUser();
      assertForbidden(await revoke(lambda, await revocationToken(okta, { sub }), byAccount(user)), 'client');
      assert.equal(await left(user), 2);
    });
  }
});

describe('body', () => {
  test('a subject of an earlier draft is understood, with any content type and any other members', async () => {
    const user = await newUser();
    const body = { subject: account(user), event_timestamp: 1 };
    assertDone(await revoke(lambda, await revocationToken(okta), body, { 'content-type': 'text/plain' }), {
      sessions_ended: 2,
    });
    assertDone(await revoke(lambda, await revocationToken(okta), body, {}));
  });

  const bad: [what: string, reason: string, body: (user: string) => unknown][] = [
    ['is empty', 'body', () => ''],
    ['is no JSON', 'body', () => '{'],
    ['is a list', 'body', (user) => [byAccount(user)]],
    ['is null', 'body', () => 'null'],
    ['has sub_id twice', 'body', (user) => `{"sub_id":{},"sub_id":${JSON.stringify(account(user))}}`],
    ['has sub twice', 'body', () => `{"sub_id":{"format":"iss_sub","iss":"${ORGANISATION}","sub":"1","sub":"2"}}`],
    ['is larger than 64 KiB', 'body', (user) => ({ ...byAccount(user), x: 'x'.repeat(65_536) })],
    ['has no subject', 'subject', () => ({})],
    ['has sub_id and subject', 'subject', (user) => ({ ...byAccount(user), subject: account(user) })],
    ['has text as sub_id', 'subject', (user) => ({ sub_id: user })],
    ['has null as sub_id', 'subject', () => ({ sub_id: null })],
    ['has a subject without a format', 'subject', (user) => ({ sub_id: account(user, { format: undefined }) })],
    ['has an opaque subject', 'subject', (user) => ({ sub_id: { format: 'opaque', id: user } })],
    ['has a complex subject', 'subject', (user) => ({ sub_id: { format: 'complex', user: account(user) } })],
    ['has the spelling of an earlier format', 'subject', (user) => ({ sub_id: account(user, { format: 'iss-sub' }) })],
    ['has a subject of another issuer', 'subject', (user) => ({ sub_id: account(user, { iss: `${ORGANISATION}/` }) })],
    ['has a subject without an issuer', 'subject', (user) => ({ sub_id: account(user, { iss: undefined }) })],
    ['has an empty sub', 'subject', () => byAccount('')],
    ['has a number as sub', 'subject', (user) => ({ sub_id: account(Number(user)) })],
    [
      'has an address, which the record does not take',
      'subject',
      () => ({ sub_id: { format: 'email', email: 'a@b' } }),
    ],
  ];
  for (const [what, reason, body] of bad) {
    test(`a 400 is returned, and the sessions survive, when the body of a revocation ${what}`, async () => {
      const user = await newUser();
      assertBadRequest(await revoke(lambda, await revocationToken(okta), body(user)), reason);
      assert.equal(await left(user), 2);
    });
  }

  test('the audit record of a subject that is not taken says who was meant, and why', async () => {
    const faults = [
      [
        account('7', { iss: 'https://x.example' }),
        '7',
        'its issuer is neither issuer of the record nor in subject_issuers',
      ],
      [{ format: 'email', email: 'a@b.c' }, 'a@b.c', 'it is an address, and the record has no email_domains'],
      [{ format: 'opaque', id: '7' }, undefined, 'its format is neither iss_sub nor email'],
      [account(7), undefined, 'its sub is not text'],
    ] as const;
    for (const [sub_id, subject, why] of faults) {
      const answer = await revoke(lambda, await revocationToken(okta), { sub_id });
      assertBadRequest(answer, 'subject', { subject, fault: `the subject is not taken: ${why}` });
    }
  });

  test('the token is judged before its client, the client before the body, the body before the user', async () => {
    const sent = [
      { token: await revocationToken(okta, { sub: 'other', nonce: '' }), body: '{', status: 401, reason: 'nonce' },
      { token: await revocationToken(okta, { sub: 'other' }), body: '{', status: 403, reason: 'client' },
      { token: await revocationToken(okta), body: '{', status: 400, reason: 'body' },
      { token: await revocationToken(okta), body: byAccount('no id'), status: 404, reason: 'user_id' },
    ];
    for (const { token, body, status, reason } of sent) assertError(await revoke(lambda, token, body), status, reason);
  });

  test('DynamoDB is not queried before the body of a revocation is read', async () => {
    const user = await newUser();
    const token = await revocationToken(okta, { sub: 'other' });
    assert.deepEqual(await dynamodb.requests(user, () => revoke(lambda, token, byAccount(user))), []);
  });
});

describe('user', () => {
  test('a 404 is returned when USER_ID_PATTERN or sub_pattern refuses the sub', async () => {
    for (const sub of ['007', 'abc', '\ud800']) {
      const answer = await revoke(lambda, await revocationToken(okta), byAccount(sub));
      assertError(answer, 404, 'user_id');
      assert.equal(answer.audit.outcome, 'user_id_not_accepted');
    }
    const few = newOrganisation({ sub_pattern: '[1-4]' });
    const { lambda: narrow } = await startOrganisations([few], { SESSIONS_TABLE });
    assertDone(await revoke(narrow, await revocationToken(few), byAccount('4')));
    assertError(await revoke(lambda, await revocationToken(okta), byAccount('1'.repeat(2049))), 404, 'sub');
    assertError(await revoke(narrow, await revocationToken(few), byAccount('5')), 404, 'sub');
  });

  test('a sub of another issuer is accepted where subject_issuers names it, and becomes an id by user_id', async () => {
    const custom = `${ORGANISATION}/oauth2/default`;
    const two = newOrganisation({ subject_issuers: `${custom}, https://x.example`, user_id: '1{sub}' });
    const { lambda: both } = await startOrganisations([two], { SESSIONS_TABLE });
    const user = await newUser();
    for (const iss of [custom, 'https://x.example', ORGANISATION]) {
      const body = { sub_id: account(user.slice(1), { iss }) };
      assertDone(await revoke(both, await revocationToken(two), body), { user_id: user });
    }
    assert.equal(await left(user), 0);
  });
});

describe('AWS', () => {
  test('a 503 is returned to an issuer of revocations, and sessions_left is 1, when DynamoDB fails', async () => {
    const user = await newUser();
    dynamodb.inject('BatchWriteItem', user, refuse(500, 'InternalServerError'));
    const answer = await revoke(lambda, await revocationToken(okta), byAccount(user));
    assertFault(answer, 503, 'aws_unavailable');
    assert.equal(answer.audit.sessions_left, 1);
    dynamodb.clearFaults(user);
    assertDone(await revoke(lambda, await revocationToken(okta), byAccount(user)), { sessions_ended: 2 });
  });

  test('a 500 or a 503, never a 401, is returned when the record of an issuer cannot be used', async () => {
    const start = (secretId: string) =>
      coldStart({ REVOCATION_ISSUER_SECRET_IDS: secretId, SESSIONS_TABLE }, 'global_token_revocation');
    const token = await revocationToken(okta);
    assertFault(await revoke(await start('none'), token, byAccount('0')), 500, 'record_missing');
    const secretId = await storeRecord(okta.record);
    secretsManager.inject('GetSecretValue', secretId, refuse(500, 'InternalServiceError'));
    assertFault(await revoke(await start(secretId), token, byAccount('0')), 503, 'aws_unavailable');
  });
});

test('the start of global_token_revocation fails with a one-line error when only callers’ records are named', async () => {
  await assert.rejects(
    coldStart({ VALIDATOR_SECRET_IDS: 'a', SESSIONS_TABLE }, 'global_token_revocation'),
    /^Error: REVOCATION_ISSUER_SECRET_IDS is missing: set it to the ids or ARNs of the validator records /,
  );
});

test('the audit record holds no part of a revocation token, nor of its subject beyond the user id', async () => {
  const token = await revocationToken(okta, { more: 'claim-value' });
  const { audit } = await revoke(lambda, token, { sub_id: account('0', { x: 'member-value' }), y: 'body-value' });
  const text = JSON.stringify(audit);
  for (const secret of [...token.split('.'), 'claim-value', 'member-value', 'body-value'])
    assert.ok(!text.includes(secret), secret);
});
