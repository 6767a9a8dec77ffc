import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { refuse } from './faults/faults.ts';
import { assertBadRequest, assertDone, assertError, assertFault, assertRefused } from './setup/answers.ts';
import { coldStart, type Lambda } from './setup/lambda.ts';
import { startProxiedAws } from './setup/route.ts';
import {
  account,
  CAEP,
  newTransmitter,
  OAUTH,
  pushToken,
  RISC,
  securityEventToken,
  startTransmitters,
  TRANSMITTER,
} from './setup/security_event.ts';
import { newSessions, newUsers, putItems } from './setup/tables.ts';
import { keyPair, newLogoutClaims, storeRecord } from './setup/tokens.ts';

type Members = Record<string, unknown>;

const { dynamodb, secretsManager } = await startProxiedAws();
const transmitter = newTransmitter();
const { table: SESSIONS_TABLE, lambda } = await startTransmitters([transmitter]);

const REVOKED = `${CAEP}/session-revoked`;

const { newUser, left } = newUsers(SESSIONS_TABLE);

/** The session-revoked of a user, at the top of the token. */
function revoked(user: string, claims: Members = {}, header: Members = {}): Promise<string> {
  return securityEventToken(transmitter, { [REVOKED]: {} }, { sub_id: account(user), ...claims }, header);
}

describe('sessions', () => {
  test('a security event ends every session of its user, across pages, and nobody else’s', async () => {
    const [user, other] = [await newUser(3), await newUser(3)];
    await putItems(SESSIONS_TABLE, newSessions(user, 30, { payload: 60_000 }));
    assertDone(await pushToken(lambda, await revoked(user, { jti: 'one' })), {
      outcome: 'logged_out',
      user_id: user,
      validator: 'test_transmitter',
      token_id: 'one',
      caller_reason: REVOKED,
      sessions_ended: 33,
    });
    assert.deepEqual([await left(user), await left(other)], [0, 3]);
  });

  test('a security event that is pushed twice succeeds twice', async () => {
    const token = await revoked(await newUser());
    assertDone(await pushToken(lambda, token), { outcome: 'logged_out' });
    assertDone(await pushToken(lambda, token), { outcome: 'no_live_session' });
  });

  test('a transmitter is answered without waiting for SETTLE_SECONDS', async () => {
    const { lambda: patient } = await startTransmitters([transmitter], { SESSIONS_TABLE, SETTLE_SECONDS: '10' });
    assertDone(await pushToken(patient, await revoked(await newUser()), undefined, 4000), { passes: 1 });
  });
});

