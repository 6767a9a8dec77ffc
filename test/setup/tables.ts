import { randomUUID } from 'node:crypto';
import {
  type AttributeValue,
  BatchWriteItemCommand,
  CreateTableCommand,
  DynamoDBClient,
  paginateScan,
  waitUntilTableExists,
} from '@aws-sdk/client-dynamodb';
import type { Layout } from '../../lib/sessions/layout.ts';
import { readLayout } from '../../lib/settings/layout.ts';

export type Item = Record<string, AttributeValue>;

export type Index = { name: string; key: string[] };
type Unusual = {
  /** In place of the indexes of the layout. */
  indexes?: Index[];
  /** What an index projects of an item. */
  projection?: 'KEYS_ONLY' | 'ALL';
  /** The types of keys that are neither text nor the user key. */
  types?: Record<string, 'B' | 'N'>;
};

/** New users for the tests of one file: each one has this many sessions in the table. */
export function newUsers(table: string) {
  let users = 100;
  return {
    newUser: async (sessions = 2): Promise<string> => {
      const user = String(users++);
      await putItems(table, newSessions(user, sessions));
      return user;
    },
    left: (user: string) => sessionsLeft(table, user),
  };
}

/** Creates an empty table for the layout, a name or an object, with its indexes. Returns the table's name. */
export async function createTable(given: unknown, unusual: Unusual = {}): Promise<string> {
  const TableName = `sessions-${randomUUID()}`;
  const layout = readLayout(given);
  const { indexes = indexesOf(layout), projection = 'KEYS_ONLY', types } = unusual;
  const attributes = new Set([layout.tableKey, ...indexes.map(({ key }) => key)].flat());
  const dynamodb = new DynamoDBClient();
  await dynamodb.send(
    new CreateTableCommand({
      TableName,
      BillingMode: 'PAY_PER_REQUEST',
      KeySchema: keySchema(layout.tableKey),
      AttributeDefinitions: [...attributes].map((AttributeName) => ({
        AttributeName,
        AttributeType: types?.[AttributeName] ?? (AttributeName === layout.userKey.name ? layout.userKey.type : 'S'),
      })),
      ...(indexes.length > 0 && {
        GlobalSecondaryIndexes: indexes.map(({ name, key }) => ({
          IndexName: name,
          KeySchema: keySchema(key),
          Projection: { ProjectionType: projection },
        })),
      }),
    }),
  );
  await waitUntilTableExists({ client: dynamodb, minDelay: 0.01, maxDelay: 0.1, maxWaitTime: 10 }, { TableName });
  return TableName;
}

function indexesOf({ index, userKey, sortKey, account, email }: Layout): Index[] {
  const found = index === null ? [] : [{ name: index, key: [userKey.name, ...(sortKey ? [sortKey.name] : [])] }];
  const lookedUp = [account, email].flatMap((lookUp) =>
    lookUp?.index && !lookUp.table
      ? [{ name: lookUp.index, key: [lookUp.partitionKey, lookUp.sortKey].flatMap((key) => key?.name ?? []) }]
      : [],
  );
  const indexes = [...found, ...lookedUp];
  return [...new Map(indexes.map((index) => [index.name, index])).values()];
}

function keySchema(key: string[]) {
  return key.map((AttributeName, n) => ({ AttributeName, KeyType: n === 0 ? 'HASH' : 'RANGE' }) as const);
}

/** Writes the items, however many. */
export async function putItems(table: string, items: Item[]): Promise<void> {
  const dynamodb = new DynamoDBClient();
  for (let at = 0; at < items.length; at += 25) {
    const requests = items.slice(at, at + 25).map((Item) => ({ PutRequest: { Item } }));
    await dynamodb.send(new BatchWriteItemCommand({ RequestItems: { [table]: requests } }));
  }
}

/** Everything that is in the table, by a consistent read. */
export async function allItems(table: string): Promise<Item[]> {
  const items: Item[] = [];
  const pages = paginateScan({ client: new DynamoDBClient() }, { TableName: table, ConsistentRead: true });
  for await (const { Items = [] } of pages) items.push(...Items);
  return items;
}

/** The keys of all items in the table, in an order that does not depend on DynamoDB. */
export async function keysIn(table: string, tableKey: string[]): Promise<string[]> {
  return keysOf(await allItems(table), tableKey);
}

/** The keys of the items, in the same order. */
export function keysOf(items: Item[], tableKey: string[]): string[] {
  return items.map((item) => JSON.stringify(tableKey.map((name) => item[name]))).sort();
}

/** Session items of a user in the default layout, live for an hour; `payload` bytes each beside the keys. */
export function newSessions(userId: string, count: number, { expiresIn = 3600, payload = 0 } = {}): Item[] {
  const expiresAt = String(Math.floor(Date.now() / 1000) + expiresIn);
  return Array.from({ length: count }, () => ({
    user_id: { S: userId },
    session_id: { S: randomUUID() },
    expires_at: { N: expiresAt },
    ...(payload > 0 && { data: { S: 'x'.repeat(payload) } }),
  }));
}

/** How many session items of the user are in a table of the default layout. */
export async function sessionsLeft(table: string, userId: string): Promise<number> {
  return (await allItems(table)).filter((item) => item.user_id?.S === userId).length;
}
