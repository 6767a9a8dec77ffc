import { randomUUID } from 'node:crypto';
import {
  type AttributeValue,
  BatchWriteItemCommand,
  CreateTableCommand,
  DynamoDBClient,
  ScanCommand,
  waitUntilTableExists,
} from '@aws-sdk/client-dynamodb';
import type { Layout } from '../../lib/sessions/layout.ts';

export type Item = Record<string, AttributeValue>;

/** Creates an empty table for the layout; all its keys are text, but a user key of type N. Returns its name. */
export async function createTable(layout: Layout, projection: 'KEYS_ONLY' | 'ALL' = 'KEYS_ONLY'): Promise<string> {
  const TableName = `sessions-${randomUUID()}`;
  const { tableKey, index, userKey } = layout;
  const names = [...new Set([...tableKey, ...(index === null ? [] : [userKey.name])])];
  const dynamodb = new DynamoDBClient();
  await dynamodb.send(
    new CreateTableCommand({
      TableName,
      BillingMode: 'PAY_PER_REQUEST',
      KeySchema: tableKey.map((AttributeName, n) => ({ AttributeName, KeyType: n === 0 ? 'HASH' : 'RANGE' })),
      AttributeDefinitions: names.map((AttributeName) => ({
        AttributeName,
        AttributeType: AttributeName === userKey.name ? userKey.type : 'S',
      })),
      ...(index !== null && {
        GlobalSecondaryIndexes: [
          {
            IndexName: index,
            KeySchema: [{ AttributeName: userKey.name, KeyType: 'HASH' }],
            Projection: { ProjectionType: projection },
          },
        ],
      }),
    }),
  );
  await waitUntilTableExists({ client: dynamodb, minDelay: 0.01, maxDelay: 0.1, maxWaitTime: 10 }, { TableName });
  return TableName;
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
  const dynamodb = new DynamoDBClient();
  const items: Item[] = [];
  let ExclusiveStartKey: Item | undefined;
  do {
    const page = await dynamodb.send(new ScanCommand({ TableName: table, ConsistentRead: true, ExclusiveStartKey }));
    items.push(...(page.Items ?? []));
    ExclusiveStartKey = page.LastEvaluatedKey;
  } while (ExclusiveStartKey);
  return items;
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
