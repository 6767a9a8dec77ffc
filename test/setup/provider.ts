import assert from 'node:assert/strict';
import { randomUUID, type webcrypto } from 'node:crypto';
import { formEvent } from './events.ts';
import { keyPair } from './key_pairs.ts';
import { type Answer, type AuditLine, coldStart, type Lambda } from './lambda.ts';
import { signToken, storeRecord } from './tokens.ts';

export const LOGOUT_EVENT = 'http://schemas.openid.net/event/backchannel-logout';
export const ISSUER = 'https://id.example.com';
export const CLIENT_ID = 'web';

/** An OpenID provider: the validator record that trusts its keys, and a private one of them. */
export type Provider = { record: Record<string, unknown>; alg: string; privateKey: webcrypto.CryptoKey };

/** A provider whose key set is inline in its record; the members given replace the record's own. */
export async function newProvider(members: Record<string, unknown> = {}, alg = 'RS256'): Promise<Provider> {
  const { jwk, privateKey } = await keyPair(alg, 'provider');
  const record = {
    name: 'test_provider',
    signature_type: 'public_key',
    public_key_algorithm: alg,
    public_key_jwks: { keys: [jwk] },
    audience: CLIENT_ID,
    issuer: ISSUER,
    ...members,
  };
  return { record, alg, privateKey };
}

/** Claims of a logout token that such a record accepts; members given as undefined are left out. */
export function newLogoutClaims(sub: string, claims: Record<string, unknown> = {}): Record<string, unknown> {
  const iat = Math.floor(Date.now() / 1000);
  const events = { [LOGOUT_EVENT]: {} };
  return { iss: ISSUER, aud: CLIENT_ID, iat, exp: iat + 120, jti: randomUUID(), sub, events, ...claims };
}

/** A logout token as most providers write it. */
export function signLogoutToken(
  { alg, privateKey }: Provider,
  claims: Record<string, unknown>,
  header: Record<string, unknown> = {},
): Promise<string> {
  return signToken(privateKey, claims, { alg, kid: 'provider', typ: 'logout+jwt', ...header });
}

/** Sends the token as a provider does. */
export function deliver(lambda: Lambda, token: string, remainingMs?: number): Promise<Answer> {
  return lambda.send(formEvent(`logout_token=${encodeURIComponent(token)}`), remainingMs);
}

/** A cold start of the route with the records of these providers. */
export async function startProviders(providers: Provider[], environment: Record<string, string>): Promise<Lambda> {
  const secretIds = await Promise.all(providers.map(({ record }) => storeRecord(record)));
  return coldStart({ OPENID_PROVIDER_SECRET_IDS: secretIds.join(), ...environment }, 'backchannel_logout');
}

/** The provider was told that nothing is left. */
export function assertLoggedOut(answer: Answer, audit: AuditLine = {}): void {
  assert.partialDeepStrictEqual(answer, { status: 200, text: '', audit: { route: 'backchannel_logout', ...audit } });
  assert.deepEqual(answer.headers, { 'cache-control': 'no-store' });
}

/** The provider was told that its token is refused, in one text for every reason, which is in the audit record alone. */
export function assertRefused(answer: Answer, reason: string): void {
  assert.partialDeepStrictEqual(answer, {
    status: 400,
    text: '{"error":"invalid_request","error_description":"The logout token is not accepted"}',
    audit: { outcome: 'unauthenticated', reason, rejections: 1, level: 'INFO' },
  });
  assert.deepEqual(answer.headers, { 'content-type': 'application/json', 'cache-control': 'no-store' });
}

/** The provider was told that the fault is not its own, and when to try again where that may help. */
export function assertFault(answer: Answer, status: 500 | 503, reason: string): void {
  const text = status === 503 ? '{"error":"temporarily_unavailable"}' : '{"error":"server_error"}';
  assert.partialDeepStrictEqual(answer, { status, text, audit: { reason, level: 'ERROR' } });
  assert.equal(answer.headers['retry-after'], status === 503 ? '2' : undefined);
}