describe('senders', () => {
  const GOOGLE = 'https://accounts.google.com';
  const google = newTransmitter({ issuer: `${GOOGLE}/`, subject_issuers: GOOGLE, audience: 'x.apps.example' });
  const senders: [who: string, by: ReturnType<typeof newTransmitter>, token: (user: string) => Promise<string>][] = [
    [
      'Okta, with the user in a complex subject of the event',
      transmitter,
      (user) => {
        const subject = { user: account(user), device: { format: 'opaque', id: 'd' } };
        const event = { subject, event_timestamp: Date.now(), reason_admin: { en: 'x' } };
        return securityEventToken(transmitter, { [REVOKED]: event });
      },
    ],
    [
      'Google, as it wrote subjects first',
      google,
      (user) => {
        const subject = { subject_type: 'iss-sub', iss: `${GOOGLE}/`, sub: user };
        const events = { [`${RISC}/account-disabled`]: { subject, reason: 'hijacking' } };
        return securityEventToken(google, events, { iss: `${GOOGLE}/`, aud: 'x.apps.example' }, { typ: undefined });
      },
    ],
    [
      'Google, as it writes subjects now',
      google,
      (user) => {
        const subject = { format: 'iss_sub', iss: GOOGLE, sub: user };
        const events = { [`${OAUTH}/tokens-revoked`]: { subject } };
        return securityEventToken(google, events, { iss: `${GOOGLE}/`, aud: 'x.apps.example' }, { typ: 'JWT' });
      },
    ],
    [
      'Keycloak, with user and session',
      transmitter,
      (user) => {
        const sub_id = { format: 'complex', user: account(user), session: { format: 'opaque', id: 's' } };
        return securityEventToken(transmitter, { [REVOKED]: { event_timestamp: 1 } }, { sub_id, txn: 't' });
      },
    ],
    [
      'SailPoint, with the list of audiences',
      transmitter,
      (user) => revoked(user, { aud: ['https://x.example', 'https://app.example.com'] }),
    ],
  ];
  for (const [who, by, token] of senders) {
    test(`a security event ends the sessions of its user as it comes from ${who}`, async () => {
      const user = await newUser();
      const { lambda: receiver } = await startTransmitters([by], { SESSIONS_TABLE });
      assertDone(await pushToken(receiver, await token(user)), { outcome: 'logged_out', sessions_ended: 2 });
      assert.equal(await left(user), 0);
    });
  }

  for (const headers of [{}, { 'content-type': 'application/json' }, { 'content-type': 'application/jwt' }]) {
    test(`a security event is read when the headers are ${JSON.stringify(headers)}`, async () => {
      assertDone(await pushToken(lambda, await revoked(await newUser()), headers), { sessions_ended: 2 });
    });
  }

  for (const typ of [undefined, 'jwt', 'SECEVENT+JWT', 'application/secevent+jwt']) {
    test(`a security event is accepted when its typ is ${typ}`, async () => {
      assertDone(await pushToken(lambda, await revoked(await newUser(), {}, { typ })), { sessions_ended: 2 });
    });
  }
});

describe('events', () => {
  const ending = [
    `${CAEP}/session-revoked`,
    `${CAEP}/credential-change`,
    `${RISC}/sessions-revoked`,
    `${RISC}/tokens-revoked`,
    `${OAUTH}/tokens-revoked`,
    `${RISC}/account-disabled`,
    `${RISC}/account-purged`,
    `${RISC}/account-credential-change-required`,
    `${RISC}/credential-compromise`,
  ];
  for (const event of ending) {
    test(`all sessions of the user end on ${event}`, async () => {
      const user = await newUser();
      const token = await securityEventToken(
        transmitter,
        { [event]: { change_type: 'update' } },
        { sub_id: account(user) },
      );
      assertDone(await pushToken(lambda, token), { outcome: 'logged_out', caller_reason: event });
      assert.equal(await left(user), 0);
    });
  }

  const ignored: [event: string, content?: unknown][] = [
    [`${CAEP}/credential-change`, { change_type: 'create' }],
    [`${RISC}/verification`, { state: 'x' }],
    ['https://schemas.openid.net/secevent/ssf/event-type/verification', { state: 'x' }],
    ['https://schemas.openid.net/secevent/ssf/event-type/stream-updated', { status: 'paused' }],
    [`${RISC}/account-enabled`],
    [`${OAUTH}/token-revoked`],
    [`${RISC}/identifier-changed`],
    [`${RISC}/identifier-recycled`],
    [`${RISC}/opt-in`],
    [`${RISC}/opt-out-effective`],
    [`${CAEP}/assurance-level-change`],
    [`${CAEP}/session-revoked/`],
    ['session-revoked'],
    ['toString', null],
  ];
  for (const [event, content = {}] of ignored) {
    test(`no session ends, and the answer is a 202, on ${event} ${JSON.stringify(content)}`, async () => {
      const user = await newUser();
      const token = await securityEventToken(transmitter, { [event]: content }, { sub_id: account(user) });
      assertDone(await pushToken(lambda, token), { outcome: 'event_ignored', reason: 'event', rejections: 0 });
      assert.equal(await left(user), 2);
    });
  }

  test('a verification without a subject is answered 202', async () => {
    const token = await securityEventToken(transmitter, { [`${RISC}/verification`]: { state: 'x' } });
    assertDone(await pushToken(lambda, token), { outcome: 'event_ignored' });
  });

  test('of two events the first that ends sessions counts, with its own subject', async () => {
    const [first, second] = [await newUser(), await newUser()];
    const events = {
      [`${RISC}/account-enabled`]: { subject: account(second) },
      [`${RISC}/account-disabled`]: { subject: account(first) },
      [REVOKED]: { subject: account(second) },
    };
    const caller_reason = `${RISC}/account-disabled`;
    assertDone(await pushToken(lambda, await securityEventToken(transmitter, events)), { caller_reason });
    assert.deepEqual([await left(first), await left(second)], [0, 2]);
  });

  test('a record that names the events to act on ignores all others', async () => {
    const own = newTransmitter({ events: ['https://example.com/fired', `${RISC}/account-purged`] });
    const { lambda: by } = await startTransmitters([own], { SESSIONS_TABLE });
    const user = await newUser();
    const send = async (event: string) =>
      pushToken(by, await securityEventToken(own, { [event]: { subject: account(user) } }));
    assertDone(await send(REVOKED), { outcome: 'event_ignored' });
    assert.equal(await left(user), 2);
    assertDone(await send('https://example.com/fired'), { sessions_ended: 2 });
  });
});

