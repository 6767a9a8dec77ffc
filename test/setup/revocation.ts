// Global Token Revocation as Okta sends it: what signs the tokens, the requests, and the answers.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { pushEvent } from './events.ts';
import type { Answer, AuditLine, Lambda } from './lambda.ts';
import { startFunction } from './route.ts';
import { newProvider, type Provider, signToken } from './tokens.ts';

type Members = Record<string, unknown>;

export const ORGANISATION = 'https://example.okta.com';
const ENDPOINT = 'https://api.example.com/auth/global_token_revocation';
const CLIENT = '0oa1client';
const JSON_TYPE = { 'content-type': 'application/json' };

/** An organisation at Okta: its record, whose members may be replaced, and its key. */
export function newOrganisation(members: Members = {}, alg = 'RS256'): Provider {
  const own = { name: 'test_okta', issuer: ORGANISATION, audience: ENDPOINT, client_id: CLIENT };
  return newProvider({ ...own, ...members }, alg);
}

/** A revocation token as Okta makes it; members given as undefined are left out. */
export function revocationToken(
  { alg, privateKey }: Provider,
  claims: Members = {},
  header: Members = {},
): Promise<string> {
  const iat = Math.floor(Date.now() / 1000);
  const own = { iss: ORGANISATION, aud: ENDPOINT, sub: CLIENT, jti: randomUUID(), iat, nbf: iat - 300, exp: iat + 300 };
  const type = { alg, kid: 'provider', typ: 'global-token-revocation+jwt' };
  return signToken(privateKey, { ...own, ...claims }, { ...type, ...header });
}

/** The account with this `sub` at the organisation. */
export function account(sub: unknown, more: Members = {}): Members {
  return { format: 'iss_sub', iss: ORGANISATION, sub, ...more };
}

/** Sends the request; a body that is no text is JSON. */
export function revoke(
  lambda: Lambda,
  token: string | undefined,
  body: unknown,
  headers: Record<string, unknown> = JSON_TYPE,
  remainingMs?: number,
): Promise<Answer> {
  const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const event = pushEvent('/auth/global_token_revocation', { ...headers, ...authorization }, text);
  return lambda.send(event, remainingMs);
}

/** A cold start of global_token_revocation with the records of these organisations. */
export function startOrganisations(organisations: Provider[], environment?: Record<string, string>) {
  const records = organisations.map(({ record }) => record);
  return startFunction('global_token_revocation', records, environment);
}

/** The answer says that nothing is left. */
export function assertRevoked(answer: Answer, audit: AuditLine = {}): void {
  const route = 'global_token_revocation';
  assert.partialDeepStrictEqual(answer, { status: 204, text: '', audit: { route, ...audit } });
  assert.deepEqual(answer.headers, { 'cache-control': 'no-store' });
}

const ERRORS = new Map([
  [400, 'invalid_request'],
  [401, 'invalid_token'],
  [403, 'insufficient_scope'],
  [404, 'not_found'],
  [500, 'server_error'],
  [503, 'temporarily_unavailable'],
]);

/** The answer says with that status why not: to the sender in one word, to the audit record with its reason. */
export function assertNotRevoked(answer: Answer, status: number, reason: string): void {
  const error = ERRORS.get(status);
  assert.partialDeepStrictEqual(answer, { status, text: JSON.stringify({ error }), audit: { reason } });
  const challenge = new RegExp(`^Bearer realm="auth_logout_user"(, error="${error}")?$`);
  assert.match(String(answer.headers['www-authenticate']), /^40[13]$/.test(`${status}`) ? challenge : /^undefined$/);
  assert.equal(answer.headers['retry-after'], status === 503 ? '2' : undefined);
  assert.equal(answer.audit.level, status < 500 ? 'INFO' : 'ERROR');
  assert.equal(answer.audit.rejections, [400, 401, 403].includes(status) ? 1 : 0);
}
