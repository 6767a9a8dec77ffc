// How many requests a logout takes, which of them run together, and what is counted when answers are lost.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { handBack, loseAnswer, passOn, refuse, reset } from '../faults/faults.ts';
import { assertFault } from '../setup/answers.ts';
import type { Exchange, Fault } from '../setup/proxy.ts';
import { type Logout, startProxiedAws, startRoute } from '../setup/route.ts';
import { allItems, type Item, newSessions, putItems, sessionsLeft } from '../setup/tables.ts';

const { dynamodb } = await startProxiedAws();
const { table: byKey, logout } = await startRoute();
const { table: byIndex, logout: logoutByIndex } = await startRoute({ SESSION_LAYOUT: 'connect-dynamodb' });

let users = 100_000;
const newUser = () => String(users++);

/** Sessions as connect-dynamodb writes them. */
function indexedSessions(userId: string, count: number, expires: Item = inSeconds(3600)): Item[] {
  return Array.from({ length: count }, () => ({
    id: { S: `sess:${randomUUID()}` },
    userId: { S: userId },
    ...expires,
  }));
}

function inSeconds(seconds: number): Item {
  return { expires: { N: String(Math.floor(Date.now() / 1000) + seconds) } };
}

function inSecondsAsText(seconds: number): Item {
  return { expires: { S: String(Date.now() / 1000 + seconds) } };
}

for (const [S, live] of [
  ['0x10', true],
  ['1e3', true],
  ['1700000000', false],
] as const) {
  test(`a session counts as ${live ? 'live' : 'expired'} when its expiry is the text ${S}`, async () => {
    const user = newUser();
    await putItems(
      byKey,
      newSessions(user, 1).map((item) => ({ ...item, expires_at: { S } })),
    );
    assert.equal((await logout(user)).json.result, live);
  });
}

describe('requests', () => {
  test('sessions are found with consistent reads where the user is the table’s key', async () => {
    const user = newUser();
    const reads: unknown[] = [];
    dynamodb.inject('Query', user, async (exchange) => {
      reads.push(JSON.parse(exchange.body).ConsistentRead);
      await passOn(exchange);
    });
    assert.equal((await logout(user)).status, 200);
    assert.deepEqual(reads, [true]);
  });

  for (const [count, batches] of [
    [0, 0],
    [1, 1],
    [25, 1],
    [26, 2],
    [100, 4],
    [1000, 40],
  ] as const) {
    test(`the number of requests is ${1 + batches} for ${count} sessions found by key`, async () => {
      const user = newUser();
      await putItems(byKey, newSessions(user, count));
      const requests = await dynamodb.requests(user, () => logout(user));
      assert.deepEqual(requests, ['Query', ...Array(batches).fill('BatchWriteItem')]);
      assert.equal(await sessionsLeft(byKey, user), 0);
    });
  }

  for (const [count, what, expires, queries, deletes] of [
    [0, 'live', inSeconds(3600), 1, 0],
    [3, 'live', inSeconds(3600), 2, 3],
    [3, 'live by an expiry stored as text', inSecondsAsText(3600), 2, 3],
    [3, 'expired', inSeconds(-1), 2, 6],
    [3, 'expired by an expiry stored as text', inSecondsAsText(-1), 2, 6],
  ] as const) {
    test(`the number of requests is ${queries + deletes} for ${count} sessions found by index, ${what}`, async () => {
      const user = newUser();
      await putItems(byIndex, indexedSessions(user, count, expires));
      const requests = await dynamodb.requests(user, () => logoutByIndex(user));
      assert.deepEqual(requests.sort(), [...Array(deletes).fill('DeleteItem'), ...Array(queries).fill('Query')]);
    });
  }

  test('a Query returns only keys and expiry, however large the items are', async () => {
    const user = newUser();
    await putItems(byKey, newSessions(user, 5, { payload: 390_000 }));
    const answers: number[] = [];
    dynamodb.inject('Query', user, async ({ forward, relay }) => {
      const answer = await forward();
      answers.push((await answer.clone().text()).length);
      await relay(answer);
    });
    assert.equal((await logout(user)).json.result, true);
    assert.ok(answers.length > 1 && Math.max(...answers) < 1000, `answers of ${answers} bytes`);
    assert.equal(await sessionsLeft(byKey, user), 0);
  });

  test('only the table’s key is read from an index: AWS refuses attributes that it does not project', async () => {
    const sent = await dynamodb.capture(() => logoutByIndex(newUser()));
    const { ProjectionExpression, ExpressionAttributeNames } = JSON.parse(sent[0]?.body ?? '');
    assert.deepEqual([sent.length, ExpressionAttributeNames[ProjectionExpression]], [1, 'id']);
  });
});

