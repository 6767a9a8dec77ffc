import assert from 'node:assert/strict';
import { mock } from 'node:test';
import type { Request } from './events.ts';
import { type Answer, type AuditLine, coldStart } from './lambda.ts';
import { startProxiedAws } from './route.ts';
import { createTable } from './tables.ts';
import { newRecord, storeRecord, tokenOf } from './tokens.ts';

/** Sends a token to a function; returns the answer. */
export type Send = (token: string, request?: Request, remainingMs?: number) => Promise<Answer>;

/** Starts a local AWS for the test file, behind proxies that count its requests. Only `pass` moves the clock. */
export async function startRecords() {
  mock.timers.enable({ apis: ['Date'], now: Date.now() });
  const { secretsManager: secrets, dynamodb } = await startProxiedAws();
  const table = await createTable('default');

  /** A cold start with these secrets. */
  const startWithSecrets = async (secretIds: string[], settings: Record<string, string> = {}): Promise<Send> => {
    const lambda = await coldStart({
      VALIDATOR_SECRET_IDS: secretIds.join(','),
      SESSIONS_TABLE: table,
      ...settings,
    });
    return (token, request, remainingMs) => lambda.invoke({ userId: '0', token, ...request }, remainingMs);
  };
  /** A cold start with these records, each in a secret of its own. */
  const startWith = async (...records: unknown[]): Promise<Send> =>
    startWithSecrets(await Promise.all(records.map((record) => storeRecord(record))));

  /** A function that has a record in its cache. */
  const warm = async (members: Record<string, unknown> = {}) => {
    const record = newRecord(members);
    const secretId = await storeRecord(record);
    const send = await startWithSecrets([secretId]);
    assertAccepted(await send(await tokenOf(record)), { key_stage: 'current', stale_record: 0 });
    return { record, secretId, send };
  };

  /** A function that has a record in its cache which has since been replaced. */
  const rotated = async (members: Record<string, unknown> = {}) => {
    const { record: old, secretId, send } = await warm(members);
    const fresh = newRecord(members);
    await storeRecord(fresh, secretId);
    return { old, fresh, secretId, send };
  };
  return { startWith, startWithSecrets, warm, rotated, secrets, dynamodb, table };
}

/** Lets the seconds pass. */
export function pass(seconds: number): void {
  mock.timers.tick(1000 * seconds);
}

/** The token was accepted: no session of user 0 was there to end. */
export function assertAccepted(answer: Answer, audit: AuditLine = {}): void {
  assert.partialDeepStrictEqual(answer, { status: 200, text: '{"jsonrpc":"2.0","id":null,"result":false}', audit });
}

/** The token was refused like any other: one text for every reason, which only the audit record has. */
export function assertRefused(answer: Answer, reason: string, more: AuditLine = {}): void {
  assert.partialDeepStrictEqual(answer, {
    status: 401,
    headers: { 'www-authenticate': 'Bearer realm="auth_logout_user", error="invalid_token"' },
    text: '{"jsonrpc":"2.0","id":null,"error":{"code":-32001,"message":"Authentication failed"}}',
    audit: { outcome: 'unauthenticated', reason, ...more },
  });
}

/** The token is good, but not for this: a challenge that says so, and the reason in the audit record. */
export function assertForbidden(answer: Answer, reason: string): void {
  assert.partialDeepStrictEqual(answer, {
    status: 403,
    headers: { 'www-authenticate': 'Bearer realm="auth_logout_user", error="insufficient_scope"' },
    audit: { outcome: 'not_allowed', reason },
  });
}

/** The fault is ours or AWS's, and the answer says so: 500, or 503 with a time to try again; the reason is audited. */
export function assertFault(answer: Answer, status: 500 | 503, reason = answer.audit.reason): void {
  const [outcome, code, message] =
    status === 503
      ? ['unavailable', -32000, 'Some sessions may be left: send the request again']
      : ['internal', -32603, 'Internal error'];
  const text = JSON.stringify({ jsonrpc: '2.0', id: null, error: { code, message } });
  assert.partialDeepStrictEqual(answer, { status, text, audit: { outcome, reason } });
  assert.match(String(answer.headers['retry-after']), status === 503 ? /^[1-5]$/ : /^undefined$/);
  assert.ok(!('www-authenticate' in answer.headers));
}
