// What an index shows is not always true: it lags behind the table, and the table changes while the function works.
import assert from 'node:assert/strict';
import { test } from 'node:test';
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

test('a session that becomes anonymous between query and delete is not deleted', async () => {
  const table = await createTable(layout);
  const first = session('1', live);
  const { userId: _, ...anonymous } = first;
  await putItems(table, [first]);
  await logout(table, async (items, query) => {
    if (query === 1) await putItems(table, [anonymous]);
    return items;
  });
  assert.deepEqual(await allItems(table), [anonymous]);
});

test('stale index entries, for a deleted session or one that is now another user’s, do no harm', async () => {
  const table = await createTable(layout);
  const [deleted, taken] = [session('1', live), session('2', live)];
  await putItems(table, [taken]);
  const { outcome, sessions_expired } = await logout(table, () => [deleted, taken].map(entry));
  assert.deepEqual([outcome, sessions_expired], ['no_live_session', 0]);
  assert.deepEqual(await allItems(table), [taken]);
});

test('a logout ends even if the index keeps showing what was deleted', async () => {
  const table = await createTable(layout);
  const mine = sessions('1', 3);
  await putItems(table, mine);
  const { outcome, passes, sessions_ended } = await logout(table, () => mine.map(entry));
  assert.deepEqual([outcome, passes, sessions_ended], ['logged_out', 2, 3]);
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
