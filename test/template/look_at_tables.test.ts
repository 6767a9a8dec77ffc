// What `serverless deploy` says of the tables before it changes anything: real tables in the local DynamoDB.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DynamoDBClient, type TableDescription } from '@aws-sdk/client-dynamodb';
import { lookAtTables } from '../../lib/deploy/look_at_tables.ts';
import { KNOWN_LAYOUTS } from '../../lib/sessions/known_layouts.ts';
import type { Layout } from '../../lib/sessions/layout.ts';
import { readLayout } from '../../lib/settings/layout.ts';
import { refuse } from '../faults/faults.ts';
import { serverless } from '../setup/package.ts';
import { AWS_JSON, type Fault } from '../setup/proxy.ts';
import { startProxiedAws } from '../setup/route.ts';
import { createTable } from '../setup/tables.ts';

const { dynamodb, endpoints } = await startProxiedAws();
const client = new DynamoDBClient();
const BY_INDEX = KNOWN_LAYOUTS['connect-dynamodb'] ?? assert.fail();
const AUTHJS = KNOWN_LAYOUTS.authjs ?? assert.fail();
const WITHOUT = 'no-such-table';

const look = (layout: Layout, ...tables: string[]) =>
  lookAtTables(
    client,
    tables.map((table) => ({ table, layout, userIdPattern: /^7$/u })),
    ['account'],
    'own',
  );

/** AWS answers with what is there, changed. */
const changed = (change: (table: TableDescription) => void): Fault => {
  return async ({ forward, response }) => {
    const { Table }: { Table: TableDescription } = await (await forward()).json();
    change(Table);
    response.writeHead(200, AWS_JSON).end(JSON.stringify({ Table }));
  };
};

for (const [name, layout] of Object.entries(KNOWN_LAYOUTS)) {
  test(`a deploy goes on with a table that the layout ${name} describes, and asks for it once`, async () => {
    const table = await createTable(name);
    const asked = await dynamodb.requests(table, async () => assert.deepEqual(await look(layout, table, table), []));
    assert.deepEqual(asked, ['DescribeTable']);
  });
}

test('a deploy goes on with a table that is being updated, and with keys that are numbers where the layout says so', async () => {
  const layout = { ...BY_INDEX, userKey: { ...BY_INDEX.userKey, type: 'N' as const } };
  const table = await createTable(layout);
  dynamodb.inject(
    'DescribeTable',
    table,
    changed((found) => (found.TableStatus = 'UPDATING')),
  );
  assert.deepEqual(await look(layout, table), []);
});

test('a deploy does not look at the table that the stack creates', async () => {
  assert.deepEqual(await look(AUTHJS, 'own'), []);
});

const byIndex = await createTable('connect-dynamodb');
const byKey = await createTable('default');
const ordered = await createTable('connect-dynamodb', {
  indexes: [{ name: 'userId-index', key: ['userId', 'begun'] }],
});
const asNumber = await createTable({ ...BY_INDEX, userKey: { ...BY_INDEX.userKey, type: 'N' } });
const notReady = await createTable('connect-dynamodb');
dynamodb.inject(
  'DescribeTable',
  notReady,
  changed((found) => (found.TableStatus = 'CREATING')),
);
const filling = await createTable('connect-dynamodb');
const fill = changed(
  ({ GlobalSecondaryIndexes: [index] = [] }) =>
    index && Object.assign(index, { IndexStatus: 'CREATING', Backfilling: true }),
);
dynamodb.inject('DescribeTable', filling, fill);
const going = await createTable('connect-dynamodb');
const remove = changed(
  ({ GlobalSecondaryIndexes: [index] = [] }) => index && Object.assign(index, { IndexStatus: 'DELETING' }),
);
dynamodb.inject('DescribeTable', going, remove);
const noAccounts = await createTable('authjs', { indexes: [] });
const links = {
  partitionKey: { name: 'link', value: '{provider} {sub}' },
  userId: { name: 'user', value: '{user_id}' },
};
const linkedIn = (table: string) => ({ ...BY_INDEX, account: { ...links, table } });

