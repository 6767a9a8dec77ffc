// Public keys behind an https address: fetched, cached, reloaded, bounded. The clock is the test's.
import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import type { JWK } from 'jose';
import { assertAccepted, assertFault, assertRefused, type Judge, pass, startJudge } from '../setup/judge.ts';
import { keyPair } from '../setup/key_pairs.ts';
import { startKeyServer } from '../setup/key_server.ts';
import { newClaims, newRecord, signToken, storeRecord } from '../setup/tokens.ts';

const MAX_AGE = 300; // seconds
const COOLDOWN = 30;
const HOUR = 3600;

const { judge, judgeBy, secrets } = await startJudge();
const server = await startKeyServer();
const judgeNow = () => judge(recordOf('ES256'));

function recordOf(alg: string): Record<string, unknown> {
  return newRecord({ signature_type: 'public_key', public_key_algorithm: alg, public_key_jwk_uri: server.url });
}

/** A token by the key pair of that name; its header has the name as kid, unless others are given. */
async function tokenBy(name: string, header: Record<string, unknown> = { kid: name }, alg = 'ES256'): Promise<string> {
  return signToken((await keyPair(alg, name)).privateKey, newClaims(), { alg, ...header });
}

async function keysOf(...names: string[]): Promise<{ keys: JWK[] }> {
  return { keys: await Promise.all(names.map(async (name) => (await keyPair('ES256', name)).jwk)) };
}

describe('public_key_jwk_uri', () => {
  for (const alg of ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA']) {
    test(`accepts ${alg}, and no other key of that kid`, async () => {
      server.serve({ keys: [(await keyPair(alg)).jwk] });
      const judgeToken = await judge(recordOf(alg));
      assertAccepted(await judgeToken(await tokenBy('ours', { kid: 'ours' }, alg)), { alg });
      assertRefused(await judgeToken(await tokenBy('foreign', { kid: 'ours' }, alg)), 'signature');
    });
  }

  test('is fetched once for all tokens until its max age', async () => {
    server.serve(await keysOf('ours'));
    let judgeToken: Judge;
    const many = async () => {
      for (let n = 0; n < 10; n++) assertAccepted(await judgeToken(await tokenBy('ours')));
    };
    const startAndMany = async () => {
      judgeToken = await judgeNow();
      await many();
    };
    assert.equal(await server.requests(startAndMany), 1);
    pass(MAX_AGE - 1);
    assert.equal(await server.requests(many), 0);
    pass(1);
    assert.equal(await server.requests(many), 1);
  });

  test('is asked at once for a kid that the set lacks, and then not for 30 s: 401', async () => {
    server.serve(await keysOf('ours'));
    const judgeToken = await judgeNow();
    assertAccepted(await judgeToken(await tokenBy('ours')));
    const unknown = await tokenBy('unknown');
    const flood = async () => {
      for (let n = 0; n < 50; n++) assertRefused(await judgeToken(unknown), 'unknown_key');
    };
    assert.equal(await server.requests(flood), 1);
    pass(COOLDOWN - 1);
    assert.equal(await server.requests(flood), 0);
    server.serve(await keysOf('ours', 'unknown'));
    pass(1);
    assertAccepted(await judgeToken(unknown));
    assertAccepted(await judgeToken(await tokenBy('ours')));
  });

  test('gives a new key at once, with a new kid, with the same kid or without one', async () => {
    for (const header of [{ kid: 'new' }, { kid: 'ours' }, {}]) {
      server.serve(await keysOf('ours'));
      const judgeToken = await judgeNow();
      assertAccepted(await judgeToken(await tokenBy('ours')));
      const [key] = (await keysOf('new')).keys;
      server.serve({ keys: [{ ...key, ...header }] });
      assertAccepted(await judgeToken(await tokenBy('new', header)));
      assert.equal((await judgeToken(await tokenBy('ours'))).status, 401, 'the key that was withdrawn is dead');
    }
  });

  test('serves the last good set for an hour while it is down, then answers 503', async () => {
    server.serve(await keysOf('ours'));
    const judgeToken = await judgeNow();
    const token = async () => tokenBy('ours');
    assertAccepted(await judgeToken(await token()), { stale_record: 0 });
    server.serve((response) => response.writeHead(500).end());
    pass(MAX_AGE);
    assertAccepted(await judgeToken(await token()), { stale_record: 1 });
    assert.equal(await server.requests(async () => judgeToken(await token())), 0, 'it is left alone for 30 s');
    assertFault(await judgeToken(await tokenBy('unknown')), 503, 'jwks_unavailable');
    pass(HOUR - MAX_AGE);
    assertFault(await judgeToken(await token()), 503, 'jwks_unavailable');
    server.serve(await keysOf('ours'));
    assertAccepted(await judgeToken(await token()), { stale_record: 0 });
  });

  test('is not fetched anew when the record is read again and has not changed', async () => {
    server.serve(await keysOf('ours'));
    const secretId = await storeRecord(recordOf('ES256'));
    const judgeToken = await judgeBy([secretId], { VALIDATOR_MAX_AGE_SECONDS: '10' });
    const accept = async () => assertAccepted(await judgeToken(await tokenBy('ours')));
    pass(10);
    let fetched: number | undefined;
    const reads = await secrets.requests(secretId, async () => {
      fetched = await server.requests(accept);
    });
    assert.deepEqual([reads.length, fetched], [1, 0]);
  });
});

