// What an index shows is not always true: it lags behind the table, and the table changes while the function works.
import assert from 'node:assert/strict';
import { after, before, describe, mock, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Layout } from '../../lib/sessions/layout.ts';
import { readLayout } from '../../lib/settings/layout.ts';
import { loseAnswer, passOn, refuse, truncate } from '../faults/faults.ts';
import type { AuditLine } from '../setup/lambda.ts';
import type { Fault } from '../setup/proxy.ts';
import { startLogout, startProxiedAws } from '../setup/route.ts';
import { allItems, createTable, type Item, keysIn, keysOf, putItems } from '../setup/tables.ts';
import { LIBRARIES } from './libraries.ts';

const { dynamodb } = await startProxiedAws();
const layout = readLayout('connect-dynamodb');
const { session } = LIBRARIES['connect-dynamodb'] ?? assert.fail();

/** Runs between the answer to the n-th Query and its arrival: the items that it returns are those that arrive. */
type OnQuery = (items: Item[], query: number) => Item[] | Promise<Item[]>;

const live = new Date(Date.now() + 3_600_000);
const sessions = (userId: string, count: number) => Array.from({ length: count }, () => session(userId, live));
const entry = ({ id }: Item): Item => (id ? { id } : {});

const countOf = (operations: string[]) => {
  const counts: Record<string, number> = {};
  for (const operation of operations) counts[operation] = (counts[operation] ?? 0) + 1;
  return counts;
};

/** Logs user 1 out while `onQuery` stands between the index and the function; returns its audit record. */
async function logout(
  table: string,
  onQuery: OnQuery,
  by: string | Layout = 'connect-dynamodb',
  environment: Record<string, string> = {},
): Promise<AuditLine> {
  let queries = 0;
  dynamodb.inject('Query', table, async ({ forward, relay }) => {
    const answer = await forward();
    const page: { Items: Item[] } = JSON.parse(await answer.text());
    await relay(Response.json({ ...page, Items: await onQuery(page.Items, ++queries) }));
  });
  return (await (await startLogout(table, by, environment))('1')).audit;
}

test('a session that another user takes over between query and delete is not deleted', async () => {
  const table = await createTable(layout);
  const [first = assert.fail(), ...others] = sessions('1', 30);
  const taken = { ...first, userId: { S: '2' } };
  await putItems(table, [first, ...others]);
  const { outcome, sessions_ended } = await logout(table, async (items, query) => {
    if (query === 1) await putItems(table, [taken]);
    return items;
  });
  assert.deepEqual([outcome, sessions_ended], ['logged_out', 29]);
  assert.deepEqual(await allItems(table), [taken]);
});

test('a delete that a transaction refused does not count when the transaction gave the session to another user', async () => {
  const table = await createTable(layout);
  const mine = session('1', live);
  const taken = { ...mine, userId: { S: '2' } };
  await putItems(table, [mine]);
  dynamodb.inject(
    'DeleteItem',
    table,
    async (exchange) => {
      await putItems(table, [taken]);
      await refuse(400, 'TransactionConflictException')(exchange);
    },
    1,
  );
  const { outcome, sessions_ended } = await logout(table, (items) => items);
  assert.deepEqual([outcome, sessions_ended], ['no_live_session', 0]);
  assert.deepEqual(await allItems(table), [taken]);
});

/** DynamoDB carries the request out, and answers with this status. */
const failAfterwards = (status: number): Fault => {
  return async (exchange) => {
    await exchange.forward();
    await refuse(status, 'InternalServerError')(exchange);
  };
};
const afterwards: Record<string, Fault> = {
  'the answer is a 408': failAfterwards(408),
  'the answer is a 500': failAfterwards(500),
  'the answer is a 503': failAfterwards(503),
  'the answer breaks off': truncate,
  'the answer is lost': loseAnswer,
};
for (const [what, fault] of Object.entries(afterwards)) {
  test(`a delete counts that was carried out although ${what}`, async () => {
    const table = await createTable(layout);
    await putItems(table, sessions('1', 1));
    dynamodb.inject('DeleteItem', table, fault, 1);
    const { outcome, sessions_ended } = await logout(table, (items) => items);
    assert.deepEqual([outcome, sessions_ended], ['logged_out', 1]);
  });
}