/** Holds requests until this many have arrived, and a little longer, in case one too many comes. Then all pass. */
function gate(size: number): { fault: Fault; held: () => number } {
  const full = Promise.withResolvers<void>();
  const open = full.promise.then(() => sleep(50));
  let held = 0;
  let count = () => {
    if (++held === size) full.resolve();
  };
  void open.then(() => {
    count = () => {};
  });
  const fault = async (exchange: Exchange) => {
    count();
    await open;
    await passOn(exchange);
  };
  return { fault, held: () => held };
}

test('a logout leaves no timer behind', async () => {
  const timers = () => process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length;
  const user = newUser();
  await putItems(byKey, newSessions(user, 30));
  const before = timers();
  assert.equal((await logout(user)).json.result, true);
  assert.ok(timers() <= before, 'a timer that outlives its request would fire in another');
});

describe('deletes', () => {
  const ways: [string, string, Logout, (user: string) => Promise<void>][] = [
    ['batches of deletes', 'BatchWriteItem', logout, (user) => putItems(byKey, newSessions(user, 700))],
    ['deletes by an index', 'DeleteItem', logoutByIndex, (user) => putItems(byIndex, indexedSessions(user, 50))],
  ];
  for (const [name, operation, end, fill] of ways) {
    test(`16 ${name} are in flight at first, and half as many after a throttle`, async () => {
      const [user, throttled] = [newUser(), newUser()];
      await Promise.all([fill(user), fill(throttled)]);
      const first = gate(16);
      dynamodb.inject(operation, user, first.fault);
      assert.equal((await end(user)).json.result, true);
      assert.equal(first.held(), 16);

      const second = gate(8);
      dynamodb.inject(operation, throttled, refuse(400, 'ProvisionedThroughputExceededException'), 16);
      dynamodb.inject(operation, throttled, second.fault);
      assert.equal((await end(throttled)).json.result, true);
      assert.equal(second.held(), 8);
    });
  }

  test('one more batch of deletes is in flight after every ten that succeed', async () => {
    const user = newUser();
    await putItems(byKey, newSessions(user, 1200));
    const later = gate(18);
    dynamodb.inject('BatchWriteItem', user, passOn, 25);
    dynamodb.inject('BatchWriteItem', user, later.fault);
    assert.equal((await logout(user)).json.result, true);
    assert.equal(later.held(), 18);
  });

  test('the deletes of one page run while the next page is queried', async () => {
    const user = newUser();
    await putItems(byKey, newSessions(user, 700, { payload: 2000 }));
    const secondPage = Promise.withResolvers<void>();
    dynamodb.inject('Query', user, passOn, 1);
    dynamodb.inject('Query', user, async (exchange) => {
      await passOn(exchange);
      secondPage.resolve();
    });
    dynamodb.inject('BatchWriteItem', user, async (exchange) => {
      await secondPage.promise;
      await passOn(exchange);
    });
    assert.equal((await logout(user)).json.result, true);
    assert.equal(await sessionsLeft(byKey, user), 0);
  });

  test('nothing is left running after the answer when a delete fails', async () => {
    const user = newUser();
    await putItems(byKey, newSessions(user, 700, { payload: 2000 }));
    let ahead: ServerResponse | undefined;
    dynamodb.inject('Query', user, passOn, 1);
    dynamodb.inject('Query', user, ({ response }) => {
      ahead = response;
    });
    dynamodb.inject('BatchWriteItem', user, refuse(400, 'AccessDeniedException'), 1);
    dynamodb.inject('BatchWriteItem', user, refuse(400, 'ThrottlingException'));
    assertFault(await logout(user), 500);
    assert.deepEqual(await dynamodb.requests(user, () => sleep(100)), []);
    assert.equal(ahead?.closed, true, 'the Query for the next page is aborted');
    dynamodb.clearFaults(user);
    await logout(user);
  });
});

