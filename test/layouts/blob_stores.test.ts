// Stores in other languages, which hide the user in a blob. They are not run here: plain SDK calls write as they
// do, with the attribute that the application adds beside the blob. test/boto3/ runs the hook for Python itself.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, test } from 'node:test';
import { DynamoDBClient, PutItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { tableReport } from '../local/table_report.ts';
import { type Logout, startAws, startLogout } from '../setup/route.ts';
import { allItems, createTable, type Item } from '../setup/tables.ts';
import { exceptOf, layoutOf } from './guide.ts';

await startAws();
const dynamodb = new DynamoDBClient();
const IN_AN_HOUR = Date.now() / 1000 + 3600;
const BLOB = 'O:7:"Session":1:{s:4:"user";i:7;}';

/** Saves the session under the id as the library does; `user` is the attribute that the application adds, if any. */
type Save = (table: string, id: string, user?: Item) => Promise<unknown>;

type Store = { heading: string; layoutName: string; save: Save; except: (id: string) => string[] };
const stores: Record<string, Store> = {
  'Flask-Session': {
    heading: 'Flask-Session',
    layoutName: 'flask-session',
    save: (TableName, id, user) =>
      dynamodb.send(
        new UpdateItemCommand({
          TableName,
          Key: { id: { S: `session:${id}` } },
          UpdateExpression: `SET val = :value, expiration = :exp${user ? ', userId = :userId' : ''}`,
          ExpressionAttributeValues: {
            ':value': { B: Buffer.from(BLOB) },
            ':exp': { N: String(IN_AN_HOUR + 0.25) },
            ...(user?.userId && { ':userId': user.userId }),
          },
        }),
      ),
    except: (id) => exceptOf('Flask-Session', id),
  },
  'the session handler of the AWS SDK for PHP': {
    heading: "Symfony and the AWS SDK's session handler",
    layoutName: 'symfony',
    save: (TableName, id, user = {}) =>
      dynamodb.send(
        new UpdateItemCommand({
          TableName,
          Key: { id: { S: `PHPSESSID_${id}` } },
          AttributeUpdates: {
            expires: { Action: 'PUT', Value: { N: String(Math.floor(IN_AN_HOUR)) } },
            data: { Action: 'PUT', Value: { S: BLOB } },
            lock: { Action: 'DELETE' },
            ...(user.userId && { userId: { Action: 'PUT', Value: user.userId } }),
          },
        }),
      ),
    except: (id) => exceptOf("Symfony and the AWS SDK's session handler", 'PHPSESSID', id),
  },
  Laravel: {
    heading: 'Laravel',
    layoutName: 'laravel',
    save: (TableName, id, user = {}) =>
      dynamodb.send(
        new PutItemCommand({
          TableName,
          Item: {
            key: { S: `laravel_cache_${id}` },
            value: { S: BLOB },
            expires_at: { N: String(Math.floor(IN_AN_HOUR)) },
            ...user,
          },
        }),
      ),
    except: (id) => exceptOf('Laravel', 'laravel_cache_', id),
  },
  'aws-sessionstore-dynamodb for Rails, with expire_at now,': {
    heading: 'Rails and Rack',
    layoutName: 'rails',
    save: (TableName, id, user = {}) =>
      dynamodb.send(
        new UpdateItemCommand({
          TableName,
          Key: { session_id: { S: id } },
          AttributeUpdates: {
            updated_at: { Action: 'PUT', Value: { N: String(Date.now() / 1000) } },
            expire_at: { Action: 'PUT', Value: { N: String(Date.now() / 1000) } },
            data: { Action: 'PUT', Value: { S: BLOB } },
            ...(user.userId && { userId: { Action: 'PUT', Value: user.userId } }),
          },
        }),
      ),
    except: (id) => exceptOf('Rails and Rack', id),
  },
};

// One after the other, since each cold start reads the one environment.
const started: {
  store: string;
  heading: string;
  layoutName: string;
  save: Save;
  table: string;
  logout: Logout;
  logoutAndSettle: Logout;
}[] = [];
for (const [store, { heading, layoutName, save }] of Object.entries(stores)) {
  const layout = layoutOf(heading);
  const table = await createTable(layout);
  const logout = await startLogout(table, layout);
  started.push({
    store,
    heading,
    layoutName,
    save,
    table,
    logout,
    logoutAndSettle: await startLogout(table, layout, { SETTLE_SECONDS: '1' }),
  });
}

describe('a blob store', { concurrency: true }, () => {
  for (const { store, save, table, logout, logoutAndSettle } of started) {
    /** How many sessions there are under these ids. */
    const left = async (...ids: string[]) => {
      const items = (await allItems(table)).map((item) => JSON.stringify(item));
      return ids.filter((id) => items.some((item) => item.includes(id))).length;
    };

    test(`a logout ends every session of the user that ${store} has saved, and no other`, async () => {
      const [mine, other, anonymous] = [[randomUUID(), randomUUID()], randomUUID(), randomUUID()];
      for (const id of [...mine, ...mine]) await save(table, id, { userId: { S: '7' } });
      await save(table, other, { userId: { S: '77' } });
      await save(table, anonymous);
      assert.equal((await logout('7')).json.result, true);
      assert.deepEqual([await left(...mine), await left(other, anonymous)], [0, 2]);
      assert.equal((await logout('7')).json.result, false);
    });

    test(`a logout keeps the session that it is to keep, of those that ${store} has saved, and ends all others`, async () => {
      const [mine, others] = [randomUUID(), [randomUUID(), randomUUID()]];
      for (const id of [mine, ...others]) await save(table, id, { userId: { S: '6' } });
      assert.equal((await logout('6', { except: stores[store]?.except(mine) })).json.result, true);
      assert.deepEqual([await left(mine), await left(...others)], [1, 0]);
    });

    test(`a logout that settles ends a session that ${store} saves again without its user`, async () => {
      const id = randomUUID();
      await save(table, id, { userId: { S: '8' } });
      const answer = logoutAndSettle('8');
      while ((await left(id)) > 0);
      await save(table, id);
      assert.equal((await answer).json.result, true);
      assert.equal(await left(id), 0);
    });
  }
});

for (const { store, heading, layoutName, save, table } of started) {
  test(`npm run table knows a table in which ${store} saves, and misses the user where nothing has set it`, async () => {
    await save(table, randomUUID(), { userId: { S: '9' } });
    const { fits, layout, sessions } = await tableReport(table, '--user', '9');
    assert.deepEqual([fits, layout, sessions], [true, layoutName, { live: 1, expired: 0 }]);

    const bare = await createTable(layoutOf(heading), { indexes: [] });
    await save(bare, randomUUID());
    const { fits: fitsBare, layout: same, missing } = await tableReport(bare);
    assert.deepEqual([fitsBare, same], [false, layoutName]);
    assert.match(missing[0]?.what ?? '', /^the index userId-index with the key userId/);
    assert.match(missing[1]?.what ?? '', /^the user's attribute: userId is on none of the 1 sessions seen/);
  });
}