describe('subject', () => {
  /** Pushes a session-revoked about it, as sub_id of the token. */
  async function about(sub_id: unknown, by: Lambda = lambda) {
    return pushToken(by, await securityEventToken(transmitter, { [REVOKED]: {} }, { sub_id }));
  }

  test('the sub_id of the token counts before the subject of its event', async () => {
    const [user, other] = [await newUser(), await newUser()];
    const events = { [REVOKED]: { subject: account(other) } };
    const token = await securityEventToken(transmitter, events, { sub_id: account(user) });
    assertDone(await pushToken(lambda, token), { user_id: user });
    assert.equal(await left(other), 2);
  });

  test('the user of a complex subject is read, with and without a format', async () => {
    for (const format of ['complex', undefined]) {
      const user = await newUser();
      assertDone(await about({ format, user: account(user) }), { user_id: user, sessions_ended: 2 });
    }
  });

  const nobody = [
    { format: 'complex', session: { format: 'opaque', id: 's' } },
    { session: { format: 'opaque', id: 's' } },
    { device: account('2') },
    { format: 'complex' },
  ];
  for (const subject of nobody) {
    test(`a 202 that is counted is returned when a subject names no user: ${JSON.stringify(subject)}`, async () => {
      assertDone(await about(subject), { outcome: 'no_user', reason: 'subject', rejections: 1 });
    });
  }

  const bad: [what: string, subject: (user: string) => unknown][] = [
    ['is missing', () => undefined],
    ['is null', () => null],
    ['is text', (user) => user],
    ['is a list', (user) => [account(user)]],
    ['is opaque', (user) => ({ format: 'opaque', id: user })],
    ['has an unknown format', (user) => account(user, { format: 'iss_sub_' })],
    ['has no format', (user) => account(user, { format: undefined })],
    ['is of another issuer', (user) => account(user, { iss: `${TRANSMITTER}/` })],
    ['has an empty sub', () => account('')],
    ['has a number as sub', (user) => account(Number(user))],
    ['has an address, which the record does not take', () => ({ format: 'email', email: 'a@example.com' })],
    ['is complex within a complex one', (user) => ({ user: { format: 'complex', user: account(user) } })],
    ['has a list as its user', (user) => ({ format: 'complex', user: [account(user)] })],
    ['has a tenant, which the record does not', (user) => ({ user: account(user), tenant: { id: 't' } })],
  ];
  for (const [what, subject] of bad) {
    test(`a 400 is returned, and the sessions survive, when the subject of a security event ${what}`, async () => {
      const user = await newUser();
      const audit = { outcome: 'invalid_request' };
      assertBadRequest(await about(subject(user)), 'subject', audit);
      assert.equal(await left(user), 2);
    });
  }

  test('an event that ends sessions and is no object has no subject', async () => {
    const token = await securityEventToken(transmitter, { [REVOKED]: null });
    assertBadRequest(await pushToken(lambda, token), 'subject');
  });

  test('a complex subject of the record’s tenant is accepted, and one of another tenant refused', async () => {
    const ours = newTransmitter({ tenant: 't-0, t-1' });
    const { lambda: by } = await startTransmitters([ours], { SESSIONS_TABLE });
    const user = await newUser();
    for (const tenant of [
      't-1',
      { format: 'opaque', id: 't-1' },
      { format: 'iss_sub', iss: 'x', sub: 't-1' },
      undefined,
    ])
      assertDone(await about({ user: account(user), tenant }, by));
    for (const tenant of ['t-2', null, {}, ['t-1'], { id: ['t-1'] }])
      assertBadRequest(await about({ user: account(user), tenant }, by), 'subject');
  });

  test('a 400 that an alarm shows is returned for a sub that USER_ID_PATTERN or sub_pattern refuses', async () => {
    assertError(await about(account('007')), 400, 'user_id', { outcome: 'user_id_not_accepted' });
    const few = newTransmitter({ sub_pattern: '[1-4]' });
    const { lambda: narrow } = await startTransmitters([few], { SESSIONS_TABLE });
    assertDone(await about(account('4'), narrow));
    assertError(await about(account('5'), narrow), 400, 'sub', {
      outcome: 'user_id_not_accepted',
    });
  });
});

