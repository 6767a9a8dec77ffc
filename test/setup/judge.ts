import assert from 'node:assert/strict';
import { mock } from 'node:test';
import { type AuditLine, auditLines, coldStart, type Request } from './lambda.ts';
import { startAws } from './route.ts';
import { createTable } from './tables.ts';
import { newRecord, signToken, storeRecord } from './tokens.ts';

/** What becomes of a token: the answer of the route, and its audit record. */
export type Verdict = { status: number; headers: Record<string, unknown>; text: string; audit: AuditLine };
export type Judge = (token: string, request?: Request) => Promise<Verdict>;

/** Starts a local AWS for the test file, behind proxies that count its requests. The clock stands, but for `pass`. */
export async function startJudge() {
  mock.timers.enable({ apis: ['Date'], now: Date.now() });
  const { secretsManager: secrets, dynamodb } = await startAws();
  const table = await createTable('default');

  /** A cold start with those secrets. */
  const judgeBy = async (secretIds: string[], settings: Record<string, string> = {}): Promise<Judge> => {
    const lambda = await coldStart({
      VALIDATOR_SECRET_IDS: secretIds.join(','),
      SESSIONS_TABLE: table,
      ...settings,
    });
    return async (token, request) => {
      let answer = { status: 0, headers: {}, text: '' };
      const [audit = {}] = await auditLines(async () => {
        answer = await lambda.invoke({ userId: '0', token, ...request });
      });
      return { ...answer, audit };
    };
  };
  /** A cold start with those records, each in a secret of its own. */
  const judge = async (...records: unknown[]): Promise<Judge> =>
    judgeBy(await Promise.all(records.map((record) => storeRecord(record))));

  /** A function that has a record in its cache. */
  const warm = async (members: Record<string, unknown> = {}) => {
    const record = newRecord(members);
    const secretId = await storeRecord(record);
    const judge = await judgeBy([secretId]);
    assertAccepted(await judge(await tokenOf(record)), { key_stage: 'current', stale_record: 0 });
    return { record, secretId, judge };
  };

  /** A function that has a record in its cache which now is the previous one. */
  const rotated = async (members: Record<string, unknown> = {}) => {
    const { record: old, secretId, judge } = await warm(members);
    const fresh = newRecord(members);
    await storeRecord(fresh, secretId);
    return { old, fresh, secretId, judge };
  };
  return { judge, judgeBy, warm, rotated, secrets, dynamodb, table };
}

/** Lets the seconds pass. */
export function pass(seconds: number): void {
  mock.timers.tick(1000 * seconds);
}

/** A token that the record accepts. */
export function tokenOf({ secret_key }: { secret_key: string }): Promise<string> {
  return signToken(secret_key);
}

/** A token by a key that no record has. */
export function junkToken(): Promise<string> {
  return tokenOf(newRecord());
}

/** The token was accepted: no session of user 0 was there to end. Members of the audit record that are given must be there. */
export function assertAccepted({ status, text, audit }: Verdict, expected: AuditLine = {}): void {
  assert.equal(status, 200, `${text} ${audit.reason} ${audit.fault}`);
  assert.equal(text, '{"jsonrpc":"2.0","id":null,"result":false}');
  assertMembers(audit, expected);
}

/** The token was refused like any other: one text for every reason, which is in the audit record alone. */
export function assertRefused({ status, headers, text, audit }: Verdict, reason: string, more: AuditLine = {}): void {
  assert.equal(status, 401, `${text} ${audit.reason} ${audit.fault}`);
  assert.equal(text, '{"jsonrpc":"2.0","id":null,"error":{"code":-32001,"message":"Authentication failed"}}');
  assert.equal(headers['www-authenticate'], 'Bearer realm="auth_logout_user", error="invalid_token"');
  assertMembers(audit, { outcome: 'unauthenticated', reason, ...more });
}

/** The token is good, but not for this: a challenge that says so, and the reason in the audit record. */
export function assertForbidden({ status, headers, text, audit }: Verdict, reason: string): void {
  assert.equal(status, 403, `${text} ${audit.reason} ${audit.fault}`);
  assert.equal(headers['www-authenticate'], 'Bearer realm="auth_logout_user", error="insufficient_scope"');
  assertMembers(audit, { outcome: 'not_allowed', reason });
}

/** The fault is ours or AWS's, and the caller is told so: 500, or 503 with the time to try again. */
export function assertFault({ status, headers, audit }: Verdict, expected: 500 | 503, reason: string): void {
  assertMembers(audit, { outcome: expected === 500 ? 'internal' : 'unavailable', reason });
  assert.equal(status, expected);
  assert.equal('retry-after' in headers, expected === 503);
  assert.ok(!('www-authenticate' in headers));
}

function assertMembers(audit: AuditLine, expected: AuditLine): void {
  assert.deepEqual(Object.fromEntries(Object.keys(expected).map((name) => [name, audit[name]])), expected);
}
