// How a token is judged: the header that carries it, the times of its claims, and no key but the record's.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { assertAccepted, assertRefused } from '../setup/answers.ts';
import { startRecords } from '../setup/records.ts';
import { junkToken, keyPair, newClaims, newRecord, signToken } from '../setup/tokens.ts';

const record = newRecord();
const key = record.secret_key;
const { startWith } = await startRecords();
const send = await startWith(record);
const now = Math.floor(Date.now() / 1000);
const token = await signToken(key);

describe('authorization header', () => {
  const schemes: [authorization: string, reason: string | undefined][] = [
    [`Bearer ${token}`, undefined],
    [`bearer ${token}`, undefined],
    [`BEARER ${token}`, undefined],
    [`Bearer  ${token}`, undefined],
    [`bearer     ${token}`, undefined],
    [`Bearer \t${token}`, 'malformed'],
    [`Bearer \u00a0${token}`, 'malformed'],
    [` Bearer ${token}`, 'no_credentials'],
    [`Bearer ${token} `, 'malformed'],
    [`Bearer\t${token}`, 'no_credentials'],
    [`Bearer${token}`, 'no_credentials'],
    ['Bearer', 'malformed'],
    ['Bearer ', 'malformed'],
    ['Bearer   ', 'malformed'],
    [`Bearer Bearer ${token}`, 'malformed'],
    [token, 'no_credentials'],
    [`Basic ${token}`, 'no_credentials'],
    [`DPoP ${token}`, 'no_credentials'],
    [`Basic YTpi, Bearer ${token}`, 'no_credentials'],
    [`Bearer ${token}, realm="x"`, 'malformed'],
    ['', 'no_credentials'],
  ];
  for (const [authorization, reason] of schemes) {
    const shown = JSON.stringify(authorization.replaceAll(token, '…'));
    test(`the authorization header ${shown} is ${reason ? `refused as ${reason}` : 'accepted'}`, async () => {
      const { status, audit } = await send('', { headers: { authorization } });
      assert.deepEqual([status, audit.reason], reason ? [401, reason] : [200, undefined]);
    });
  }

  test('a request with two authorization headers that differ in case is refused', async () => {
    const { status, audit } = await send(token, { headers: { Authorization: `Bearer ${await junkToken()}` } });
    assert.deepEqual([status, audit.reason], [401, 'no_credentials']);
  });
});

describe('header of a token', () => {
  test('a key in the header of a token is never used, and does no harm', async () => {
    const { jwk, privateKey } = keyPair('ES256', 'attacker');
    const oct = { kty: 'oct', k: Buffer.from('attacker').toString('base64url'), alg: 'HS256' };
    const url = 'http://127.0.0.1:9/jwks';
    for (const header of [{ jwk: oct }, { jwk }, { jku: url }, { x5u: url }, { x5c: ['MIIB'] }, { kid: 'attacker' }]) {
      const forged = await signToken('attacker', newClaims(), { alg: 'HS256', ...header });
      assertRefused(await send(forged), 'signature');
      assertRefused(await send(await signToken(privateKey, newClaims(), { alg: 'ES256', ...header })), 'algorithm');
      assertAccepted(await send(await signToken(key, newClaims(), { alg: 'HS256', ...header })));
    }
  });
});

describe('claim', () => {
  const times: [claim: string, when: string, seconds: number, reason: string | undefined][] = [
    ['exp', '4 s ago', now - 4, undefined],
    ['exp', '5 s ago', now - 5, 'expired'],
    ['exp', '0', 0, 'expired'],
    ['exp', '-1', -1, 'expired'],
    ['exp', 'in a minute, but in milliseconds,', (now + 60) * 1000, 'too_long_lived'],
    ['exp', '1e300', 1e300, 'too_long_lived'],
    ['nbf', '0', 0, undefined],
    ['nbf', 'in 5 s', now + 5, undefined],
    ['nbf', 'in 7 s', now + 7, 'not_yet_valid'],
    ['iat', '5 s ago', now - 5, undefined],
    ['iat', 'in 5 s', now + 5, undefined],
    ['iat', 'in 7 s', now + 7, 'not_yet_valid'],
    ['iat', '-1', -1, 'too_long_lived'],
  ];
  for (const [name, when, seconds, reason] of times) {
    test(`a token with ${name} ${when} is ${reason ? `refused as ${reason}` : 'accepted'}`, async () => {
      const answer = await send(await signToken(key, newClaims({ [name]: seconds })));
      reason ? assertRefused(answer, reason) : assertAccepted(answer);
    });
  }
});