describe('token', () => {
  const now = () => Math.floor(Date.now() / 1000);

  test('a security event may be a week old, and no older', async () => {
    assertDone(await pushToken(lambda, await revoked('0', { iat: now() - 604_800 })));
    const old = await revoked('0', { iat: now() - 604_860 });
    assertRefused(await pushToken(lambda, old), 'too_long_lived');
  });

  test('the exp of a security event counts when it is there', async () => {
    assertDone(await pushToken(lambda, await revoked('0', { exp: now() + 60 })));
    const expired = await revoked('0', { exp: now() - 60 });
    assertRefused(await pushToken(lambda, expired), 'expired');
  });

  const ec = newTransmitter({}, 'ES256');
  const about = (user: string) => ({ sub_id: account(user) });
  const events = { [REVOKED]: {} };
  const stranger = { ...transmitter, privateKey: keyPair('RS256', 'stranger').privateKey };
  const bad: [what: string, err: string, reason: string, token: (user: string) => Promise<string>][] = [
    ['has no iat', 'invalid_request', 'claims', (user) => revoked(user, { iat: undefined })],
    ['has no jti', 'invalid_request', 'claims', (user) => revoked(user, { jti: undefined })],
    ['has an empty jti', 'invalid_request', 'claims', (user) => revoked(user, { jti: '' })],
    ['has exp as text', 'invalid_request', 'claims', (user) => revoked(user, { exp: '9999999999' })],
    ['has exp null', 'invalid_request', 'claims', (user) => revoked(user, { exp: null })],
    ['is of the future', 'invalid_request', 'not_yet_valid', (user) => revoked(user, { iat: now() + 60 })],
    ['has a nonce', 'invalid_request', 'nonce', (user) => revoked(user, { nonce: 'n' })],
    ['has another typ', 'invalid_request', 'wrong_kind', (user) => revoked(user, {}, { typ: 'logout+jwt' })],
    [
      'is a logout token besides',
      'invalid_request',
      'wrong_kind',
      (user) => securityEventToken(transmitter, { ...events, ...Object(newLogoutClaims(user).events) }, about(user)),
    ],
    ['has no events', 'invalid_request', 'no_event', (user) => securityEventToken(transmitter, undefined, about(user))],
    ['has empty events', 'invalid_request', 'no_event', (user) => securityEventToken(transmitter, {}, about(user))],
    [
      'has a list of events',
      'invalid_request',
      'no_event',
      (user) => securityEventToken(transmitter, [REVOKED], about(user)),
    ],
    ['is junk', 'invalid_request', 'malformed', async () => 'a.b.c'],
    ['ends in a line feed', 'invalid_request', 'malformed', async (user) => `${await revoked(user)}\n`],
    ['has another algorithm', 'invalid_key', 'algorithm', (user) => securityEventToken(ec, events, about(user))],
    ['has another key', 'invalid_key', 'unknown_key', (user) => revoked(user, {}, { kid: 'another' })],
    [
      'is signed by a stranger',
      'invalid_key',
      'signature',
      (user) => securityEventToken(stranger, events, about(user)),
    ],
    ['is of another issuer', 'invalid_issuer', 'issuer', (user) => revoked(user, { iss: `${TRANSMITTER}/` })],
    ['is for another audience', 'invalid_audience', 'audience', (user) => revoked(user, { aud: 'another' })],
  ];
  for (const [what, err, reason, token] of bad) {
    test(`a 400 with ${err} is returned, and nobody logged out, when a security event ${what}`, async () => {
      const user = await newUser();
      const answer = await pushToken(lambda, await token(user));
      assertRefused(answer, reason);
      assert.equal(answer.json.err, err);
      assert.equal(await left(user), 2);
    });
  }

  test('a 400 is returned when the body is empty, in a form, or larger than 64 KiB', async () => {
    const token = await revoked('2');
    assertRefused(await pushToken(lambda, ''), 'malformed');
    assertRefused(await pushToken(lambda, `SET=${token}`), 'malformed');
    assertBadRequest(await pushToken(lambda, token.padEnd(65_537)), 'body');
  });

  test('a security event may be larger than a token in a header', async () => {
    const events = { [REVOKED]: { reason_admin: 'x'.repeat(10_000), subject: account(await newUser()) } };
    assertDone(await pushToken(lambda, await securityEventToken(transmitter, events)), { sessions_ended: 2 });
  });

  test('DynamoDB is not queried for a security event that fails verification', async () => {
    const forged = await revoked('3', { aud: 'another' });
    assert.deepEqual(await dynamodb.requests('3', () => pushToken(lambda, forged)), []);
  });
});

