// Faults of Secrets Manager on the wire: at startup and the first request, and once a record is cached. Never a 401.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { assertFault } from '../setup/answers.ts';
import type { Fault } from '../setup/proxy.ts';
import { type Logout, startProxiedAws, startRoute } from '../setup/route.ts';
import { createTable, newSessions, putItems, sessionsLeft } from '../setup/tables.ts';
import * as faults from './faults.ts';

const { dynamodb, secretsManager } = await startProxiedAws();
const table = await createTable('default');

let users = 9_000_000;
const { refuse, html } = faults;
const ALWAYS = Number.POSITIVE_INFINITY;
const RETRY_AFTER_MS = 2000;
const SHORT_MS = 2500; // of which 1.5 s are kept for the answer

/** A fault: the answer to the first request when it happens this many times, with this much time left. */
type Row = [name: string, fault: Fault, outcome: true | 500 | 503, times: number, remainingMs?: number];
const rows: Row[] = [
  ['throttles twice', refuse(400, 'ThrottlingException'), true, 2],
  ['throttles for good', refuse(400, 'ThrottlingException'), 503, ALWAYS, SHORT_MS],
  ['answers 429 and asks for a wait', refuse(429, 'SlowDown', { 'x-amz-retry-after': '100' }), true, 1],
  [
    'answers 429 and asks for a wait beyond the deadline',
    refuse(429, 'SlowDown', { 'x-amz-retry-after': '60000' }),
    503,
    1,
    SHORT_MS,
  ],
  ['answers 500 twice', refuse(500, 'InternalServiceError'), true, 2],
  ['answers 500 for good', refuse(500, 'InternalServiceError'), 503, ALWAYS],
  ['answers 408 for good', html(408), 503, ALWAYS],
  ['answers 502 twice', html(502), true, 2],
  ['answers 503 with a page of HTML for good', html(503), 503, ALWAYS],
  ['resets the connection twice', faults.reset, true, 2],
  ['resets every connection', faults.reset, 503, ALWAYS],
  ['closes the connection before the answer twice', faults.hangUp, true, 2],
  ['ends the answer in the middle twice', faults.truncate, true, 2],
  ['loses the answer twice', faults.loseAnswer, true, 2],
  ['leaves one request without an answer', faults.silence, true, 1],
  ['never answers', faults.silence, 503, ALWAYS, SHORT_MS],
  ['stops in the middle of an answer once', faults.stall, true, 1],
  ['stops in the middle of every answer', faults.stall, 503, ALWAYS, SHORT_MS],
  ['answers a byte at a time', faults.trickle, 503, ALWAYS, SHORT_MS],
  ['answers 200 with broken JSON', faults.garbled, 500, 1],
  ['answers 200 with a page of HTML', html(200), 500, 1],
  ['says that our clock is wrong', faults.clockSkew, true, 1],
  ['has no such record', refuse(400, 'ResourceNotFoundException'), 500, 1],
  ['has the record marked for deletion', refuse(400, 'InvalidRequestException'), 500, 1],
  ['cannot decrypt the record', refuse(400, 'DecryptionFailure'), 500, 1],
  ['denies access', refuse(400, 'AccessDeniedException'), 500, 1],
  ['does not know our credentials', refuse(400, 'UnrecognizedClientException'), 500, 1],
];

type Started = Awaited<ReturnType<typeof startRoute>>;

/** Cold starts in the fault of their row. They share process.env: each has read it once it sends its first request. */
async function startInFaults(given: Row[]) {
  const starts: { row: Row; start: Promise<Started> }[] = [];
  for (const row of given) {
    const [, fault] = row;
    const asked = Promise.withResolvers<void>();
    const start = startRoute({ SESSIONS_TABLE: table }, (secretId) =>
      secretsManager.inject('GetSecretValue', secretId, (exchange) => {
        asked.resolve();
        return fault(exchange);
      }),
    );
    starts.push({ row, start });
    await asked.promise;
  }
  return starts;
}

const coldStarts = await startInFaults(rows);
const outages = rows.filter(([, , outcome]) => outcome === 503);
const cached: { row: Row; secretId: string; logout: Logout }[] = [];
for (const row of outages)
  cached.push({ row, ...(await startRoute({ SESSIONS_TABLE: table, VALIDATOR_MAX_AGE_SECONDS: '0' })) });

describe('Secrets Manager', { concurrency: true }, () => {
  describe('a cold start', { concurrency: 8 }, () => {
    for (const { row, start } of coldStarts) {
      const [name, fault, outcome, times, remainingMs] = row;
      const returned = outcome === true ? 'true' : `a ${outcome}`;
      test(`${returned} is returned when Secrets Manager ${name}, after a start with that fault`, async () => {
        const { secretId, logout } = await start;
        secretsManager.clearFaults(secretId);
        const user = String(users++);
        await putItems(table, newSessions(user, 2));
        secretsManager.inject('GetSecretValue', secretId, fault, times);
        const requests = await dynamodb.requests(user, async () => {
          const answer = await logout(user, { remainingMs });
          if (outcome === true) assert.equal(answer.json.result, true, answer.text);
          else assertFault(answer, outcome);
        });
        assert.deepEqual(
          requests,
          outcome === true ? ['Query', 'BatchWriteItem'] : [],
          'DynamoDB is called only for verified callers',
        );

        secretsManager.clearFaults(secretId);
        if (outcome !== true) await sleep(RETRY_AFTER_MS);
        assert.equal((await logout(user)).status, 200, 'the next call succeeds');
        assert.equal(await sessionsLeft(table, user), 0);
      });
    }
  });

  describe('a record in the cache', { concurrency: 8 }, () => {
    for (const { row, secretId, logout } of cached) {
      const [name, fault] = row;
      test(`the cached record stays in use, and the audit record says so, when Secrets Manager ${name}`, async () => {
        const [before, user] = [String(users++), String(users++)];
        await putItems(table, newSessions(user, 2));
        assert.equal((await logout(before)).status, 200);
        secretsManager.inject('GetSecretValue', secretId, fault);
        const { json, audit } = await logout(user);
        assert.deepEqual([json.result, audit.stale_record], [true, 1]);
        assert.equal(await sessionsLeft(table, user), 0);
      });
    }
  });
});
