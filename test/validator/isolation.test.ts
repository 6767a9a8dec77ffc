// Several callers, and one whose record or key set hangs or is broken: nobody else has to wait for it, or fails with it.

import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { reset, silence, trickle } from '../faults/faults.ts';
import { assertAccepted, assertFault, assertForbidden, assertRefused } from '../setup/answers.ts';
import { startKeyServer } from '../setup/key_server.ts';
import type { Fault } from '../setup/proxy.ts';
import { pass, type Send, startRecords } from '../setup/records.ts';
import { keyPair, newClaims, newPublicRecord, newRecord, signToken, storeRecord, tokenOf } from '../setup/tokens.ts';

const MAX_AGE = 300; // seconds, by default
const COOLDOWN = 30;
const IN_TIME = 3000; // ms that Lambda leaves for a request: half of it for its work, less than a key set may take

const { startWith, startWithSecrets, secrets } = await startRecords();
const server = await startKeyServer();
const hang = () => {};
const { jwk, privateKey } = keyPair('ES256');
const good = (response: ServerResponse) => response.end(JSON.stringify({ keys: [jwk] }));

/** The record of a caller whose key set is on the server. */
function hosted(members: Record<string, unknown> = {}) {
  return newPublicRecord({
    name: 'hosted',
    public_key_algorithm: 'ES256',
    public_key_jwk_uri: server.url,
    issuer: 'hosted',
    ...members,
  });
}

/** A start that could not read any key set; from then on the server accepts connections and never answers. */
async function startBesideHanging(...records: unknown[]): Promise<Send> {
  server.serve((response) => response.writeHead(404).end());
  const send = await startWith(...records);
  server.serve(hang);
  return send;
}
const signed = (claims: Record<string, unknown> = {}) =>
  signToken(privateKey, newClaims({ iss: 'hosted', ...claims }), { alg: 'ES256', kid: 'ours' });
const shared = newRecord({ name: 'shared', issuer: 'shared' });
const tokenOfShared = () => signToken(shared.secret_key, newClaims({ iss: 'shared' }));

describe('a key set that hangs', { timeout: 60_000 }, () => {
  const others: Record<string, unknown[]> = {
    'the first of two records has one': [hosted(), shared],
    'the last of two records has one': [shared, hosted()],
    'the first two of three records have one': [hosted(), hosted({ issuer: 'another' }), shared],
    'the first and the last of three records have one': [hosted(), shared, hosted()],
    'twelve of thirteen records have one': [
      ...Array.from({ length: 12 }, (_, n) => hosted({ issuer: `issuer ${n}` })),
      shared,
    ],
    'a record of the same audience has one': [hosted({ audience: shared.audience }), shared],
    'a record of the same issuer has one': [hosted({ issuer: 'shared', audience: 'another' }), shared],
    'a record of the same issuer and audience, but another algorithm, has one': [hosted({ issuer: 'shared' }), shared],
  };
  for (const [where, records] of Object.entries(others)) {
    test(`a caller with a shared key does not wait for a key set that hangs when ${where}`, async () => {
      const send = await startBesideHanging(...records);
      const accept = async () =>
        assertAccepted(await send(await tokenOfShared(), {}, IN_TIME), { validator: 'shared' });
      assert.equal(await server.requests(accept), 0);
    });
  }

  test('a 503 is returned to the caller whose key set hangs, and 200 once it does not', async () => {
    const send = await startBesideHanging(shared, hosted());
    assertFault(await send(await signed()), 503, 'jwks_unavailable');
    server.serve(good);
    pass(2);
    assertAccepted(await send(await signed()), { validator: 'hosted' });
  });

  test('key sets that a token may need are fetched side by side', async () => {
    const send = await startBesideHanging(...Array.from({ length: 3 }, () => hosted()), shared);
    server.serve((response) => void setTimeout(() => good(response), 1000));
    assertAccepted(await send(await signed(), {}, 4000)); // 3 s, if it were one after another
  });

  for (const [what, claims, reason] of [
    ['no issuer', { iss: undefined }, 'claims'],
    ['an unknown issuer', { iss: 'nobody' }, 'issuer'],
    ['an unknown audience', { aud: 'nobody' }, 'audience'],
    ['no audience', { aud: undefined }, 'claims'],
  ] as const) {
    test(`a token with ${what} is a 401 at once when each record’s key set hangs`, async () => {
      const send = await startBesideHanging(hosted(), hosted());
      const token = await signed(claims);
      const reject = async () => assertRefused(await send(token, {}, IN_TIME), reason);
      assert.equal(await server.requests(reject), 0);
    });
  }
});

