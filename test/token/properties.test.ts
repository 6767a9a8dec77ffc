// What holds for all input: random values wherever a caller can put them, and a valid token with any one bit changed.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { assertAccepted } from '../setup/answers.ts';
import { gatewayEvent } from '../setup/events.ts';
import { startRecords } from '../setup/records.ts';
import { startFunction } from '../setup/route.ts';
import { keyPair, newClaims, newPublicRecord, newRecord, signText, signToken } from '../setup/tokens.ts';

const shared = newRecord();
const key = shared.secret_key;
const { jwk, privateKey } = keyPair('ES256');
const signed = newPublicRecord({
  public_key_algorithm: 'ES256',
  public_key_jwks: { keys: [jwk] },
});
const { startWith } = await startRecords();
const { lambda } = await startFunction('logout_user', [shared]);
const token = await signToken(key);

const units = fc.array(fc.nat(0xffff)).map((codes) => String.fromCharCode(...codes)); // lone surrogates too
const text = fc.oneof(fc.string(), fc.string({ unit: 'binary' }), units, fc.json());
const base64url = fc.uint8Array({ maxLength: 100 }).map((bytes) => Buffer.from(bytes).toString('base64url'));
const bearer = fc.oneof(
  text,
  fc.array(base64url, { minLength: 1, maxLength: 5 }).map((parts) => parts.join('.')),
  fc.nat(token.length).chain((at) => text.map((inserted) => token.slice(0, at) + inserted + token.slice(at))),
);
const authorization = fc.oneof(
  text,
  bearer.map((value) => `Bearer ${value}`),
  fc.anything(),
);
const id = fc.oneof(text, fc.maxSafeInteger(), fc.double({ noDefaultInfinity: true, noNaN: true }), fc.constant(null));
const request = fc.record(
  { id: fc.oneof(id, fc.jsonValue()), params: fc.jsonValue(), method: text },
  { requiredKeys: [] },
);
const body = fc.oneof(
  text,
  request.map((value) => JSON.stringify(value)),
);

// Each status and error code has one text, whatever the input: so no text repeats the input.
const texts = new Map<unknown, string>();

/** Sends the event; the answer must be JSON-RPC, not a 5xx, and repeat nothing but the id. */
async function assertPlainAnswer(event: unknown, sentId: unknown): Promise<void> {
  const { status, headers, json } = await lambda.send(event);
  const { jsonrpc, id, ...outcome } = json;
  assert.ok(status < 500, `${status}`);
  assert.equal(jsonrpc, '2.0');
  assert.ok(id === null || JSON.stringify(id) === JSON.stringify(sentId), 'an id that was not sent');
  const { 'www-authenticate': challenge = '', ...others } = headers;
  assert.deepEqual(others, { 'content-type': 'application/json', 'cache-control': 'no-store' });
  assert.match(String(challenge), /^(Bearer realm="auth_logout_user"(, error="invalid_token")?)?$/);
  const said = JSON.stringify(outcome);
  if ('result' in outcome) {
    assert.match(said, /^\{"result":(true|false)\}$/);
    return;
  }
  const code = JSON.stringify(outcome.error).match(/-32\d{3}/)?.[0];
  const subject = `${status} ${code}`;
  assert.equal(said, texts.get(subject) ?? said);
  texts.set(subject, said);
}

function idIn(body: string): unknown {
  try {
    return JSON.parse(body)?.id;
  } catch {
    return undefined;
  }
}

describe('random input', () => {
  test('the answer is JSON-RPC, not a 5xx, and repeats only the id, whatever the authorization header is', async () => {
    const property = fc.asyncProperty(authorization, async (authorization) =>
      assertPlainAnswer({ ...gatewayEvent({ userId: '0' }), headers: { authorization } }, null),
    );
    await fc.assert(property, { numRuns: 1000 });
  });

  test('the answer is JSON-RPC, not a 5xx, and repeats only the id, whatever the right key has signed', async () => {
    const header = fc.oneof(fc.json(), fc.constant('{"alg":"HS256"}'));
    const member = fc.constantFrom('exp', 'nbf', 'iat', 'aud', 'iss', 'sub', 'jti', 'email', '__proto__');
    const claims = fc.dictionary(member, fc.jsonValue()).map((claims) => JSON.stringify(newClaims(claims)));
    const property = fc.asyncProperty(header, fc.oneof(fc.json(), claims), async (header, payload) =>
      assertPlainAnswer(gatewayEvent({ userId: '0', token: signText(key, header, payload) }), null),
    );
    await fc.assert(property, { numRuns: 500 });
  });

  test('the answer is JSON-RPC, not a 5xx, and repeats only the id, whatever the path, body and type are', async () => {
    const type = fc.oneof({ weight: 4, arbitrary: fc.constantFrom('application/json', undefined) }, text);
    const userId = fc.oneof(fc.nat().map(String), text, fc.anything());
    const property = fc.asyncProperty(userId, body, type, fc.boolean(), async (userId, body, type, base64) => {
      const sent = base64 ? Buffer.from(body).toString('base64') : body;
      const headers: Record<string, string> = type === undefined ? {} : { 'content-type': type };
      const event = gatewayEvent({ token, headers, body: sent, base64 });
      await assertPlainAnswer({ ...event, pathParameters: { user_id: userId } }, idIn(body.toWellFormed()));
    });
    await fc.assert(property, { numRuns: 500 });
  });

  test('the answer is JSON-RPC, not a 5xx, and repeats only the id, whatever the event is', async () => {
    const member = fc.constantFrom('headers', 'pathParameters', 'body', 'isBase64Encoded', 'requestContext');
    const event = fc.oneof(
      fc.anything(),
      fc.dictionary(member, fc.anything()).map((members) => ({ ...gatewayEvent({ token, userId: '0' }), ...members })),
    );
    const property = fc.asyncProperty(event, async (event) => assertPlainAnswer(event, null));
    await fc.assert(property, { numRuns: 500 });
  });
});

describe('a token with one bit changed', async () => {
  const send = await startWith(shared, signed);
  const tokens = { HS256: token, ES256: await signToken(privateKey, newClaims(), { alg: 'ES256' }) };

  for (const [alg, token] of Object.entries(tokens)) {
    test(`an ${alg} token is refused when any one bit of its text is changed`, async () => {
      assertAccepted(await send(token));
      for (const changed of flips(Buffer.from(token, 'latin1'))) {
        assert.equal((await send(changed.toString('latin1'))).status, 401, changed.toString('latin1'));
      }
    });

    test(`an ${alg} token is refused when any one bit of its decoded bytes is changed`, async () => {
      assertAccepted(await send(token));
      const parts = token.split('.');
      for (const [at, part] of parts.entries()) {
        for (const changed of flips(Buffer.from(part, 'base64url'))) {
          const forged = parts.with(at, changed.toString('base64url')).join('.');
          assert.equal((await send(forged)).status, 401, forged);
        }
      }
    });
  }
});

/** The bytes with one bit changed, for each of their bits. */
function* flips(bytes: Buffer): Generator<Buffer> {
  for (let bit = 0; bit < 8 * bytes.length; bit++) {
    const changed = Buffer.from(bytes);
    changed.writeUInt8(bytes.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
    yield changed;
  }
}
