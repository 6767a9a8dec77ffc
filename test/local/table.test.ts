// `npm run table` on tables of every kind: it says whose they are, and what is missing.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { type AttributeDefinition, CreateTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { LIBRARY_LAYOUTS, readAnyLayout } from '../../lib/deploy/library_layouts.ts';
import { LIBRARIES, type Library, recognise } from '../../lib/operator/libraries.ts';
import { layouts } from '../layouts/guide.ts';
import { LIBRARIES as KNOWN_LIBRARIES } from '../layouts/libraries.ts';
import { AWS_JSON, type Fault, startProxy } from '../setup/proxy.ts';
import { startAws } from '../setup/route.ts';
import { createTable, type Item, putItems } from '../setup/tables.ts';
import { run } from './command.ts';
import { assertNoValue, tableCommand, tableReport } from './table_report.ts';

const { AWS_ENDPOINT_URL_DYNAMODB: dynamodb = '' } = await startAws();
const LIVE = new Date(Date.now() + 3_600_000);
const EXPIRED = new Date(Date.now() - 60_000);
const USER = 'canary-of-a-user-id';
const newTable = () => createTable('default', {});
const proxy = await startProxy(dynamodb);
const command = (...words: string[]) => run(['lib/operator/table.ts', ...words]);

/** Changes what DescribeTable or DescribeTimeToLive answers: states that the local engine does not have. */
const altered =
  (change: (answer: string) => string): Fault =>
  async ({ forward, response }) =>
    void response.writeHead(200, AWS_JSON).end(change(await (await forward()).text()));

/** A table with this key and these indexes, all of text but for the types given. */
async function tableWith(
  key: string[],
  indexes: Record<string, string[]> = {},
  types: Record<string, 'N'> = {},
): Promise<string> {
  const TableName = `table-${randomUUID()}`;
  const schema = (names: string[]) =>
    names.map((AttributeName, n) => ({ AttributeName, KeyType: n === 0 ? 'HASH' : 'RANGE' }) as const);
  const names = [...new Set([key, ...Object.values(indexes)].flat())];
  await new DynamoDBClient().send(
    new CreateTableCommand({
      TableName,
      BillingMode: 'PAY_PER_REQUEST',
      KeySchema: schema(key),
      AttributeDefinitions: names.map(
        (name): AttributeDefinition => ({ AttributeName: name, AttributeType: types[name] ?? 'S' }),
      ),
      ...(Object.keys(indexes).length > 0 && {
        GlobalSecondaryIndexes: Object.entries(indexes).map(([IndexName, names]) => ({
          IndexName,
          KeySchema: schema(names),
          Projection: { ProjectionType: 'KEYS_ONLY' },
        })),
      }),
    }),
  );
  return TableName;
}

const connectSession = (more: Item = {}, expiresAt = LIVE): Item => ({
  id: { S: `sess:${randomUUID()}` },
  type: { S: 'connect-session' },
  sess: { S: '{"cookie":{"path":"/canary"}}' },
  expires: { N: String(Math.floor(expiresAt.getTime() / 1000)) },
  ...more,
});