describe('AWS', () => {
  test('a 503 is returned to a transmitter, and sessions_left is 1, when DynamoDB fails', async () => {
    const user = await newUser();
    dynamodb.inject('BatchWriteItem', user, refuse(500, 'InternalServerError'));
    const answer = await pushToken(lambda, await revoked(user));
    assertFault(answer, 503, 'aws_unavailable');
    assert.equal(answer.audit.sessions_left, 1);
    dynamodb.clearFaults(user);
    assertDone(await pushToken(lambda, await revoked(user)), { sessions_ended: 2 });
  });

  test('a 500 or a 503, never a 400, is returned when the record of a transmitter cannot be used', async () => {
    const start = (secretId: string) =>
      coldStart({ EVENT_TRANSMITTER_SECRET_IDS: secretId, SESSIONS_TABLE }, 'security_events');
    const token = await revoked('0');
    assertFault(await pushToken(await start('none'), token), 500, 'record_missing');
    const secretId = await storeRecord(transmitter.record);
    secretsManager.inject('GetSecretValue', secretId, refuse(500, 'InternalServiceError'));
    assertFault(await pushToken(await start(secretId), token), 503, 'aws_unavailable');
  });
});

test('the start of security_events fails with a one-line error when only callers’ records are named', async () => {
  await assert.rejects(
    coldStart({ VALIDATOR_SECRET_IDS: 'a', SESSIONS_TABLE }, 'security_events'),
    /^Error: EVENT_TRANSMITTER_SECRET_IDS is missing: set it to the ids or ARNs of the validator records /,
  );
});

test('the audit record holds no part of a security event but its name, and no subject beyond the user id', async () => {
  const events = { [REVOKED]: { reason_admin: 'event-value', subject: account('0', { x: 'subject-value' }) } };
  const token = await securityEventToken(transmitter, events, { txn: 'claim-value' });
  const { audit } = await pushToken(lambda, token);
  const text = JSON.stringify(audit);
  for (const secret of [...token.split('.'), 'event-value', 'subject-value', 'claim-value'])
    assert.ok(!text.includes(secret), secret);
});