describe('a key set that cannot be had is a 503, and no token is refused', async () => {
  const ours = await keysOf('ours');
  const tooLarge = JSON.stringify({ ...ours, padding: ' '.repeat(65_536) });
  const faults: Record<string, (response: ServerResponse) => unknown> = {
    'a status of 404': (response) => response.writeHead(404).end(JSON.stringify(ours)),
    'a status of 500': (response) => response.writeHead(500).end(),
    'no content': (response) => response.writeHead(204).end(),
    'a redirect, even to a good one': (response) =>
      response.req.url === '/moved'
        ? response.end(JSON.stringify(ours))
        : response.writeHead(302, { location: '/moved' }).end(),
    'what is not JSON': (response) => response.end('<html></html>'),
    'what is no key set': (response) => response.end('{"keys":{}}'),
    'the word null': (response) => response.end('null'),
    'more than 64 KiB': (response) => response.end(tooLarge),
    'more than 64 KiB, compressed': (response) =>
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(tooLarge)),
    'an answer that breaks off': (response) =>
      response.writeHead(200, { 'content-length': 1000 }).write('{', () => response.destroy()),
    'a reset connection': (response) => response.req.socket.destroy(),
  };
  for (const [name, answer] of Object.entries(faults)) {
    test(name, async () => {
      server.serve(answer);
      const judgeToken = await judge(recordOf('ES256'));
      assertFault(await judgeToken(await tokenBy('ours')), 503, 'jwks_unavailable');
      server.serve(ours);
      assertAccepted(await judgeToken(await tokenBy('ours')));
    });
  }

  test('no answer within 2 s, or one that stalls', { timeout: 10_000 }, async () => {
    server.serve((response) => response.writeHead(500).end());
    const judges = [await judgeNow(), await judgeNow()];
    let count = 0;
    server.serve((response) => count++ === 0 || response.write('{'));
    const token = await tokenBy('ours');
    for (const verdict of await Promise.all(judges.map((judgeToken) => judgeToken(token, { remainingMs: 60_000 })))) {
      assertFault(verdict, 503, 'jwks_unavailable');
    }
  });

  test('a server that nobody vouches for', async () => {
    const stranger = await startKeyServer({ trusted: false });
    stranger.serve(ours);
    const judgeToken = await judge({ ...recordOf('ES256'), public_key_jwk_uri: stranger.url });
    const verdict = await judgeToken(await tokenBy('ours'));
    assertFault(verdict, 503, 'jwks_unavailable');
    assert.equal(verdict.audit.fault, 'Error DEPTH_ZERO_SELF_SIGNED_CERT');
  });

  test('a server that hangs, with the deadline near', { timeout: 9000 }, async () => {
    server.serve((response) => response.writeHead(500).end());
    const judgeToken = await judge(...Array.from({ length: 5 }, () => recordOf('ES256'))); // it has the records, and no set
    server.serve(() => {}); // 10 s for five sets, by their own timeouts
    assertFault(await judgeToken(await tokenBy('ours'), { remainingMs: 1600 }), 503, 'jwks_unavailable');
  });
});

describe('the keys of a set', () => {
  const accepts = async (keys: unknown[], token: string) => {
    server.serve({ keys });
    assertAccepted(await (await judgeNow())(token));
  };
  const refuses = async (keys: unknown[], token: string, reason: string) => {
    server.serve({ keys });
    assertRefused(await (await judgeNow())(token), reason);
  };

  test('are all tried for a token without a kid, but no more than ten', async () => {
    const { keys } = await keysOf(...'abcdefghijk');
    await accepts(keys, await tokenBy('a', {}));
    await accepts(keys, await tokenBy('j', {}));
    await refuses(keys, await tokenBy('k', {}), 'signature');
    await accepts(keys, await tokenBy('k'));
  });

  test('are all tried when they have the same kid', async () => {
    const keys = (await keysOf('a', 'b')).keys.map((jwk) => ({ ...jwk, kid: 'same' }));
    await accepts(keys, await tokenBy('b', { kid: 'same' }));
    await refuses(keys, await tokenBy('c', { kid: 'same' }), 'signature');
  });

  test('are not tried when the token names another kid', async () => {
    await refuses((await keysOf('a')).keys, await tokenBy('a', { kid: 'b' }), 'unknown_key');
    await refuses((await keysOf('a')).keys, await tokenBy('a', { kid: '' }), 'unknown_key');
  });

  test('are left out when they are broken, private, shared, or for another use', async () => {
    const [jwk] = (await keysOf('a')).keys;
    const useless = [
      null,
      7,
      { ...jwk, kty: 'RSA' },
      { ...jwk, x: jwk?.y, y: jwk?.x },
      { ...jwk, use: 'enc' },
      { ...jwk, key_ops: ['encrypt'] },
      { ...jwk, alg: 'ES384' },
      { kty: 'oct', kid: 'a', k: 'c2VjcmV0' },
    ];
    for (const key of useless) await refuses([key], await tokenBy('a'), 'unknown_key');
    await accepts([...useless, jwk], await tokenBy('a'));
  });

  test('are never those of a token header', async () => {
    const [ours, attackers] = [await keysOf('ours'), await keysOf('attacker')];
    const [jwk] = attackers.keys;
    server.serve((response) => response.end(JSON.stringify(response.req.url === '/attacker' ? attackers : ours)));
    const elsewhere = server.url.replace(/keys$/, 'attacker');
    const judgeToken = await judgeNow();
    for (const header of [{ jwk }, { jku: elsewhere }, { x5u: elsewhere }, { x5c: ['MIIB'] }]) {
      assertRefused(await judgeToken(await tokenBy('attacker', { kid: 'ours', ...header })), 'signature');
      assertRefused(await judgeToken(await tokenBy('attacker', header)), 'signature');
      assertAccepted(await judgeToken(await tokenBy('ours', { kid: 'ours', ...header })));
    }
  });
});