describe('npm run table', () => {
  for (const [layoutName, { index, session, others }] of Object.entries(KNOWN_LIBRARIES)) {
    test(`knows the layout ${layoutName} by its items, and counts the sessions of a user`, async () => {
      const table = await createTable(layoutName, index ? { indexes: [index] } : {});
      await putItems(table, [
        session(USER, LIVE),
        session(USER, LIVE),
        session(USER, EXPIRED),
        session('canary-2', LIVE),
      ]);
      await putItems(table, others(USER));
      const { fits, layout, params, sessions } = await tableReport(table, '--user', USER);
      assert.deepEqual([fits, layout, params.layout], [true, layoutName, layoutName]);
      assert.deepEqual(sessions, { live: 2, expired: 1 });
      assert.match(USER, new RegExp(`^(${params.userIdPattern})$`));
    });
  }

  test('says that there is no such table, and where it has looked', async () => {
    const { fits, library, layout, missing } = await tableReport('no-such-table');
    assert.deepEqual([fits, library, layout], [false, null, null]);
    assert.match(
      missing[0]?.what ?? '',
      /there is no no-such-table at http.*access key local and the region us-east-1/,
    );
    const env = { AWS_ACCESS_KEY_ID: 'fakeKey', AWS_SECRET_ACCESS_KEY: 'fake', AWS_REGION: 'eu-west-9' };
    const { code, stdout } = await run(['lib/operator/table.ts', 'no-such-table', '--dynamodb', dynamodb], env);
    assert.equal(code, 1);
    assert.match(stdout, /access key fakeKey and the region eu-west-9/);
  });

  test('asks for a login where the table is empty and several libraries have such keys', async () => {
    const { fits, library, layout, missing } = await tableReport(await tableWith(['id']));
    assert.deepEqual([fits, library, layout], [false, null, null]);
    assert.match(missing[0]?.what ?? '', /the table is empty, so log in once and look again/);
  });

  test('holds an empty table against a layout, and says that there is nothing in it to look at', async () => {
    const table = await createTable('connect-dynamodb');
    const { fits, layout, missing } = await tableReport(table, '--layout', 'connect-dynamodb');
    assert.deepEqual([fits, layout], [true, 'connect-dynamodb']);
    assert.match(missing[0]?.what ?? '', /the table is empty/);
  });

  test('knows an empty table whose keys or index only one library has', async () => {
    for (const [table, name] of [
      [await newTable(), 'default'],
      [await createTable('authjs'), 'authjs'],
      [await createTable('architect'), 'architect'],
      [await createTable(readAnyLayout('shopify')), 'shopify'],
    ])
      assert.equal((await tableReport(String(table))).layout, name);
  });

  test('gives a command for the index, with the name and the type that the items have', async () => {
    const table = await tableWith(['id']);
    await putItems(table, [connectSession({ user_id: { N: '7' } }), connectSession({ user_id: { N: '12' } })]);
    const { fits, library, layout, missing, params } = await tableReport(table);
    assert.deepEqual([fits, library], [false, 'express-session (connect-dynamodb)']);
    const userKey = { name: 'user_id', type: 'N', value: '{user_id}' };
    assert.deepEqual(layout, { ...readAnyLayout('connect-dynamodb'), index: 'user_id-index', userKey });
    assert.deepEqual(JSON.parse(String(params.layout)), layout);
    const [definitions, updates] =
      missing[0]?.command?.match(/'[^']+'/g)?.map((json) => JSON.parse(json.slice(1, -1))) ?? [];
    assert.deepEqual(definitions, [{ AttributeName: 'user_id', AttributeType: 'N' }]);
    assert.deepEqual(updates[0].Create, {
      IndexName: 'user_id-index',
      KeySchema: [{ AttributeName: 'user_id', KeyType: 'HASH' }],
      Projection: { ProjectionType: 'KEYS_ONLY' },
    });
  });

  test('takes an index of another name, with its sort key, as it is', async () => {
    const table = await tableWith(['id'], { byUser: ['userId', 'expires'] }, { expires: 'N' });
    await putItems(table, [connectSession({ userId: { S: USER } }), connectSession({ userId: { S: USER } }, EXPIRED)]);
    const { fits, layout, sessions } = await tableReport(table, '--user', USER);
    const sortKey = { name: 'expires', beginsWith: '' };
    assert.deepEqual([fits, sessions], [true, { live: 1, expired: 1 }]);
    assert.deepEqual(layout, { ...readAnyLayout('connect-dynamodb'), index: 'byUser', sortKey });
  });

  test('says on how many of the sessions seen the user’s attribute is', async () => {
    const table = await createTable('connect-dynamodb');
    await putItems(table, [connectSession({ userId: { S: USER } }), connectSession(), connectSession()]);
    const { fits, missing } = await tableReport(table);
    assert.equal(fits, true);
    assert.match(missing[0]?.what ?? '', /userId is on 1 of the 3 sessions seen/);
  });

  test('says whose the items are that the layout does not fit', async () => {
    const table = await createTable('connect-dynamodb');
    const shop = {
      id: { S: randomUUID() },
      shop: { S: 'canary.myshopify.com' },
      state: { S: '1' },
      isOnline: { BOOL: true },
    };
    await putItems(table, [shop]);
    const { fits, library, missing } = await tableReport(table, '--layout', 'connect-dynamodb');
    assert.equal(fits, false);
    assert.match(library ?? '', /^Shopify/);
    assert.match(
      missing.at(-1)?.what ?? '',
      /^another layout: 1 of the 1 items seen are those of Shopify .*layout shopify/,
    );
  });

  test('names a second library whose sessions are in the same table', async () => {
    const table = await createTable('connect-dynamodb');
    const php = { id: { S: `PHPSESSID_${randomUUID()}` }, data: { S: 'canary canary' }, userId: { S: USER } };
    await putItems(table, [connectSession({ userId: { S: USER } }), connectSession({ userId: { S: USER } })]);
    await putItems(table, [{ ...php, expires: { N: String(Math.floor(LIVE.getTime() / 1000)) } }]);
    const { fits, layout, missing } = await tableReport(table);
    assert.deepEqual([fits, layout], [true, 'connect-dynamodb']);
    assert.match(missing.at(-1)?.what ?? '', /^a further store: 1 of the 3 items seen .*layout symfony.*moreStores/);
  });

  test('names both keys where those of the table are not the layout’s', async () => {
    const { fits, missing } = await tableReport(await newTable(), '--layout', 'authjs');
    assert.equal(fits, false);
    assert.match(missing[0]?.what ?? '', /the table's are user_id and session_id, the layout's pk and sk/);
  });

  test('suggests a layout for a table of no known library, and says that it fits only when it is given one', async () => {
    const table = await tableWith(['sid'], { 'by-account': ['accountId'] });
    const expiresAt = { N: String(LIVE.getTime()) };
    await putItems(table, [
      { sid: { S: randomUUID() }, accountId: { S: USER }, userAgent: { S: 'a canary' }, expiresAt },
    ]);
    const { fits, library, layout, missing } = await tableReport(table);
    assert.deepEqual([fits, library], [false, null]);
    assert.deepEqual(layout, {
      tableKey: ['sid'],
      index: 'by-account',
      userKey: { name: 'accountId', type: 'S', value: '{user_id}' },
      expiry: { name: 'expiresAt', unit: 'milliseconds' },
    });
    assert.match(missing[0]?.what ?? '', /if every item that names a user is a session, .* --layout/);
    const held = await tableReport(table, '--layout', JSON.stringify(layout), '--user', USER);
    assert.deepEqual([held.fits, held.sessions], [true, { live: 1, expired: 0 }]);
  });

  test('says that no attribute names a user where that is so', async () => {
    const table = await tableWith(['key_of_its_own']);
    await putItems(table, [{ key_of_its_own: { S: randomUUID() }, blob: { S: 'canary canary' } }]);
    const { fits, library, layout, missing } = await tableReport(table);
    assert.deepEqual([fits, library, layout], [false, null, null]);
    assert.match(missing[0]?.what ?? '', /no attribute of the items seen names one/);
  });

  test('says in words what to copy and what to run, and whether a logout finds the sessions', async () => {
    const table = await createTable('connect-dynamodb', { indexes: [] });
    await putItems(table, [connectSession({ userId: { S: USER } })]);
    const { code, stdout } = await run(tableCommand(table));
    assert.equal(code, 1);
    for (const line of [
      `${table}: sessions of express-session (connect-dynamodb)`,
      'In serverless.yml, under params:',
      `    table: ${table}`,
      '    layout: connect-dynamodb',
      '  - the index userId-index with the key userId',
      'A logout would not find these sessions.',
    ])
      assert.ok(stdout.split('\n').includes(line), `${line}\n${stdout}`);
    assert.match(stdout, /^ {4}userIdPattern: '\[A-Za-z0-9_\\-\]\{1,64\}'$/m);
    assert.match(stdout, /^ {4}aws dynamodb update-table /m);
    await assertNoValue(table, stdout);
  });

  test('waits for an index that is still being filled', async () => {
    const table = await createTable('connect-dynamodb');
    await putItems(table, [connectSession({ userId: { S: USER } })]);
    for (const state of ['"IndexStatus":"CREATING"', '"IndexStatus":"UPDATING","Backfilling":true']) {
      proxy.inject(
        'DescribeTable',
        table,
        altered((answer) => answer.replace('"IndexStatus":"ACTIVE"', state)),
      );
      const { fits, missing } = await tableReport(table, '--dynamodb', proxy.url);
      proxy.clearFaults(table);
      assert.equal(fits, false);
      assert.match(missing[0]?.what ?? '', /the index userId-index: it is still being filled/);
      assert.match(missing[0]?.command ?? '', /^aws dynamodb describe-table .* --query /);
    }
  });

  test('gives an index of a table with provisioned throughput what the table has', async () => {
    const table = await createTable('connect-dynamodb', { indexes: [] });
    await putItems(table, [connectSession({ userId: { S: USER } })]);
    const provisioned = '"ProvisionedThroughput":{"ReadCapacityUnits":7,"WriteCapacityUnits":3}';
    const change = (answer: string) =>
      answer.replace('"PAY_PER_REQUEST"', '"PROVISIONED"').replace(/"ProvisionedThroughput":\{[^}]*\}/, provisioned);
    proxy.inject('DescribeTable', table, altered(change));
    const { missing } = await tableReport(table, '--dynamodb', proxy.url);
    assert.ok(missing[0]?.command?.includes(provisioned), missing[0]?.command ?? '');
  });

  test('gives the command for time to live where it is off, and for none where it is on or not to be seen', async () => {
    const table = await createTable('connect-dynamodb');
    await putItems(table, [connectSession({ userId: { S: USER } })]);
    const { fits, missing } = await tableReport(table);
    assert.equal(fits, true);
    assert.match(missing[0]?.what ?? '', /^time to live on expires/);
    assert.ok(
      missing[0]?.command?.endsWith(`--time-to-live-specification '{"Enabled":true,"AttributeName":"expires"}'`),
    );

    const enabled = '{"TimeToLiveDescription":{"TimeToLiveStatus":"ENABLED","AttributeName":"expires"}}';
    const refused: Fault = ({ response }) =>
      void response.writeHead(400, AWS_JSON).end('{"__type":"AccessDeniedException"}');
    for (const fault of [altered(() => enabled), refused]) {
      proxy.inject('DescribeTimeToLive', table, fault);
      const other = await tableReport(table, '--dynamodb', proxy.url);
      proxy.clearFaults(table);
      assert.deepEqual([other.fits, other.missing], [true, []]);
    }
  });

  test('reads no more than 1000 items', async () => {
    const table = await createTable('connect-dynamodb');
    await putItems(
      table,
      Array.from({ length: 1100 }, () => connectSession()),
    );
    const { missing } = await tableReport(table);
    assert.match(missing[0]?.what ?? '', /userId is on none of the 1000 sessions seen/);
  });

  test('reads no more than 4 MB', async () => {
    const table = await createTable('connect-dynamodb');
    const large = { sess: { S: 'x'.repeat(390_000) } };
    await putItems(
      table,
      Array.from({ length: 20 }, () => connectSession(large)),
    );
    const { missing } = await tableReport(table);
    const [, seen] = missing[0]?.what.match(/userId is on none of the (\d+) sessions seen/) ?? [];
    assert.ok(Number(seen) > 4 && Number(seen) <= 12, `${seen} were seen`);
  });

  test('counts sessions by the items themselves where the index shows keys only, and pages through them', async () => {
    const table = await createTable('connect-dynamodb');
    const [live, old] = [230, 20].map((length, n) =>
      Array.from({ length }, () => connectSession({ userId: { S: USER } }, n === 0 ? LIVE : EXPIRED)),
    );
    await putItems(table, [...(live ?? []), ...(old ?? [])]);
    assert.deepEqual((await tableReport(table, '--user', USER)).sessions, { live: 230, expired: 20 });
    assert.deepEqual((await tableReport(table, '--user', 'nobody')).sessions, { live: 0, expired: 0 });
  });

  test('explains itself with --help, and exits with 2 after wrong usage', async () => {
    assert.equal((await command('--help')).code, 0);
    for (const words of [
      [],
      ['a'],
      ['ab/cd'],
      ['sessions', '--layout', 'none'],
      ['sessions', '--dynamodb', 'x'],
      ['a', 'b'],
    ])
      assert.equal((await command(...words)).code, 2, words.join(' '));
  });

  test('names the address that does not answer', async () => {
    const { code, stdout, stderr } = await command('sessions', '--json', '--dynamodb', 'http://127.0.0.1:9');
    assert.deepEqual([code, stdout], [1, '']);
    assert.match(stderr, /^The table sessions cannot be looked at at http:\/\/127\.0\.0\.1:9: .*ECONNREFUSED.*\n$/);
  });
});