describe('counts', () => {
  test('the audit record of a 503 counts what was deleted before the deadline', async () => {
    const user = newUser();
    await putItems(byKey, [...newSessions(user, 20), ...newSessions(user, 5, { expiresIn: -1 })]);
    dynamodb.inject('BatchWriteItem', user, handBack(10), 1);
    dynamodb.inject('BatchWriteItem', user, handBack());
    const answer = await logout(user, { remainingMs: 3500 });
    assertFault(answer, 503);
    const [ended, expired] = [Number(answer.audit.sessions_ended), Number(answer.audit.sessions_expired)];
    assert.equal(ended + expired, 15);
    assert.equal(answer.audit.sessions_left, 1);
    await sleep(100); // the request that the deadline cut off may still be on its way
    dynamodb.clearFaults(user);
    const { audit: rest } = await logout(user);
    assert.deepEqual([rest.sessions_ended, rest.sessions_expired], [20 - ended, 5 - expired]);
  });

  test('the audit record counts requests that were throttled, handed back or retried', async () => {
    const user = newUser();
    await putItems(byKey, newSessions(user, 25));
    dynamodb.inject('Query', user, refuse(400, 'ThrottlingException'), 1);
    dynamodb.inject('BatchWriteItem', user, handBack(5), 1);
    dynamodb.inject('BatchWriteItem', user, reset, 1);
    const { audit } = await logout(user);
    assert.deepEqual([audit.throttles, audit.retries, audit.sessions_ended], [2, 3, 25]);
  });

  for (const [outcome, seconds, result] of [
    ['sessions_ended', 3600, true],
    ['sessions_expired', -1, false],
  ] as const) {
    test(`the audit record counts an item once in ${outcome} when the answer to its delete was lost`, async () => {
      const user = newUser();
      await putItems(byIndex, indexedSessions(user, 3, inSeconds(seconds)));
      dynamodb.inject('DeleteItem', user, seconds < 0 ? passOn : loseAnswer, 3);
      dynamodb.inject('DeleteItem', user, seconds < 0 ? loseAnswer : passOn, 3);
      const { json, audit } = await logoutByIndex(user);
      assert.deepEqual([json.result, audit[outcome]], [result, 3]);
      assert.deepEqual(await allItems(byIndex), []);
    });
  }

  for (const [name, expires] of Object.entries({
    'a word': { S: 'soon' },
    blank: { S: ' ' },
    'empty text': { S: '' },
    'a date': { S: '2020-01-01' },
    true: { BOOL: true },
    null: { NULL: true },
    missing: undefined,
  } as const)) {
    test(`a session counts as live when its expiry is ${name}`, async () => {
      const user = newUser();
      const [expiry, indexed]: Item[] = expires ? [{ expires_at: expires }, { expires }] : [{}, {}];
      await putItems(
        byKey,
        newSessions(user, 1).map(({ expires_at: _, ...keys }) => ({ ...keys, ...expiry })),
      );
      await putItems(byIndex, indexedSessions(user, 1, indexed));
      assert.equal((await logout(user)).json.result, true);
      assert.equal((await logoutByIndex(user)).json.result, true);
    });
  }

  for (const [what, seconds, result] of [
    ['live', 3600, true],
    ['expired', -1, false],
  ] as const) {
    test(`a session counts as ${what} by an expiry that is a number stored as text`, async () => {
      const user = newUser();
      const { expires = assert.fail() } = inSecondsAsText(seconds);
      await putItems(
        byKey,
        newSessions(user, 1).map((session) => ({ ...session, expires_at: expires })),
      );
      await putItems(byIndex, indexedSessions(user, 1, { expires }));
      assert.equal((await logout(user)).json.result, result);
      assert.equal((await logoutByIndex(user)).json.result, result);
    });
  }
});
