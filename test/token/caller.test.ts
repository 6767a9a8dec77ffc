// What a caller's token may do: nothing if it is of another kind; with user_id_claim, log out the one user it names.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { assertAccepted, assertFault, assertForbidden, assertRefused } from '../setup/answers.ts';
import { startRecords } from '../setup/records.ts';
import { newClaims, newRecord, signText, signToken } from '../setup/tokens.ts';

const LOGOUT = { 'http://schemas.openid.net/event/backchannel-logout': {} };
const { startWith } = await startRecords();
const record = newRecord();
const key = record.secret_key;

describe('a token of another kind', async () => {
  const send = await startWith(record);

  for (const name of ['logout+jwt', 'secevent+jwt', 'global-token-revocation+jwt']) {
    for (const typ of [name, name.toUpperCase(), `application/${name}`, `Application/${name}`]) {
      test(`a caller’s token with typ ${typ} is refused`, async () =>
        assertRefused(await send(await signToken(key, newClaims(), { alg: 'HS256', typ })), 'wrong_kind'));
    }
  }

  for (const events of [LOGOUT, {}, [], null, 'logout', false]) {
    test(`a caller’s token with events ${JSON.stringify(events)} is refused`, async () =>
      assertRefused(await send(await signToken(key, newClaims({ events }))), 'wrong_kind'));
  }

  for (const typ of [undefined, 'JWT', 'at+jwt', 'application/at+jwt', 'logout', 'logoutapplication/+jwt']) {
    test(`a caller’s token ${typ ? `with typ ${typ}` : 'without typ'} is accepted`, async () =>
      assertAccepted(await send(await signToken(key, newClaims(), { alg: 'HS256', ...(typ && { typ }) }))));
  }

  test('the audit record has the validator and jti of a caller’s token that is refused for its events', async () => {
    const claims = newClaims({ events: LOGOUT, jti: 'one' });
    const answer = await send(await signToken(key, claims));
    assertRefused(answer, 'wrong_kind', { validator: 'test_validator', token_id: 'one' });
  });
});

describe('user_id_claim', () => {
  /** The member is JSON, so that a number is sent in exactly these digits. */
  const bound = async (userIdClaim: string, member: string, userId: unknown) => {
    const send = await startWith({ ...record, user_id_claim: userIdClaim });
    const payload = `${JSON.stringify(newClaims({ sub: 'nobody' })).slice(0, -1)}${member && ','}${member}}`;
    return send(signText(key, '{"alg":"HS256"}', payload), { userId });
  };

  for (const [member, userId] of [
    ['"uid":"7"', '7'],
    ['"uid":7', '7'],
    ['"uid":9007199254740993', '9007199254740993'],
    ['"uid":9223372036854775807', '9223372036854775807'],
    ['"uid":"9223372036854775807"', '9223372036854775807'],
  ] as const) {
    test(`a token with ${member} may log out user ${userId} when user_id_claim is uid`, async () =>
      assertAccepted(await bound('uid', member, userId)));
  }

  for (const [member, userId] of [
    ['', '7'],
    ['"uid":"8"', '7'],
    ['"UID":"7"', '7'],
    ['"uid":" 7"', '7'],
    ['"uid":"7 "', '7'],
    ['"uid":"07"', '7'],
    ['"uid":""', '7'],
    ['"uid":["7"]', '7'],
    ['"uid":[7]', '7'],
    ['"uid":{"uid":"7"}', '7'],
    ['"uid":null', '7'],
    ['"uid":true', '7'],
    ['"uid":7.0', '7'],
    ['"uid":7e0', '7'],
    ['"uid":7.5', '7'],
    ['"uid":7.5', '7.5'],
    ['"uid":-0', '0'],
    ['"uid":9007199254740993', '9007199254740992'],
    ['"uid":9007199254740992', '9007199254740993'],
    ['"__proto__":{"uid":"7"}', '7'],
    ['"x":{"uid":"7"}', '7'],
    ['"uid":null', null],
  ] as const) {
    test(`a token with ${member || 'no uid'} may not log out user ${userId} when user_id_claim is uid`, async () =>
      assertForbidden(await bound('uid', member, userId), 'user_id_not_bound'));
  }

  for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty']) {
    test(`a token may log nobody out when user_id_claim is ${name}, which every object has`, async () =>
      assertForbidden(await bound(name, '', '7'), 'user_id_not_bound'));
  }

  test('a token may log out the user in its sub, and nobody else, when user_id_claim is sub', async () => {
    const send = await startWith({ ...record, user_id_claim: 'sub' });
    const token = await signToken(key, newClaims({ sub: '7' }));
    assertAccepted(await send(token, { userId: '7' }));
    assertForbidden(await send(token, { userId: '8' }), 'user_id_not_bound');
  });

  test('a token with sub Ann may not log out user ann when user_id_claim is sub', async () => {
    const send = await startWith({ ...record, user_id_claim: 'sub' });
    const token = await signToken(key, newClaims({ sub: 'Ann' }));
    assertForbidden(await send(token, { userId: 'ann' }), 'user_id_not_bound');
  });

  test('a 403 for user_id_claim is returned before the body is read', async () => {
    const send = await startWith({ ...record, user_id_claim: 'sub' });
    const answer = await send(await signToken(key), { userId: '7', body: '{' });
    assertForbidden(answer, 'user_id_not_bound');
  });

  for (const value of ['', ' ', 7, ['sub'], {}, true]) {
    test(`a 500 is returned when user_id_claim of the record is ${JSON.stringify(value)}`, async () => {
      const send = await startWith({ ...record, user_id_claim: value });
      assertFault(await send(await signToken(key)), 500, 'record_invalid');
    });
  }
});

