import assert from 'node:assert/strict';
import { randomUUID, type webcrypto } from 'node:crypto';
import { keyPair } from './key_pairs.ts';
import { type Answer, type AuditLine, auditLines, coldStart, gatewayEvent, type Lambda } from './lambda.ts';
import { signToken, storeRecord } from './tokens.ts';

export const LOGOUT_EVENT = 'http://schemas.openid.net/event/backchannel-logout';
export const ISSUER = 'https://id.example.com';
export const CLIENT_ID = 'web';
const FORM_TYPE = 'application/x-www-form-urlencoded';

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

/** The event of a form, which API Gateway hands over in base64. */
export function formEvent(
  form: string,
  headers: Record<string, string> = { 'content-type': FORM_TYPE },
  base64 = true,
) {
  const body = base64 ? Buffer.from(form).toString('base64') : form;
  const { pathParameters: _, ...event } = gatewayEvent({ headers, body, base64 });
  const [path, routeKey] = ['/auth/backchannel_logout', 'POST /auth/backchannel_logout'];
  const requestContext = { ...event.requestContext, http: { ...event.requestContext.http, path }, routeKey };
  return { ...event, rawPath: path, routeKey, requestContext };
}

/** What became of a logout token: the answer, and its audit record. */
export type Delivery = Answer & { audit: AuditLine };

/** Sends the token as a provider does. */
export async function deliver(
  lambda: Lambda,
  token: string,
  event: unknown = formEvent(`logout_token=${encodeURIComponent(token)}`),
  remainingMs?: number,
): Promise<Delivery> {
  let answer: Answer = { status: 0, headers: {}, text: '', json: {} };
  const [audit = {}] = await auditLines(async () => {
    answer = await lambda.send(event, remainingMs);
  });
  return { ...answer, audit };
}

/** A cold start of the route with the records of these providers. */
export async function startProviders(providers: Provider[], environment: Record<string, string>): Promise<Lambda> {
  const secretIds = await Promise.all(providers.map(({ record }) => storeRecord(record)));
  return coldStart({ OPENID_PROVIDER_SECRET_IDS: secretIds.join(), ...environment }, 'backchannel_logout');
}

/** The provider was told that nothing is left. Members of the audit record that are given must be there. */
export function assertLoggedOut({ status, headers, text, audit }: Delivery, expected: AuditLine = {}): void {
  assert.equal(status, 200, `${text} ${audit.reason} ${audit.fault}`);
  assert.deepEqual([headers, text], [{ 'cache-control': 'no-store' }, '']);
  assert.partialDeepStrictEqual(audit, { route: 'backchannel_logout', ...expected });
}

const TOKEN_REFUSED = 'The logout token is not accepted';

/** The provider was told that its token is refused, in one text for every reason, which is in the audit record alone. */
export function assertRefused({ status, headers, text, audit }: Delivery, reason: string): void {
  assert.equal(status, 400, `${text} ${audit.reason} ${audit.fault}`);
  assert.deepEqual(headers, { 'content-type': 'application/json', 'cache-control': 'no-store' });
  assert.equal(text, JSON.stringify({ error: 'invalid_request', error_description: TOKEN_REFUSED }));
  assert.partialDeepStrictEqual(audit, { outcome: 'unauthenticated', reason, rejections: 1, level: 'INFO' });
}

/** The provider was told that the fault is not its own, and when to try again where that may help. */
export function assertFault({ status, headers, text, audit }: Delivery, expected: 500 | 503, reason: string): void {
  assert.equal(status, expected, `${text} ${audit.reason} ${audit.fault}`);
  assert.equal(text, JSON.stringify({ error: expected === 503 ? 'temporarily_unavailable' : 'server_error' }));
  assert.equal(headers['retry-after'], expected === 503 ? '2' : undefined);
  assert.partialDeepStrictEqual(audit, { reason, level: 'ERROR' });
}
