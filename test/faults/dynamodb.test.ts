// Faults of DynamoDB on the wire: what the answer is, that it is true, and that the next call ends what is left.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, test } from 'node:test';
import { assertFault } from '../setup/answers.ts';
import type { Fault } from '../setup/proxy.ts';
import { startProxiedAws, startRoute } from '../setup/route.ts';
import { allItems, type Item, newSessions, putItems, sessionsLeft } from '../setup/tables.ts';
import * as faults from './faults.ts';

const { dynamodb } = await startProxiedAws();
const { table, logout } = await startRoute();
const { table: indexed, logout: logoutByIndex } = await startRoute({ SESSION_LAYOUT: 'connect-dynamodb' });

const BYSTANDER = '8999999';
await putItems(table, newSessions(BYSTANDER, 3));
await putItems(indexed, indexedSessions(BYSTANDER, 3));

/** Sessions as connect-dynamodb writes them. */
function indexedSessions(userId: string, count: number): Item[] {
  const expires = { N: String(Date.now() / 1000 + 3600) };
  return Array.from({ length: count }, () => ({ id: { S: randomUUID() }, userId: { S: userId }, expires }));
}

const byKey = {
  logout,
  fill: (user: string) => putItems(table, newSessions(user, 30)),
  left: (user: string) => sessionsLeft(table, user),
};
const byIndex = {
  logout: logoutByIndex,
  fill: (user: string) => putItems(indexed, indexedSessions(user, 3)),
  left: async (user: string) => (await allItems(indexed)).filter((item) => item.userId?.S === user).length,
};
/** The requests that a logout makes. */
const ways = { Query: byKey, BatchWriteItem: byKey, DeleteItem: byIndex };

let users = 9_000_000;
const { refuse, html, passOn } = faults;
const ALWAYS = Number.POSITIVE_INFINITY;
const SHORT_MS = 4500; // of which 1.5 s are kept for the answer

describe('connections', () => {
  const kept: Record<string, () => void> = {
    'were closed while Lambda was frozen': dynamodb.closeIdle,
    'were forgotten by a NAT gateway while Lambda was frozen': dynamodb.forgetConnections,
  };
  for (const [name, end] of Object.entries(kept)) {
    test(`true is returned after connections to DynamoDB ${name}`, async () => {
      const [warm, user] = [String(users++), String(users++)];
      await putItems(table, [...newSessions(warm, 200), ...newSessions(user, 200)]);
      await logout(warm);
      end();
      assert.equal((await logout(user)).json.result, true);
      assert.equal(await sessionsLeft(table, user), 0);
    });
  }
});

/** A fault in a request of a logout: the answer when it happens this many times, with this much time left. */
type Row = [name: string, fault: Fault, outcome: true | 500 | 503, times: number, remainingMs?: number];

const rows: Row[] = [
  ['throttles the partition twice', refuse(400, 'ProvisionedThroughputExceededException'), true, 2],
  ['throttles the account twice', refuse(400, 'ThrottlingException'), true, 2],
  ['limits requests twice', refuse(400, 'RequestLimitExceeded'), true, 2],
  ['answers 429 twice', refuse(429, 'TooManyRequestsException'), true, 2],
  ['answers 429 and asks for a wait', refuse(429, 'SlowDown', { 'x-amz-retry-after': '100' }), true, 1],
  ['answers 500 twice', refuse(500, 'InternalServerError'), true, 2],
  ['answers 500 for good', refuse(500, 'InternalServerError'), 503, ALWAYS],
  ['answers 408 twice', html(408), true, 2],
  ['answers 502 twice', html(502), true, 2],
  ['answers 503 twice', refuse(503, 'ServiceUnavailable'), true, 2],
  ['answers 503 with a page of HTML for good', html(503), 503, ALWAYS],
  ['answers 504 twice', html(504), true, 2],
  ['holds the items in a transaction for a moment', refuse(400, 'TransactionConflictException'), true, 2],
  ['resets the connection twice', faults.reset, true, 2],
  ['resets every connection', faults.reset, 503, ALWAYS],
  ['closes the connection before the answer twice', faults.hangUp, true, 2],
  ['ends the answer in the middle twice', faults.truncate, true, 2],
  ['loses the answer to a request that it has carried out', faults.loseAnswer, true, 2],
  ['loses every answer', faults.loseAnswer, 503, ALWAYS],
  ['answers 200 with broken JSON', faults.garbled, 500, ALWAYS],
  ['answers 200 with a page of HTML', html(200), 500, ALWAYS],
  ['says that our clock is wrong', faults.clockSkew, true, 1],
  ['has no such table', refuse(400, 'ResourceNotFoundException'), 500, 1],
  ['denies access', refuse(400, 'AccessDeniedException'), 500, 1],
  ['does not know our credentials', refuse(400, 'UnrecognizedClientException'), 500, 1],
  ['says that the request is invalid', refuse(400, 'ValidationException'), 500, 1],
];
const silent: Row = ['answers 200 with an empty object', faults.empty, 500, ALWAYS]; // as DynamoDB does for DeleteItem
const handedBack: Row[] = [
  ['hands some of the batch back twice', faults.handBack(7), true, 2],
  ['hands the whole batch back twice', faults.handBack(), true, 2],
];