describe('a token that names no record’s issuer or audience', () => {
  test('a token with a good signature is refused for its issuer or audience by a key set that is at hand', async () => {
    server.serve(good);
    const send = await startWith(hosted());
    server.serve(hang);
    const rejections = async () => {
      for (const seconds of [0, MAX_AGE]) {
        pass(seconds);
        assertRefused(await send(await signed({ iss: 'nobody' }), {}, IN_TIME), 'issuer');
        assertRefused(await send(await signed({ aud: 'nobody' }), {}, IN_TIME), 'audience');
        const foreign = signToken(keyPair('ES256', 'foreign').privateKey, newClaims({ iss: 'nobody' }), {
          alg: 'ES256',
        });
        assertRefused(await send(await foreign, {}, IN_TIME), 'signature');
      }
    };
    assert.equal(await server.requests(rejections), 0);
  });

  test('a record whose keys are at hand says more about a token than one whose keys are not', async () => {
    const inline = { issuer: 'inline', public_key_jwk_uri: undefined, public_key_jwks: { keys: [jwk] } };
    const send = await startBesideHanging(hosted(), hosted(inline));
    const foreign = keyPair('ES256', 'foreign').privateKey;
    const junk = (kid: string) => signToken(foreign, newClaims({ iss: 'nobody' }), { alg: 'ES256', kid });
    assertRefused(await send(await junk('ours'), {}, IN_TIME), 'signature');
    assertRefused(await send(await junk('unknown'), {}, IN_TIME), 'unknown_key');
    assertRefused(await send(await signed({ iss: 'nobody' }), {}, IN_TIME), 'issuer');
  });

  test('a rotation that changes key and issuer together is found at once', async () => {
    server.serve(good);
    for (const old of [hosted(), newRecord({ issuer: 'old' })]) {
      const secretId = await storeRecord(old);
      const send = await startWithSecrets([secretId]);
      const fresh = newRecord({ name: 'fresh', issuer: 'fresh' });
      await storeRecord(fresh, secretId);
      const token = await signToken(fresh.secret_key, newClaims({ iss: 'fresh' }));
      assertAccepted(await send(token), { validator: 'fresh', key_stage: 'current' });
    }
  });

  test('a rotation from a key set that hangs to another one, with another issuer, is found at once', async () => {
    server.serve(hang);
    const secretId = await storeRecord(hosted());
    const send = await startWithSecrets([secretId]);
    await storeRecord(hosted({ name: 'fresh', issuer: 'fresh' }), secretId);
    server.serve(good);
    assertAccepted(await send(await signed({ iss: 'fresh' })), { validator: 'fresh', key_stage: 'current' });
  });

  test('a record is reloaded once in 30 s under tokens of unknown issuers', async () => {
    server.serve(good);
    const secretId = await storeRecord(hosted());
    const send = await startWithSecrets([secretId]);
    const foreign = keyPair('ES256', 'foreign').privateKey;
    const flood = async () => {
      for (let n = 0; n < 30; n++) {
        const token = await signToken(foreign, newClaims({ iss: `nobody ${n}` }), { alg: 'ES256', kid: 'ours' });
        assertRefused(await send(token), 'signature');
      }
    };
    assert.equal((await secrets.requests(secretId, flood)).length, 2); // and once for AWSPREVIOUS
    pass(COOLDOWN - 1);
    assert.equal((await secrets.requests(secretId, flood)).length, 0);
    pass(1);
    assert.equal((await secrets.requests(secretId, flood)).length, 1);
  });
});

