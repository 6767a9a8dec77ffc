import { randomUUID } from 'node:crypto';
import { CreateTableCommand, DynamoDBClient, waitUntilTableExists } from '@aws-sdk/client-dynamodb';
import { allItems, type Item } from '../setup/tables.ts';

/** A key: the names of its attributes, `:N` behind those that are numbers, `:B` behind bytes. */
type Key = string[];
export type Index = { name: string; key: Key; projection?: 'ALL' | 'KEYS_ONLY' };

/** Creates an empty table, as an operator or a library does, and returns its name. */
export async function createTable(tableKey: Key, index?: Index): Promise<string> {
  const TableName = `sessions-${randomUUID()}`;
  const dynamodb = new DynamoDBClient();
  const attributes = new Map([...tableKey, ...(index?.key ?? [])].map(attribute));
  await dynamodb.send(
    new CreateTableCommand({
      TableName,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [...attributes].map(([AttributeName, AttributeType]) => ({ AttributeName, AttributeType })),
      KeySchema: keySchema(tableKey),
      ...(index && {
        GlobalSecondaryIndexes: [
          {
            IndexName: index.name,
            KeySchema: keySchema(index.key),
            Projection: { ProjectionType: index.projection ?? 'KEYS_ONLY' },
          },
        ],
      }),
    }),
  );
  await waitUntilTableExists({ client: dynamodb, minDelay: 0.01, maxDelay: 0.1, maxWaitTime: 10 }, { TableName });
  return TableName;
}

/** The keys of all items in the table, in an order that does not depend on DynamoDB. */
export async function keysIn(table: string, tableKey: Key): Promise<string[]> {
  return keysOf(await allItems(table), tableKey);
}

/** The keys of the items, in the same order. */
export function keysOf(items: Item[], tableKey: Key): string[] {
  const names = tableKey.map((key) => attribute(key)[0]);
  return items.map((item) => JSON.stringify(names.map((name) => item[name]))).sort();
}

function keySchema(key: Key) {
  return key.map((name, n) => ({ AttributeName: attribute(name)[0], KeyType: n === 0 ? 'HASH' : 'RANGE' }) as const);
}

function attribute(key: string): [string, 'S' | 'N' | 'B'] {
  const [, name = key, type = 'S'] = key.match(/^(.*):([NB])$/) ?? [];
  return [name, type === 'N' || type === 'B' ? type : 'S'];
}
