// Public keys at an https address: fetched, cached, reloaded, limited in size. The test sets the clock.

import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import type { JWK } from 'jose';
import { assertAccepted, assertFault, assertRefused } from '../setup/answers.ts';
import { startKeyServer } from '../setup/key_server.ts';
import type { Answer } from '../setup/lambda.ts';
import { pass, type Send, startRecords } from '../setup/records.ts';
import { keyPair, newClaims, newPublicRecord, signToken, storeRecord } from '../setup/tokens.ts';

const MAX_AGE = 300; // seconds
const COOLDOWN = 30;
const RETRY = 2;
const HOUR = 3600;

const { startWith, startWithSecrets, secrets } = await startRecords();
const server = await startKeyServer();
const startNow = () => startWith(recordOf('ES256'));

function recordOf(alg: string): Record<string, unknown> {
  return newPublicRecord({ public_key_algorithm: alg, public_key_jwk_uri: server.url });
}

/** A token signed with the key pair of that name; its header has the name as kid, unless other members are given. */
async function tokenBy(name: string, header: Record<string, unknown> = { kid: name }, alg = 'ES256'): Promise<string> {
  return signToken(keyPair(alg, name).privateKey, newClaims(), { alg, ...header });
}

function keysOf(...names: string[]): { keys: JWK[] } {
  return { keys: names.map((name) => keyPair('ES256', name).jwk) };
}

describe('public_key_jwk_uri', () => {
  for (const alg of ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA']) {
    test(`public_key_jwk_uri accepts ${alg} tokens, but none signed with another key with the same kid`, async () => {
      server.serve({ keys: [keyPair(alg).jwk] });
      const send = await startWith(recordOf(alg));
      assertAccepted(await send(await tokenBy('ours', { kid: 'ours' }, alg)), { alg });
      assertRefused(await send(await tokenBy('foreign', { kid: 'ours' }, alg)), 'signature');
    });
  }

  test('a key set is fetched once for all tokens until its max age', async () => {
    server.serve(keysOf('ours'));
    let send: Send;
    const many = async () => {
      for (let n = 0; n < 10; n++) assertAccepted(await send(await tokenBy('ours')));
    };
    const startAndMany = async () => {
      send = await startNow();
      await many();
    };
    assert.equal(await server.requests(startAndMany), 1);
    pass(MAX_AGE - 1);
    assert.equal(await server.requests(many), 0);
    pass(1);
    assert.equal(await server.requests(many), 1);
  });

  test('a key set is requested as JSON', async () => {
    let accept: string | undefined;
    server.serve(({ req }) => {
      accept = req.headers.accept;
      req.socket.end();
    });
    await startNow();
    assert.equal(accept, 'application/jwk-set+json, application/json');
  });

  test('a key set is fetched again at once for an unknown kid, then not for 30 s; the token gets a 401', async () => {
    server.serve(keysOf('ours'));
    const send = await startNow();
    assertAccepted(await send(await tokenBy('ours')));
    const unknown = await tokenBy('unknown');
    const flood = async () => {
      for (let n = 0; n < 50; n++) assertRefused(await send(unknown), 'unknown_key');
    };
    assert.equal(await server.requests(flood), 1);
    pass(COOLDOWN - 1);
    assert.equal(await server.requests(flood), 0);
    server.serve(keysOf('ours', 'unknown'));
    pass(1);
    assertAccepted(await send(unknown));
    assertAccepted(await send(await tokenBy('ours')));
  });

  test('a new key in a key set is accepted at once, with a new kid, the same kid or none', async () => {
    for (const header of [{ kid: 'new' }, { kid: 'ours' }, {}]) {
      server.serve(keysOf('ours'));
      const send = await startNow();
      assertAccepted(await send(await tokenBy('ours')));
      const [key] = keysOf('new').keys;
      server.serve({ keys: [{ ...key, ...header }] });
      assertAccepted(await send(await tokenBy('new', header)));
      assert.equal((await send(await tokenBy('ours'))).status, 401, 'the withdrawn key is refused');
    }
  });

  test('the last good key set stays in use for an hour while its address is down; then a 503 is returned', async () => {
    server.serve(keysOf('ours'));
    const send = await startNow();
    const token = async () => tokenBy('ours');
    assertAccepted(await send(await token()), { stale_record: 0 });
    server.serve((response) => response.writeHead(500).end());
    pass(MAX_AGE);
    assertAccepted(await send(await token()), { stale_record: 1 });
    assert.equal(await server.requests(async () => send(await token())), 0, 'it is not fetched again for 30 s');
    assertFault(await send(await tokenBy('unknown')), 503, 'jwks_unavailable');
    pass(HOUR - MAX_AGE);
    assertFault(await send(await token()), 503, 'jwks_unavailable');
    server.serve(keysOf('ours'));
    pass(RETRY);
    assertAccepted(await send(await token()), { stale_record: 0 });
  });

  test('a key set is not fetched again when the record is read again and has not changed', async () => {
    server.serve(keysOf('ours'));
    const secretId = await storeRecord(recordOf('ES256'));
    const send = await startWithSecrets([secretId], { VALIDATOR_MAX_AGE_SECONDS: '10' });
    const accept = async () => assertAccepted(await send(await tokenBy('ours')));
    pass(10);
    let fetched: number | undefined;
    const reads = await secrets.requests(secretId, async () => {
      fetched = await server.requests(accept);
    });
    assert.deepEqual([reads.length, fetched], [1, 0]);
  });
});