test('an item that is no longer a session by its sort key is not deleted, neither at once nor when settling', async () => {
  const byKind: Layout = {
    tableKey: ['id'],
    index: 'userId-index',
    userKey: { name: 'userId', type: 'S', value: '{user_id}' },
    sortKey: { name: 'kind', beginsWith: 'SESSION#' },
  };
  const table = await createTable(byKind);
  const itemsOf = (kind: string, ...ids: string[]) =>
    ids.map((id) => ({ id: { S: id }, userId: { S: '1' }, kind: { S: `${kind}#${id}` } }));
  await putItems(table, itemsOf('SESSION', 'a', 'b', 'c'));
  dynamodb.inject('DeleteItem', table, passOn, 3);
  dynamodb.inject('DeleteItem', table, async (exchange) => {
    await putItems(table, itemsOf('ACCOUNT', 'b')); // before settling looks by key
    await passOn(exchange);
  });
  const onQuery: OnQuery = async (items, query) => {
    if (query === 1) await putItems(table, itemsOf('ACCOUNT', 'a'));
    return items;
  };
  const { sessions_ended, sessions_written_back } = await logout(table, onQuery, byKind, { SETTLE_SECONDS: '0.1' });
  assert.deepEqual([sessions_ended, sessions_written_back], [2, 0]);
  assert.deepEqual(await keysIn(table, ['id']), keysOf(itemsOf('ACCOUNT', 'a', 'b'), ['id']));
});

test('a session that becomes anonymous between query and delete goes too: it may be in the middle of a save', async () => {
  const table = await createTable(layout);
  const first = session('1', live);
  const { userId: _, ...anonymous } = first;
  await putItems(table, [first]);
  const { outcome, sessions_ended } = await logout(table, async (items, query) => {
    if (query === 1) await putItems(table, [anonymous]);
    return items;
  });
  assert.deepEqual([outcome, sessions_ended], ['logged_out', 1]);
  assert.deepEqual(await allItems(table), []);
});

test('an expired session that is renewed between the two deletes that tell live from expired ends as a live one', async () => {
  const table = await createTable(layout);
  const expired = session('1', new Date(Date.now() - 1000));
  await putItems(table, [expired]);
  dynamodb.inject('DeleteItem', table, passOn, 1);
  dynamodb.inject(
    'DeleteItem',
    table,
    async (exchange) => {
      await putItems(table, [{ ...expired, expires: { N: String(live.getTime() / 1000) } }]);
      await passOn(exchange);
    },
    1,
  );
  const { outcome, sessions_ended, sessions_expired } = await logout(table, (items) => items);
  assert.deepEqual([outcome, sessions_ended, sessions_expired], ['logged_out', 1, 0]);
  assert.deepEqual(await allItems(table), []);
});

test('what an index shows and the table refuses is counted once, however often it is shown', async () => {
  const guarded: Layout = { ...layout, guard: { name: 'kind', equals: 'session' } };
  const table = await createTable(guarded);
  const [mine = assert.fail(), ...others] = sessions('1', 4);
  await putItems(table, [{ ...mine, kind: { S: 'session' } }, ...others]);
  const { outcome, passes, sessions_ended, items_left_alone } = await logout(table, (items) => items, guarded);
  assert.deepEqual([outcome, passes, sessions_ended, items_left_alone], ['logged_out', 2, 1, 3]);
  assert.deepEqual(await keysIn(table, ['id']), keysOf(others, ['id']));
});

test('an item that is no session by the guard stays, although the answer to its delete was lost', async () => {
  const guarded: Layout = { ...layout, guard: { name: 'kind', equals: 'session' } };
  const table = await createTable(guarded);
  const [mine = assert.fail(), profile = assert.fail()] = sessions('1', 2);
  await putItems(table, [{ ...mine, kind: { S: 'session' } }, profile]);
  const isProfile = String(profile.id?.S);
  dynamodb.inject('DeleteItem', isProfile, loseAnswer, 1);
  await logout(table, (items) => items, guarded, { SETTLE_SECONDS: '0.1' });
  assert.deepEqual(await keysIn(table, ['id']), keysOf([profile], ['id']));
});

test('what the table refuses is not asked for again, however often the index shows it', async () => {
  const guarded: Layout = { ...layout, guard: { name: 'kind', equals: 'session' } };
  const table = await createTable(guarded);
  await putItems(table, sessions('1', 2));
  const requests = await dynamodb.requests(table, () => logout(table, (items) => items, guarded));
  assert.deepEqual(countOf(requests), { Query: 2, DeleteItem: 6 }); // live, expired, without expiry
});

test('what a later page of the same pass shows again is not deleted again', async () => {
  const table = await createTable(layout, { projection: 'ALL' });
  const [first = assert.fail(), ...others] = sessions('1', 20).map((item) => ({
    ...item,
    data: { S: 'x'.repeat(60_000) },
  }));
  await putItems(table, [first, ...others]);
  const shown: Item[] = [];
  const again: OnQuery = async (items, query) => {
    shown.push(...items);
    if (query === 2) while ((await allItems(table)).length > 20 - shown.length + items.length) await sleep(10);
    return query === 2 ? [...items, ...shown] : items;
  };
  const requests = await dynamodb.requests(table, () => logout(table, again));
  assert.equal(countOf(requests).DeleteItem, 20);
});