for (const [what, layout, table, line] of [
  [
    'a table that does not exist',
    BY_INDEX,
    WITHOUT,
    `SESSIONS_TABLE: there is no table ${WITHOUT} in us-east-1: correct the name, or create the table first`,
  ],
  [
    'a table with another key',
    AUTHJS,
    byKey,
    `SESSION_LAYOUT: the table ${byKey} has the key user_id, session_id, and the layout says pk, sk: correct the layout, or name another`,
  ],
  [
    'a table with a sort key that the layout lacks',
    readLayout({ ...KNOWN_LAYOUTS.default, tableKey: ['user_id'] }),
    byKey,
    `SESSION_LAYOUT: the table ${byKey} has the key user_id, session_id, and the layout says user_id: correct the layout, or name another`,
  ],
  [
    'a table without the index',
    { ...BY_INDEX, index: 'by-user' },
    byIndex,
    `SESSION_LAYOUT: the table ${byIndex} has no index by-user: add it, or correct the name`,
  ],
  [
    'an index with a sort key that the layout lacks',
    BY_INDEX,
    ordered,
    `SESSION_LAYOUT: the index userId-index of ${ordered} has the key userId, begun, and the layout says userId: correct the layout, or name another`,
  ],
  [
    'an index on another attribute',
    { ...BY_INDEX, userKey: { ...BY_INDEX.userKey, name: 'owner' } },
    byIndex,
    `SESSION_LAYOUT: the index userId-index of ${byIndex} has the key userId, and the layout says owner: correct the layout, or name another`,
  ],
  [
    'a user’s attribute of another type',
    BY_INDEX,
    asNumber,
    `SESSION_LAYOUT: userId is of type N in the table ${asNumber}, and S in the layout: correct userKey.type`,
  ],
  [
    'a table that is still being created',
    BY_INDEX,
    notReady,
    `SESSION_LAYOUT: the table ${notReady} is not active, but CREATING: deploy when it is`,
  ],
  [
    'an index that is still being filled',
    BY_INDEX,
    filling,
    `SESSION_LAYOUT: the index userId-index of ${filling} is not active, but still being filled: deploy when it is`,
  ],
  [
    'an index that is being deleted',
    BY_INDEX,
    going,
    `SESSION_LAYOUT: the index userId-index of ${going} is not active, but DELETING: deploy when it is`,
  ],
  [
    'a look-up without its index',
    AUTHJS,
    noAccounts,
    `SESSION_LAYOUT: the table ${noAccounts} has no index GSI1: add it, or correct the name`,
  ],
  [
    'a look-up in a table that does not exist',
    linkedIn(WITHOUT),
    byIndex,
    `SESSIONS_TABLE: there is no table ${WITHOUT} in us-east-1: correct the name, or create the table first`,
  ],
  [
    'a look-up in a table with another key',
    linkedIn(byKey),
    byIndex,
    `SESSION_LAYOUT: the table ${byKey}, for account, has the key user_id, and the layout says link: correct the layout, or name another`,
  ],
] as const) {
  test(`a deploy stops at ${what}`, async () => {
    await assert.rejects(look(layout, table), { message: line });
  });
}

test('a deploy stops at a further store, and the line says which one', async () => {
  await assert.rejects(look(BY_INDEX, byIndex, byKey), {
    message: /^MORE_STORES: entry 1: the table \S+ has the key /,
  });
});

test('a deploy goes on where it may not look at a table, says so, and looks at the others', async () => {
  const hidden = await createTable('connect-dynamodb');
  dynamodb.inject('DescribeTable', hidden, refuse(400, 'AccessDeniedException'));
  const line = `The deploy could not look at the table ${hidden} (AccessDeniedException), and goes on without`;
  assert.deepEqual(await look(BY_INDEX, hidden, byIndex), [line]);
  await assert.rejects(look(BY_INDEX, hidden, byKey), { message: /^MORE_STORES: entry 1: / });
});

const NOWHERE = 'http://127.0.0.1:9'; // in place of every other service of AWS
const deployer = { ...endpoints, AWS_ENDPOINT_URL: NOWHERE, AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b' };
const deploy = (parameters: Record<string, string>) =>
  serverless('deploy', parameters, { bundle: false, environment: { ...deployer, AWS_MAX_ATTEMPTS: '1' } });

test('serverless deploy prints what it deploys, and stops in one line at a table that does not fit', async () => {
  const { code, output } = await deploy({ table: byKey, layout: 'better-auth', records: 'crm, erp' });
  assert.equal(code, 1);
  const summary = `Deploys stage dev; table ${byKey}; layout better-auth; ids [0-9A-Za-z]{32}; records crm, erp`;
  assert.ok(output.includes(`${summary}\n`), output);
  const line =
    /^SESSION_LAYOUT: the table \S+ has the key user_id, session_id, and the layout says id: .* \(parameter layout\)$/m;
  assert.match(output, line);
});

test('serverless deploy says of several stores in its own table which expiry gets no time to live, and goes on', async () => {
  const own = 'auth-logout-user-dev-sessions';
  const second = { ...KNOWN_LAYOUTS.default, expiry: { name: 'ttl', unit: 'seconds' } };
  const { output } = await deploy({ moreStores: JSON.stringify([{ table: own, layout: second }]) });
  assert.ok(output.includes(`Deploys stage dev; table ${own} (the stack's own); layout default; ids 0|`), output);
  assert.ok(output.includes(`Time to live of ${own} is on expires_at alone: items with ttl stay`), output);
  assert.match(output, /ECONNREFUSED 127\.0\.0\.1:9/, 'it went on to CloudFormation');
});