describe('a key set address that does not answer', async () => {
  const ours = keysOf('ours');
  const faults: Record<string, [answer: (response: ServerResponse) => unknown, fault: RegExp]> = {
    'a status of 500': [(response) => response.writeHead(500).end(), /answers 500, no type, 0 bytes$/],
    'a status of 599': [(response) => response.writeHead(599).end('{}'), /answers 599, no type, 2 bytes$/],
    'a status of 408': [(response) => response.writeHead(408).end(), /answers 408, /],
    'a status of 429': [
      (response) => response.writeHead(429, { 'content-type': 'text/html; charset=utf-8' }).end('<p>'),
      /answers 429, text\/html, 3 bytes$/,
    ],
    'an answer that breaks off': [
      (response) => response.writeHead(200, { 'content-length': 1000 }).write('{', () => response.destroy()),
      /cannot be read: UND_ERR_SOCKET$/,
    ],
    'a connection reset': [(response) => response.req.socket.destroy(), /cannot be read: [A-Z_]+$/],
    'an answer that is not HTTP': [(response) => response.req.socket.end('220 ready\r\n'), /cannot be read: \w+$/],
    'a body that is not compressed as its header says': [
      (response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end('{}'),
      /cannot be read: Z_\w+$/,
    ],
  };
  for (const [name, [answer, fault]] of Object.entries(faults)) {
    test(`a 503 is returned, and the audit record says why, when a key set address answers with ${name}`, async () => {
      server.serve(answer);
      const { secretId, send } = await stored();
      const outcome = await send(await tokenBy('ours'));
      assertFault(outcome, 503, 'jwks_unavailable');
      assertKeySetFault(outcome, secretId, fault);
      server.serve(ours);
      pass(RETRY);
      assertAccepted(await send(await tokenBy('ours')));
      server.serve(answer);
      pass(MAX_AGE);
      const stale = await send(await tokenBy('ours'));
      assertAccepted(stale, { stale_record: 1 });
      assertKeySetFault(stale, secretId, fault);
    });
  }

  test('a 503 is returned when the key set does not arrive within 2 s, or stalls', { timeout: 30_000 }, async () => {
    server.serve((response) => response.writeHead(500).end());
    const senders = [await startNow(), await startNow()];
    let count = 0;
    server.serve((response) => count++ === 0 || response.write('{'));
    const token = await tokenBy('ours');
    for (const outcome of await Promise.all(senders.map((send) => send(token, {}, 60_000)))) {
      assertFault(outcome, 503, 'jwks_unavailable');
      assert.match(String(outcome.audit.fault), /cannot be read: TimeoutError$/);
    }
  });

  test('a 503 is returned when the certificate of the key set’s server is not trusted', async () => {
    const stranger = await startKeyServer({ trusted: false });
    stranger.serve(ours);
    const send = await startWith({ ...recordOf('ES256'), public_key_jwk_uri: stranger.url });
    const outcome = await send(await tokenBy('ours'));
    assertFault(outcome, 503, 'jwks_unavailable');
    assert.match(String(outcome.audit.fault), /cannot be read: DEPTH_ZERO_SELF_SIGNED_CERT$/);
  });

  test('a 503 is returned when the server of a key set hangs and the deadline is near', {
    timeout: 30_000,
  }, async () => {
    server.serve((response) => response.writeHead(500).end());
    const send = await startWith(...Array.from({ length: 5 }, () => recordOf('ES256'))); // it has no key set yet
    server.serve(() => {}); // 10 s for five sets, by their own timeouts
    assertFault(await send(await tokenBy('ours'), {}, 1600), 503, 'jwks_unavailable');
  });
});

describe('a key set address that is wrong', async () => {
  const ours = keysOf('ours');
  const [jwk] = ours.keys;
  const set = JSON.stringify(ours);
  const send = (body: unknown, type?: string) => (response: ServerResponse) =>
    response
      .writeHead(200, type ? { 'content-type': type } : {})
      .end(typeof body === 'string' ? body : JSON.stringify(body));
  const tooLarge = JSON.stringify({ ...ours, padding: ' '.repeat(65_536) });
  const discovery = { issuer: 'https://issuer.example', jwks_uri: 'https://issuer.example/jwks' };
  const answers: Record<string, [answer: (response: ServerResponse) => unknown, fault: RegExp]> = {
    'a status of 404': [
      (response) => response.writeHead(404, { 'content-type': 'application/json' }).end('{}'),
      /answers 404, application\/json, 2 bytes: not a 200$/,
    ],
    'an invalid content type': [
      (response) => response.writeHead(404, { 'content-type': '; text/html' }).end(),
      /answers 404, no type, 0 bytes: not a 200$/,
    ],
    'a status of 401': [(response) => response.writeHead(401).end(), /answers 401, no type, 0 bytes: not a 200$/],
    'a status of 203, even with a set': [(response) => response.writeHead(203).end(set), /answers 203, .*: not a 200$/],
    'a status of 204': [(response) => response.writeHead(204).end(), /answers 204, .*: not a 200$/],
    'a redirect, even to a good set': [
      (response) =>
        response.req.url === '/moved' ? response.end(set) : response.writeHead(302, { location: '/moved' }).end(),
      /answers 302, .*: a redirect, which may lead away from https$/,
    ],
    'a status of 300': [(response) => response.writeHead(300).end(), /answers 300, .*: a redirect, which /],
    'a status of 400': [(response) => response.writeHead(400).end(), /answers 400, .*: not a 200$/],
    'a page of HTML': [send('<html></html>', 'text/html'), /answers 200, text\/html, 13 bytes: not JSON$/],
    PEM: [send('-----BEGIN PUBLIC KEY-----'), /: not JSON$/],
    'an empty body': [send(''), /answers 200, no type, 0 bytes: not JSON$/],
    'a discovery document': [send(discovery), /: no keys member; this is a discovery document, use its jwks_uri$/],
    'one JWK instead of a set': [send(jwk), /: no keys member; this is one JWK, not a set$/],
    'a list of JWKs': [send(ours.keys), /: not a JSON object$/],
    'keys that are not a list': [send({ keys: {} }), /: its keys member is not a list$/],
    'an object without keys': [send({}), /: no keys member$/],
    'a number': [send('7'), /: not a JSON object$/],
    'the word null': [send('null'), /: not a JSON object$/],
    'more than 64 KiB': [send(tooLarge), /answers 200, no type, more than 65536 bytes: too large for a key set$/],
    'more than 64 KiB, without an end': [
      (response) => response.write(tooLarge),
      /more than 65536 bytes: too large for /,
    ],
    'more than 64 KiB, compressed': [
      (response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(tooLarge)),
      /more than 65536 bytes/,
    ],
  };
  for (const [name, [answer, fault]] of Object.entries(answers)) {
    test(`a 500 is returned, or the last good set is used, when a key set address answers with ${name}`, async () => {
      server.serve(answer);
      const { secretId, send } = await stored();
      const outcome = await send(await tokenBy('ours'));
      assertFault(outcome, 500, 'key_set_invalid');
      assertKeySetFault(outcome, secretId, fault);
      server.serve(ours);
      pass(RETRY);
      const healed = await send(await tokenBy('ours'));
      assertAccepted(healed);
      assert.equal(healed.audit.fault, undefined);
      server.serve(answer);
      pass(MAX_AGE);
      for (const _ of 'twice') {
        const stale = await send(await tokenBy('ours'));
        assertAccepted(stale, { stale_record: 1 });
        assertKeySetFault(stale, secretId, fault);
      }
      pass(HOUR - MAX_AGE);
      assertFault(await send(await tokenBy('ours')), 500, 'key_set_invalid');
    });
  }

  test('a key set of 64 KiB is accepted', async () => {
    server.serve((response) => response.end(set.padEnd(65_536)));
    assertAccepted(await (await startNow())(await tokenBy('ours')));
  });

  test('a byte order mark before a good key set is ignored', async () => {
    server.serve((response) => response.end(`\ufeff${set}`));
    assertAccepted(await (await startNow())(await tokenBy('ours')));
  });
});

/** A cold start with a record that names the key set's address; also returns the id of its secret. */
async function stored() {
  const secretId = await storeRecord(recordOf('ES256'));
  return { secretId, send: await startWithSecrets([secretId]) };
}

function assertKeySetFault({ audit, text }: Answer, secretId: string, fault: RegExp): void {
  const [, words = ''] = String(audit.fault).match(/^validator record (.*)$/) ?? [];
  assert.ok(words.startsWith(`${secretId}: public_key_jwk_uri `), String(audit.fault));
  assert.match(words, fault);
  assert.ok(!text.includes('jwk'));
}

describe('the keys of a set', () => {
  const accepts = async (keys: unknown[], token: string) => {
    server.serve({ keys });
    assertAccepted(await (await startNow())(token));
  };
  const refuses = async (keys: unknown[], token: string, reason: string) => {
    server.serve({ keys });
    assertRefused(await (await startNow())(token), reason);
  };

  test('the first ten keys of a key set are tried for a token without a kid, and no more', async () => {
    const { keys } = keysOf(...'abcdefghijk');
    await accepts(keys, await tokenBy('a', {}));
    await accepts(keys, await tokenBy('j', {}));
    await refuses(keys, await tokenBy('k', {}), 'too_many_keys');
    await accepts(keys, await tokenBy('k'));
    await refuses(keys.slice(0, 10), await tokenBy('k', {}), 'signature');
  });

  test('a key set with more than ten matching keys is fetched again for a token without a kid', async () => {
    server.serve(keysOf(...'abcdefghijk'));
    const send = await startNow();
    const token = await tokenBy('k', {});
    server.serve(keysOf('k'));
    assertAccepted(await send(token));
  });

  test('all keys of a key set with the same kid are tried', async () => {
    const keys = keysOf('a', 'b').keys.map((jwk) => ({ ...jwk, kid: 'same' }));
    await accepts(keys, await tokenBy('b', { kid: 'same' }));
    await refuses(keys, await tokenBy('c', { kid: 'same' }), 'signature');
  });

  test('a key of a key set is not tried when the token names another kid', async () => {
    await refuses(keysOf('a').keys, await tokenBy('a', { kid: 'b' }), 'unknown_key');
    await refuses(keysOf('a').keys, await tokenBy('a', { kid: '' }), 'unknown_key');
  });

  const { jwk, privateKey } = keyPair('ES256', 'a');
  const [other] = keysOf('other').keys;
  const useless: Record<string, [key: unknown, why: string]> = {
    'of another type': [{ ...jwk, kty: 'RSA' }, 'a key is for another algorithm, by its kty'],
    'on another curve': [{ ...keyPair('ES384', 'a').jwk, kid: 'a' }, 'a key is broken, or on another curve'],
    broken: [{ ...jwk, x: jwk.y, y: jwk.x }, 'a key is broken, or on another curve'],
    private: [{ ...jwk, ...privateKey.export({ format: 'jwk' }) }, 'a key is private'],
    'for encryption': [{ ...jwk, use: 'enc' }, 'a key is not for signatures, by its use'],
    'for encryption by its key_ops': [{ ...jwk, key_ops: ['encrypt'] }, 'a key is not for verifying, by its key_ops'],
    'of key_ops that are a number': [{ ...jwk, key_ops: 7 }, 'a key is not for verifying, by its key_ops'],
    'for another algorithm': [{ ...jwk, alg: 'ES384' }, 'a key is for another algorithm, by its alg'],
    symmetric: [{ kty: 'oct', kid: 'a', k: 'c2VjcmV0' }, 'a key is for another algorithm, by its kty'],
  };
  for (const [what, [key, why]] of Object.entries(useless)) {
    test(`a key of a set that is ${what} is left out, and the audit record says why when a token names it`, async () => {
      server.serve({ keys: [key, other] });
      const fault = `validator record test_validator: the key that the token names cannot be used: ${why}`;
      assertRefused(await (await startNow())(await tokenBy('a')), 'unknown_key', { fault });
      await accepts([key, jwk], await tokenBy('a'));
    });
  }

  test('an entry of a key set that is no key is left out', async () => {
    await accepts([null, 7, 'a', [jwk], {}, jwk], await tokenBy('a'));
    await refuses([null, 7, other], await tokenBy('a'), 'unknown_key');
  });

  test('the audit record says nothing of a key that a token names and no set has', async () => {
    server.serve({ keys: [{ ...jwk, use: 'enc' }, other] });
    const { audit } = await (await startNow())(await tokenBy('unknown'));
    assert.deepEqual([audit.reason, audit.fault], ['unknown_key', undefined]);
  });

  test('a key in a key set is used even if it is also for another use, or has members that are null', async () => {
    const [jwk] = keysOf('a').keys;
    for (const members of [
      { key_ops: ['verify', 'encrypt'] },
      { key_ops: ['sign', 'verify'] },
      { key_ops: ['verify', 'verify'] },
      { key_ops: 'verify' },
      { alg: null, use: null, key_ops: null, x5c: null, ext: null },
      { ext: 'true' },
    ]) {
      await accepts([{ ...jwk, ...members }], await tokenBy('a'));
    }
    await accepts([{ ...jwk, kid: null }], await tokenBy('a', {}));
  });

  for (const record of ['EdDSA', 'Ed25519']) {
    for (const key of ['EdDSA', 'Ed25519', undefined, null]) {
      for (const token of ['EdDSA', 'Ed25519']) {
        test(`an ${token} token is accepted with a key of alg ${key} when the record says ${record}`, async () => {
          server.serve({ keys: [{ ...keyPair('EdDSA').jwk, alg: key }] });
          const send = await startWith(recordOf(record));
          assertAccepted(await send(await tokenBy('ours', { kid: 'ours', alg: token }, 'EdDSA')));
        });
      }
    }
  }

  test('a key that the header of a token holds or links to is never used', async () => {
    const [ours, attackers] = [keysOf('ours'), keysOf('attacker')];
    const [jwk] = attackers.keys;
    server.serve((response) => response.end(JSON.stringify(response.req.url === '/attacker' ? attackers : ours)));
    const elsewhere = server.url.replace(/keys$/, 'attacker');
    const send = await startNow();
    for (const header of [{ jwk }, { jku: elsewhere }, { x5u: elsewhere }, { x5c: ['MIIB'] }]) {
      assertRefused(await send(await tokenBy('attacker', { kid: 'ours', ...header })), 'signature');
      assertRefused(await send(await tokenBy('attacker', header)), 'signature');
      assertAccepted(await send(await tokenBy('ours', { kid: 'ours', ...header })));
    }
  });
});

describe('a key set without a usable key', async () => {
  const { jwk, privateKey } = keyPair('ES256');
  const broken = { ...jwk, x: jwk.y, y: jwk.x };
  const rsa1024 = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey.export({ format: 'jwk' });
  const sets: [what: string, alg: string, keys: unknown[], why: RegExp][] = [
    ['no key at all', 'ES256', [], /no usable public key for ES256: it is empty$/],
    [
      'keys for encryption',
      'ES256',
      [
        { ...jwk, use: 'enc' },
        { ...jwk, use: 'enc' },
      ],
      /: a key is not for signatures, by its use$/,
    ],
    ['a broken key', 'ES256', [broken], /: a key is broken, or on another curve$/],
    [
      'EC keys for RS256',
      'RS256',
      [jwk],
      /no usable public key for RS256: a key is for another algorithm, by its kty$/,
    ],
    ['RSA keys for ES256', 'ES256', [keyPair('RS256').jwk], /: a key is for another algorithm, by its kty$/],
    ['an RSA key of 1024 bits', 'RS256', [rsa1024], /: an RSA key is shorter than 2048 bits$/],
    [
      'an RSA key without a modulus',
      'RS256',
      [{ kty: 'RSA', n: 7, e: 'AQAB' }],
      /: an RSA key is shorter than 2048 bits$/,
    ],
    ['Ed25519 keys for ES256', 'ES256', [keyPair('EdDSA').jwk], /by its kty$/],
    ['keys on P-384 for ES256', 'ES256', [keyPair('ES384').jwk], /on another curve$/],
    ['private keys', 'ES256', [privateKey.export({ format: 'jwk' })], /: a key is private$/],
    ['entries that are no keys', 'ES256', [null, 7, {}], /: a key is for another algorithm, by its kty$/],
    [
      'a broken key and one for another use',
      'ES256',
      [broken, { ...jwk, use: 'enc' }],
      /on another curve; a key is not for sig/,
    ],
  ];
  for (const [what, alg, keys, why] of sets) {
    test(`a set with ${what} is a 500 at first, and later leaves the last good set in use`, async () => {
      const secretId = await storeRecord(recordOf(alg));
      const token = () => tokenBy('ours', { kid: 'ours' }, alg);
      server.serve({ keys });
      const send = await startWithSecrets([secretId]);
      const outcome = await send(await token());
      assertFault(outcome, 500, 'key_set_invalid');
      assertKeySetFault(outcome, secretId, why);
      server.serve({ keys: [keyPair(alg).jwk] });
      pass(RETRY);
      assertAccepted(await send(await token()), { stale_record: 0 });
      server.serve({ keys });
      assertFault(await send(await tokenBy('unknown', { kid: 'unknown' }, alg)), 500, 'key_set_invalid');
      pass(MAX_AGE);
      const stale = await send(await token());
      assertAccepted(stale, { stale_record: 1 });
      assertKeySetFault(stale, secretId, why);
    });
  }
});

describe('a failure of a key set address', async () => {
  const ours = keysOf('ours');
  const good = (response: ServerResponse) => response.end(JSON.stringify(ours));
  const once = (answer: (response: ServerResponse) => unknown) => {
    let count = 0;
    server.serve((response) => (count++ === 0 ? answer(response) : good(response)));
  };

  const passing: Record<string, (response: ServerResponse) => unknown> = {
    'a connection reset': (response) => response.req.socket.destroy(),
    'a connection that is closed before the answer': (response) => response.req.socket.end(),
    'an answer that breaks off': (response) =>
      response.writeHead(200, { 'content-length': 1000 }).write('{', () => response.destroy()),
    'a status of 502': (response) => response.writeHead(502).end(),
    'a status of 503': (response) => response.writeHead(503).end('<html>'),
  };
  for (const [what, answer] of Object.entries(passing)) {
    test(`a key set is asked for once more after ${what}`, async () => {
      server.serve((response) => response.writeHead(404).end());
      const send = await startNow();
      once(answer);
      const token = await tokenBy('ours');
      assert.equal(await server.requests(async () => assertAccepted(await send(token), { stale_record: 0 })), 2);
    });
  }

  test('a key set is not asked for once more after an answer that shows that the address is wrong', async () => {
    server.serve((response) => response.writeHead(404).end());
    assert.equal(await server.requests(startNow), 1);
  });

  for (const [what, status, reason] of [
    ['is down', 503, 'jwks_unavailable'],
    ['is wrong', 500, 'key_set_invalid'],
  ] as const) {
    test(`a key set address that ${what} is asked once in two seconds, whatever the tokens`, async () => {
      server.serve((response) => response.writeHead(status === 503 ? 503 : 404).end());
      const send = await startNow();
      const tokens = [await tokenBy('ours'), await tokenBy('unknown'), await tokenBy('ours', {})];
      const flood = async () => {
        for (let n = 0; n < 40; n++) assertFault(await send(tokens[n % 3] ?? ''), status, reason);
      };
      const tries = status === 503 ? 2 : 1;
      assert.equal(await server.requests(flood), tries);
      pass(RETRY - 1);
      assert.equal(await server.requests(flood), 0);
      pass(1);
      assert.equal(await server.requests(flood), tries);
      server.serve(good);
      pass(RETRY);
      assertAccepted(await send(await tokenBy('ours')));
    });
  }

  test('a new key is found two seconds after a reload that got no answer, and not asked for before', async () => {
    server.serve(ours);
    const send = await startNow();
    assertAccepted(await send(await tokenBy('ours')));
    server.serve((response) => response.writeHead(502).end());
    const fresh = await tokenBy('new');
    const reject = async () => assertFault(await send(fresh), 503, 'jwks_unavailable');
    assert.equal(await server.requests(reject), 2);
    server.serve(keysOf('ours', 'new'));
    pass(RETRY - 1);
    assert.equal(await server.requests(reject), 0);
    pass(1);
    assertAccepted(await send(fresh));
  });

  test('a reload that found the address wrong is not repeated for 30 s', async () => {
    server.serve(ours);
    const send = await startNow();
    server.serve((response) => response.writeHead(404).end());
    const fresh = await tokenBy('new');
    const reject = async () => assertFault(await send(fresh), 500, 'key_set_invalid');
    assert.equal(await server.requests(reject), 1);
    server.serve(keysOf('ours', 'new'));
    pass(COOLDOWN - 1);
    assert.equal(await server.requests(reject), 0);
    pass(1);
    assertAccepted(await send(fresh));
  });

  test('a fetch that a request’s own deadline cut off is repeated by the next request', {
    timeout: 20_000,
  }, async () => {
    server.serve((response) => response.writeHead(404).end());
    const send = await startNow();
    server.serve(() => {});
    assertFault(await send(await tokenBy('ours'), {}, 1600), 503, 'jwks_unavailable');
    server.serve(ours);
    assertAccepted(await send(await tokenBy('ours')));
  });
});