test('every layout that the guide gives has a name, by which it can be read', () => {
  const known = Object.entries(LIBRARY_LAYOUTS);
  for (const [heading, given] of layouts)
    assert.ok(
      known.some(([, layout]) => isDeepStrictEqual(layout, readAnyLayout(given))),
      heading,
    );
  for (const [name, layout] of known) assert.deepEqual(readAnyLayout(name), readAnyLayout(JSON.stringify(layout)));
});

/** An item with all that tells this library's sessions from others. */
function itemOf({ layout, marks }: Library): Item {
  const { tableKey, userKey, sortKey, expiry, guard } = layout;
  const item: Item = Object.fromEntries(tableKey.map((name) => [name, { S: 'x' }]));
  for (const [name = '', type = 'S'] of marks.map((mark) => mark.split(':')))
    item[name] = type === 'M' ? { M: {} } : type === 'B' ? { B: new Uint8Array(1) } : { S: 'x' };
  if (sortKey) item[sortKey.name] = { S: `${sortKey.beginsWith}x` };
  if (guard) item[guard.name] = { S: String(guard.equals) };
  if (expiry?.unit === 'iso') item[expiry.name] = { S: LIVE.toISOString() };
  else if (expiry)
    item[expiry.name] = { N: String(expiry.unit === 'seconds' ? LIVE.getTime() / 1000 : LIVE.getTime()) };
  return { ...item, [userKey.name]: { S: userKey.value.replace(/\{.*\}/, '7') } };
}

for (const library of LIBRARIES) {
  test(`no other library hides the sessions of ${library.title} (layout ${library.layoutName})`, () => {
    const { index, tableKey, userKey } = library.layout;
    const table = {
      name: 'sessions',
      status: 'ACTIVE',
      key: tableKey,
      indexes: index === null ? [] : [{ name: index, key: [userKey.name], status: 'ACTIVE' }],
      types: new Map<string, string>(),
      throughput: undefined,
      timeToLive: null,
      items: [itemOf(library)],
    };
    assert.equal(recognise(table)?.layoutName, library.layoutName);
  });
}