describe('user_id and sub_pattern beside user_id_claim', () => {
  const status = async (members: Record<string, unknown>, claims: Record<string, unknown>, userId: string) => {
    const send = await startWith({ ...record, ...members });
    const { status, audit } = await send(await signToken(key, newClaims(claims)), { userId });
    return [status, audit.reason];
  };
  const prefixed = { user_id_claim: 'sub', user_id: 'b|{sub}' };
  const digits = { user_id_claim: 'uid', sub_pattern: '[0-9]+' };

  for (const [members, claims, userId, expected] of [
    [prefixed, { sub: '7' }, 'b|7', [404, 'user_id']], // by the pattern of ids, the last of the checks
    [prefixed, { sub: '7' }, '7', [403, 'user_id_not_bound']],
    [prefixed, { sub: 'b|7' }, 'b|7', [403, 'user_id_not_bound']],
    [prefixed, {}, 'b|', [403, 'user_id_not_bound']],
    [{ ...prefixed, user_id: '{sub}{sub}' }, { sub: '7' }, '77', [200, undefined]],
    [{ ...prefixed, user_id: '1{sub}' }, { sub: '$&' }, '1$&', [404, 'user_id']],
    [{ ...prefixed, user_id: null }, { sub: '7' }, '7', [200, undefined]],
    [digits, { uid: '7' }, '7', [200, undefined]],
    [digits, { uid: 7 }, '7', [200, undefined]],
    [digits, { uid: 'a|7' }, 'a|7', [404, 'sub']],
    [digits, { uid: '7|a' }, '7|a', [404, 'sub']],
    [digits, { uid: '7\n' }, '7\n', [404, 'sub']],
    [digits, { uid: 'a' }, '7', [404, 'sub']],
    [digits, { uid: '8' }, '7', [403, 'user_id_not_bound']],
    [digits, { sub: '7' }, '7', [403, 'user_id_not_bound']],
    [{ ...digits, sub_pattern: '7|8' }, { uid: '78' }, '78', [404, 'sub']],
    [{ ...digits, ...prefixed, user_id: '1{sub}' }, { sub: '7' }, '17', [200, undefined]],
    [{ ...digits, ...prefixed, user_id: '1{sub}' }, { sub: 'x' }, '1x', [404, 'sub']],
  ] as const) {
    test(`${JSON.stringify(claims)} of a token gives ${expected.join(' ')} for user ${userId} by ${JSON.stringify(members)}`, async () =>
      assert.deepEqual(await status(members, claims, userId), expected));
  }

  for (const [members, fault] of [
    [{ ...prefixed, user_id: 'b' }, /: user_id must contain \{sub\}/],
    [
      { user_id: 'b|{sub}' },
      /: user_id needs user_id_claim beside it in the record of a caller: set that, or remove this$/,
    ],
    [{ sub_pattern: '[0-9]+' }, /: sub_pattern needs user_id_claim beside it in the record of a caller/],
    [{ ...prefixed, sub_pattern: '[' }, /: sub_pattern must be a regular expression in Unicode mode$/],
    [{ ...prefixed, sub_pattern: 'a)|(b' }, /: sub_pattern must be a regular expression/],
    [{ ...prefixed, sub_pattern: ' ' }, /: sub_pattern must be text that is not blank$/],
    [{ ...prefixed, sub_pattern: 7 }, /: sub_pattern must be text that is not blank$/],
  ] as const) {
    test(`a 500 is returned, and the log names the field, when a caller’s record has ${JSON.stringify(members)}`, async () => {
      const send = await startWith({ ...record, ...members });
      const answer = await send(await signToken(key));
      assertFault(answer, 500, 'record_invalid');
      assert.match(String(answer.audit.fault), fault);
    });
  }
});

describe('the record of a caller', () => {
  for (const [field, whose] of [
    ['account_provider', 'an OpenID provider or an issuer of revocations or a transmitter of events'],
    ['email_domains', 'an issuer of revocations or a transmitter of events'],
    ['client_id', 'an issuer of revocations'],
    ['tenant', 'a transmitter of events'],
  ]) {
    test(`a caller’s record with ${field} is refused, since it is for other records`, async () => {
      const answer = await (await startWith({ ...record, [`${field}`]: 'x' }))(await signToken(key));
      assertFault(answer, 500, 'record_invalid');
      assert.match(String(answer.audit.fault), new RegExp(`: ${field} is for the record of ${whose} only: remove it$`));
    });
  }
});
