// What each route answers, in its own form. The audit record says which route it was.
import assert from 'node:assert/strict';
import type { Answer, AuditLine, FunctionName } from './lambda.ts';

/** What a route answers when there is nothing more to do, and when it refuses a token. */
const STATUSES: Record<FunctionName, { done: number; refused: number }> = {
  logout_user: { done: 200, refused: 401 },
  backchannel_logout: { done: 200, refused: 400 },
  global_token_revocation: { done: 204, refused: 401 },
  security_events: { done: 202, refused: 400 },
};
const RPC_ERRORS = new Map([
  [401, { code: -32001, message: 'Authentication failed' }],
  [403, { code: -32003, message: 'This caller is not allowed to log users out' }],
  [404, { code: -32004, message: 'No such user id' }],
  [500, { code: -32603, message: 'Internal error' }],
  [503, { code: -32000, message: 'Some sessions may be left: send the request again' }],
]);
const OAUTH_ERRORS = new Map([
  [400, 'invalid_request'],
  [401, 'invalid_token'],
  [403, 'insufficient_scope'],
  [404, 'not_found'],
  [500, 'server_error'],
  [503, 'temporarily_unavailable'],
]);
const INVALID_KEY = ['invalid_key', 'The algorithm, the key or the signature is not accepted'] as const;
/** The error of RFC 8935 for a reason; for any other it is invalid_request. */
const PUSH_ERRORS = new Map<string, readonly [err: string, description: string]>([
  ['algorithm', INVALID_KEY],
  ['unknown_key', INVALID_KEY],
  ['too_many_keys', INVALID_KEY],
  ['signature', INVALID_KEY],
  ['issuer', ['invalid_issuer', 'The issuer is not accepted']],
  ['audience', ['invalid_audience', 'The audience is not accepted']],
]);

/** The body of an error, by route, status and reason. */
const BODIES: Record<FunctionName, (status: number, reason: string) => object> = {
  logout_user: (status) => ({ jsonrpc: '2.0', id: null, error: RPC_ERRORS.get(status) }),
  backchannel_logout: (status, reason) => {
    const error = OAUTH_ERRORS.get(status);
    if (status !== 400) return { error };
    const descriptions = new Map([
      ['body', 'The body must be a form of at most 64 KiB with one logout_token'],
      ['user_id', 'The sub of the logout token is not accepted'],
      ['sub', 'The sub of the logout token is not accepted'],
    ]);
    return { error, error_description: descriptions.get(reason) ?? 'The logout token is not accepted' };
  },
  global_token_revocation: (status) => ({ error: OAUTH_ERRORS.get(status) }),
  security_events: (status, reason) => {
    if (status !== 400) return { err: OAUTH_ERRORS.get(status) };
    const [err, description] = PUSH_ERRORS.get(reason) ?? ['invalid_request', 'The request is not accepted'];
    return { err, description };
  },
};

/** There is nothing more to do: no session of the user is left, or the outcome in the audit record says what else. */
export function assertDone(answer: Answer, audit: AuditLine = {}): void {
  const { done: status } = STATUSES[routeOf(answer)];
  assertParts(answer, { status, text: '', audit: { level: 'INFO', ...audit } });
  assert.deepEqual(answer.headers, { 'cache-control': 'no-store' });
}

/** A caller's token was accepted: no session of user 0 was there to end. */
export function assertAccepted(answer: Answer, audit: AuditLine = {}): void {
  assertParts(answer, { status: 200, text: '{"jsonrpc":"2.0","id":null,"result":false}', audit });
}

/** The token was refused like any other: only the audit record has the reason. */
export function assertRefused(answer: Answer, reason: string, audit: AuditLine = {}): void {
  const { refused } = STATUSES[routeOf(answer)];
  assertError(answer, refused, reason, { outcome: 'unauthenticated', rejections: 1, ...audit });
}

/** The token is good, but not for this. */
export function assertForbidden(answer: Answer, reason: string): void {
  assertError(answer, 403, reason, { outcome: 'not_allowed', rejections: 1 });
}

/** The request could not be read, or names nobody. */
export function assertBadRequest(answer: Answer, reason: string, audit: AuditLine = {}): void {
  assertError(answer, 400, reason, { rejections: 1, ...audit });
  assert.match(String(answer.audit.outcome), /^(invalid_request|parse_error|body_too_large)$/);
}

/** The fault is ours or AWS's, and the answer says so. */
export function assertFault(answer: Answer, status: 500 | 503, reason = String(answer.audit.reason)): void {
  assertError(answer, status, reason, { outcome: status === 503 ? 'unavailable' : 'internal' });
}

/** The answer says with that status why not: to the caller in one text, to the audit record with the reason. */
export function assertError(answer: Answer, status: number, reason: string, audit: AuditLine = {}): void {
  const route = routeOf(answer);
  const text = JSON.stringify(BODIES[route](status, reason));
  const level = status < 500 ? 'INFO' : 'ERROR';
  assertParts(answer, { status, text, audit: { reason, level, ...audit } });
  assert.deepEqual(answer.headers, { ...headersOf(route, status, reason) });
}

/** Of the audit record only what is expected: a failure shows what differs, and not forty other fields. */
function assertParts(
  { status, text, audit }: Answer,
  expected: { status: number; text: string; audit: AuditLine },
): void {
  const fields = Object.fromEntries(Object.keys(expected.audit).map((field) => [field, audit[field]]));
  assert.deepEqual({ status, text, audit: fields }, expected);
}

function headersOf(route: FunctionName, status: number, reason: string): Record<string, string> {
  const error = OAUTH_ERRORS.get(status);
  const realm = 'Bearer realm="auth_logout_user"';
  const isChallenged = (status === 401 || status === 403) && STATUSES[route].refused === 401;
  return {
    'content-type': 'application/json',
    'cache-control': 'no-store',
    ...(isChallenged && {
      'www-authenticate': reason === 'no_credentials' ? realm : `${realm}, error="${error}"`,
    }),
    ...(status === 503 && { 'retry-after': '2' }),
  };
}

function routeOf({ audit: { route } }: Answer): FunctionName {
  for (const name of ['logout_user', 'backchannel_logout', 'global_token_revocation', 'security_events'] as const)
    if (name === route) return name;
  return assert.fail(`no route is called ${route}`);
}