test('an expired session counts as expired although the answer to its first delete, which was refused, was lost', async () => {
  const table = await createTable(layout);
  await putItems(table, [session('1', new Date(Date.now() - 1000))]);
  dynamodb.inject('DeleteItem', table, loseAnswer, 1);
  const { outcome, sessions_expired, sessions_written_back } = await logout(table, (items) => items);
  assert.deepEqual([outcome, sessions_expired, sessions_written_back], ['no_live_session', 1, 0]);
  assert.deepEqual(await allItems(table), []);
});

test('a live session counts as live although the answers to two of its deletes were lost', async () => {
  const table = await createTable(layout);
  await putItems(table, sessions('1', 1));
  const lost = new Set<string>();
  /** Loses the first answer for each of the first two conditions: live, expired. */
  const loseTwo: Fault = (exchange) => {
    const { ConditionExpression } = JSON.parse(exchange.body);
    if (lost.size === 2 || lost.has(ConditionExpression)) return passOn(exchange);
    lost.add(ConditionExpression);
    return loseAnswer(exchange);
  };
  dynamodb.inject('DeleteItem', table, loseTwo);
  const { outcome, sessions_ended, sessions_expired } = await logout(table, (items) => items);
  assert.deepEqual([outcome, sessions_ended, sessions_expired], ['logged_out', 1, 0]);
});

test('a guard that fits no item is a false that says how many items were left alone', async () => {
  const guarded: Layout = { ...layout, guard: { name: 'kind', equals: 'session' } };
  const table = await createTable(guarded);
  await putItems(table, sessions('1', 3));
  const { outcome, items_left_alone } = await logout(table, (items) => items, guarded);
  assert.deepEqual([outcome, items_left_alone], ['no_live_session', 3]);
  assert.equal((await allItems(table)).length, 3);
});

test('settling ends a session too that was another user’s at its delete', async () => {
  const table = await createTable(layout);
  const mine = session('1', live);
  await putItems(table, [mine]);
  dynamodb.inject('DeleteItem', table, passOn, 2); // refused: live, expired
  dynamodb.inject(
    'DeleteItem',
    table,
    async ({ forward, relay }) => {
      const refusal = await forward(); // also without expiry: this is another user's
      await putItems(table, [mine]);
      await relay(refusal);
    },
    1,
  );
  const takeOver: OnQuery = async (items, query) => {
    if (query === 1) await putItems(table, [{ ...mine, userId: { S: '2' } }]);
    return query === 1 ? items : [];
  };
  const line = await logout(table, takeOver, 'connect-dynamodb', { SETTLE_SECONDS: '0.1' });
  const { outcome, sessions_ended, sessions_written_back, items_left_alone } = line;
  assert.deepEqual([outcome, sessions_ended, sessions_written_back, items_left_alone], ['logged_out', 1, 1, 0]);
  assert.deepEqual(await allItems(table), []);
});

test('a session that settling may have ended, since the answer was lost, is not counted as written back', async () => {
  const table = await createTable(layout);
  const mine = session('1', live);
  await putItems(table, [{ ...mine, userId: { S: '2' } }]);
  let deletes = 0;
  dynamodb.inject('DeleteItem', table, async (exchange) => {
    deletes++;
    if (deletes === 4) await putItems(table, [mine]); // refused thrice as another user's, it is this user's when settling
    return deletes === 4 ? loseAnswer(exchange) : passOn(exchange);
  });
  const once: OnQuery = (_, query) => (query === 1 ? [entry(mine)] : []);
  const { outcome, sessions_ended, sessions_written_back } = await logout(table, once, 'connect-dynamodb', {
    SETTLE_SECONDS: '0.1',
  });
  assert.deepEqual([outcome, sessions_ended, sessions_written_back], ['logged_out', 1, 0]);
  assert.deepEqual(await allItems(table), []);
});

test('stale index entries, for a deleted session or one that is now another user’s, do no harm', async () => {
  const table = await createTable(layout);
  const [deleted, taken] = [session('1', live), session('2', live)];
  await putItems(table, [taken]);
  const { outcome, sessions_expired } = await logout(table, () => [deleted, taken].map(entry));
  assert.deepEqual([outcome, sessions_expired], ['no_live_session', 0]);
  assert.deepEqual(await allItems(table), [taken]);
});