describe('a record that cannot be read', { timeout: 60_000 }, () => {
  /** A start that has not read these records, and then meets the fault at each of them. */
  const startWith = async (records: unknown[], unread: unknown[], fault: Fault) => {
    const secretIds = await Promise.all(records.map((record) => storeRecord(record)));
    const faulty = secretIds.filter((_, n) => unread.includes(records[n]));
    for (const secretId of faulty) secrets.inject('GetSecretValue', secretId, reset);
    const send = await startWithSecrets(secretIds);
    for (const secretId of faulty) {
      secrets.clearFaults(secretId);
      secrets.inject('GetSecretValue', secretId, fault);
    }
    return { send, faulty };
  };
  const [one, two] = [newRecord({ name: 'one' }), newRecord({ name: 'two' })];

  for (const [what, fault] of Object.entries({ 'is not answered': silence, 'is answered a byte at a time': trickle })) {
    test(`a caller has to wait two seconds at most for two other records whose reading ${what}`, async () => {
      const { send, faulty } = await startWith([one, two, shared], [one, two], fault);
      assertAccepted(await send(await tokenOfShared(), {}, 5000), { validator: 'shared' });
      const again = async () => assertAccepted(await send(await tokenOfShared(), {}, IN_TIME));
      for (const secretId of faulty) assert.deepEqual(await secrets.requests(secretId, again), [], 'it is remembered');
      assertFault(await send(await tokenOf(one)), 503);
    });
  }

  test('a caller does not have to wait for another record that is behind the caller’s own', async () => {
    const secretIds = [await storeRecord(shared), await storeRecord(one)];
    const [, unread = ''] = secretIds;
    secrets.inject('GetSecretValue', unread, reset);
    const send = await startWithSecrets(secretIds);
    const accept = async () => assertAccepted(await send(await tokenOfShared(), {}, IN_TIME));
    assert.deepEqual(await secrets.requests(unread, accept), []);
  });

  test('the first of several records decides even if it takes longer to read than the others', async () => {
    const twin = { ...shared, name: 'twin', allowed_emails: ['nobody'] };
    const slow: Fault = async ({ forward, relay }) => {
      await sleep(500);
      await relay(await forward());
    };
    const { send } = await startWith([twin, shared], [twin], slow);
    assertForbidden(await send(await tokenOfShared()), 'email_not_allowed');
  });

  test('a read that the answer to another caller did not wait for is begun again for the next request', async () => {
    const { send, faulty } = await startWith([one, shared, two], [one, two], (exchange) =>
      exchange.body.includes(faulty[1] ?? '') ? silence() : exchange.forward().then(exchange.relay),
    );
    assertAccepted(await send(await tokenOfShared(), {}, IN_TIME), { validator: 'shared' });
    for (const secretId of faulty) secrets.clearFaults(secretId);
    assertAccepted(await send(await tokenOf(two), {}, IN_TIME), { validator: 'two' });
  });

  for (const order of ['first', 'last']) {
    test(`a 503, not a 500, is returned when one record is broken and another, the ${order}, cannot be read`, async () => {
      const records = order === 'last' ? ['{}', one] : [one, '{}'];
      const { send } = await startWith(records, [one], reset);
      assertFault(await send(await tokenOfShared()), 503, 'aws_unavailable');
    });
  }

  test('a 503 is returned when one record is broken and the key set of another hangs', async () => {
    const send = await startBesideHanging('{}', hosted());
    assertFault(await send(await signed()), 503, 'jwks_unavailable');
    assertFault(await send(await tokenOfShared()), 500, 'record_invalid');
  });
});