const late = { 'x-amz-retry-after': '60000' };
const slowRows: Row[] = [
  ['throttles the partition for good', refuse(400, 'ProvisionedThroughputExceededException'), 503, ALWAYS, SHORT_MS],
  ['answers 429 and asks for a wait beyond the deadline', refuse(429, 'SlowDown', late), 503, 1, SHORT_MS],
  ['leaves one request without an answer', faults.silence, true, 1],
  ['never answers', faults.silence, 503, ALWAYS, SHORT_MS],
  ['sends the head of one answer a byte at a time', faults.trickleHead, true, 1],
  ['stops in the middle of an answer once', faults.stall, true, 1],
  ['stops in the middle of every answer', faults.stall, 503, ALWAYS, SHORT_MS],
  ['answers a byte at a time', faults.trickle, 503, ALWAYS, SHORT_MS],
];
const handedBackAlways: Row = ['always hands the whole batch back', faults.handBack(), 503, ALWAYS, SHORT_MS];

describe('DynamoDB', { concurrency: true }, () => {
  describe('faults that are soon over', { concurrency: 4 }, () => {
    for (const row of [...rows, silent]) testFault('Query', row);
    for (const row of [...rows, silent, ...handedBack]) testFault('BatchWriteItem', row);
    for (const row of rows) testFault('DeleteItem', row);

    test('a 503 is returned when the Query for a later page fails, and the next call ends all sessions', async () => {
      const user = String(users++);
      await putItems(table, newSessions(user, 30, { payload: 60_000 }));
      dynamodb.inject('Query', user, passOn, 1);
      dynamodb.inject('Query', user, refuse(500, 'InternalServerError'));
      assertFault(await logout(user), 503);
      dynamodb.clearFaults(user);
      assert.equal((await logout(user)).json.result, true);
      assert.equal(await sessionsLeft(table, user), 0);
    });
  });

  describe('faults that take a while', { concurrency: true }, () => {
    for (const row of slowRows) testFault('Query', row);
    for (const row of [...slowRows, handedBackAlways]) testFault('BatchWriteItem', row);
    for (const row of slowRows) testFault('DeleteItem', row);
  });
});

function testFault(operation: keyof typeof ways, [name, fault, outcome, times, remainingMs]: Row): void {
  test(`${outcome === true ? 'true' : `a ${outcome}`} is returned when DynamoDB ${name} (${operation})`, async () => {
    const { logout, fill, left } = ways[operation];
    const user = String(users++);
    await fill(user);
    dynamodb.inject(operation, user, fault, times);
    const answer = await logout(user, { remainingMs });
    if (outcome !== true) assertFault(answer, outcome);
    else assert.deepEqual([answer.json.result, await left(user)], [true, 0], answer.text);

    dynamodb.clearFaults(user);
    assert.equal((await logout(user)).status, 200, 'the next call succeeds');
    assert.deepEqual([await left(user), await left(BYSTANDER)], [0, 3], 'the sessions of another user survive');
  });
}

test('a wait that is too long for a date is no wait, and no cause for a warning', async () => {
  const user = String(users++);
  const warnings: string[] = [];
  process.on('warning', ({ name }) => warnings.push(name));
  dynamodb.inject('Query', user, refuse(429, 'SlowDown', { 'retry-after': '9'.repeat(20) }), 1);
  assert.equal((await logout(user)).status, 200);
  assert.deepEqual(warnings, []);
});
