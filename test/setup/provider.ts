import assert from 'node:assert/strict';
import { formEvent } from './events.ts';
import type { Answer, AuditLine, Lambda } from './lambda.ts';
import { startFunction } from './route.ts';
import type { Provider } from './tokens.ts';

/** Sends the token as a provider does. */
export function deliver(lambda: Lambda, token: string, remainingMs?: number): Promise<Answer> {
  return lambda.send(formEvent(`logout_token=${encodeURIComponent(token)}`), remainingMs);
}

/** A cold start of backchannel_logout with the records of these providers. */
export function startProviders(providers: Provider[], environment?: Record<string, string>) {
  const records = providers.map(({ record }) => record);
  return startFunction('backchannel_logout', records, environment);
}

/** The answer says that nothing is left. */
export function assertLoggedOut(answer: Answer, audit: AuditLine = {}): void {
  assert.partialDeepStrictEqual(answer, { status: 200, text: '', audit: { route: 'backchannel_logout', ...audit } });
  assert.deepEqual(answer.headers, { 'cache-control': 'no-store' });
}

/** The answer says that the token is refused, in one text for every reason, which only the audit record has. */
export function assertRefused(answer: Answer, reason: string): void {
  assert.partialDeepStrictEqual(answer, {
    status: 400,
    text: '{"error":"invalid_request","error_description":"The logout token is not accepted"}',
    audit: { outcome: 'unauthenticated', reason, rejections: 1, level: 'INFO' },
  });
  assert.deepEqual(answer.headers, { 'content-type': 'application/json', 'cache-control': 'no-store' });
}

/** The answer says that the body is not a form with one logout token. */
export function assertNoForm(answer: Answer): void {
  const error_description = 'The body must be a form of at most 64 KiB with one logout_token';
  assert.partialDeepStrictEqual(answer, {
    status: 400,
    text: JSON.stringify({ error: 'invalid_request', error_description }),
    audit: { reason: 'body', rejections: 1, level: 'INFO' },
  });
  assert.match(String(answer.audit.outcome), /^(invalid_request|parse_error|body_too_large)$/);
}

/** The answer says that the fault is not the provider's, and when to try again if that may help. */
export function assertFault(answer: Answer, status: 500 | 503, reason: string): void {
  const text = status === 503 ? '{"error":"temporarily_unavailable"}' : '{"error":"server_error"}';
  assert.partialDeepStrictEqual(answer, { status, text, audit: { reason, level: 'ERROR' } });
  assert.equal(answer.headers['retry-after'], status === 503 ? '2' : undefined);
}
