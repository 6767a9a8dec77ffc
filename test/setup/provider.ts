import assert from 'node:assert/strict';
import { formEvent } from './events.ts';
import { type Answer, type AuditLine, coldStart, type Lambda } from './lambda.ts';
import { type Provider, storeRecord } from './tokens.ts';

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