test('a logout at rest takes two Queries, one delete for each live session and two for each expired one', async () => {
  const table = await createTable(layout);
  await putItems(table, [...sessions('1', 3), session('1', new Date(Date.now() - 1000))]);
  const requests = await dynamodb.requests(table, () => logout(table, (items) => items));
  assert.deepEqual(countOf(requests), {
    Query: 2,
    DeleteItem: 5,
  });
});

test('a logout ends even if the index still shows what was deleted, and deletes each such key once more', async () => {
  const table = await createTable(layout);
  const mine = sessions('1', 3);
  await putItems(table, mine);
  let line: AuditLine = {};
  const requests = await dynamodb.requests(table, async () => {
    line = await logout(table, () => mine.map(entry));
  });
  assert.deepEqual([line.outcome, line.passes, line.sessions_ended], ['logged_out', 2, 3]);
  assert.deepEqual([line.sessions_written_back, line.items_left_alone], [0, 0]);
  assert.deepEqual(countOf(requests), { Query: 2, DeleteItem: 6 });
});

/** Has an application write the session back after each of its deletes, as one that saves without a condition does. */
function writeBack(table: string, item: Item, times = Number.POSITIVE_INFINITY): void {
  dynamodb.inject(
    'DeleteItem',
    table,
    async ({ forward, relay }) => {
      const answer = await forward();
      await putItems(table, [item]);
      await relay(answer);
    },
    times,
  );
}

describe('an application that writes back what was deleted', () => {
  before(() => mock.timers.enable({ apis: ['Date'], now: Date.now() }));
  after(() => mock.timers.reset());
  /** Each Query takes a second of the three that an index may lag behind. */
  const slowly: OnQuery = (items) => {
    mock.timers.tick(1000);
    return items;
  };

  test('a logout ends a session that was written back, and says so', async () => {
    const table = await createTable(layout);
    const mine = session('1', live);
    await putItems(table, [mine]);
    writeBack(table, mine, 1);
    const { outcome, passes, sessions_ended, sessions_written_back } = await logout(table, slowly);
    assert.deepEqual([outcome, passes, sessions_ended, sessions_written_back], ['logged_out', 3, 1, 1]);
    assert.deepEqual(await allItems(table), []);
  });

  test('a logout answers 503 while a session still comes back when an index has had its time', async () => {
    const table = await createTable(layout);
    const mine = session('1', live);
    await putItems(table, [mine]);
    writeBack(table, mine);
    const line = await logout(table, slowly);
    assert.deepEqual([line.outcome, line.reason, line.level], ['unavailable', 'written_back', 'ERROR']);
    assert.deepEqual([line.sessions_ended, line.sessions_left], [1, 1]);
    assert.deepEqual(await allItems(table), [mine]);
  });

  test('a logout that settles is 200 if the last round finds nothing, although a session came back until then', async () => {
    const table = await createTable(layout);
    const mine = session('1', live);
    await putItems(table, [mine]);
    writeBack(table, mine, 4);
    const line = await logout(table, slowly, 'connect-dynamodb', { SETTLE_SECONDS: '0.1' });
    assert.deepEqual([line.outcome, line.sessions_ended, line.sessions_written_back], ['logged_out', 1, 4]);
    assert.deepEqual(await allItems(table), []);
  });

  test('a logout that settles is 503 if the last round, too, finds a session that came back until then', async () => {
    const table = await createTable(layout);
    const mine = session('1', live);
    await putItems(table, [mine]);
    writeBack(table, mine);
    const line = await logout(table, slowly, 'connect-dynamodb', { SETTLE_SECONDS: '0.1' });
    assert.deepEqual([line.outcome, line.reason], ['unavailable', 'written_back']);
  });
});

test('a logout looks again until the index shows nothing new, and so finds what it shows late', async () => {
  const table = await createTable(layout);
  const mine = sessions('1', 4);
  await putItems(table, mine);
  const { passes, sessions_ended } = await logout(table, (_, query) => mine.slice(0, query).map(entry));
  assert.deepEqual([passes, sessions_ended], [5, 4]);
  assert.deepEqual(await allItems(table), []);
});

test('a logout deletes across the pages of an index that projects whole items', async () => {
  const table = await createTable(layout, { projection: 'ALL' });
  const others = sessions('2', 2);
  await putItems(table, others);
  await putItems(
    table,
    sessions('1', 20).map((item) => ({ ...item, data: { S: 'x'.repeat(60_000) } })),
  );
  let pages = 0;
  const { passes } = await logout(table, (items) => {
    pages++;
    return items;
  });
  assert.ok(pages > Number(passes), `${pages} pages in ${passes} passes`);
  assert.deepEqual(await keysIn(table, layout.tableKey), keysOf(others, layout.tableKey));
});
