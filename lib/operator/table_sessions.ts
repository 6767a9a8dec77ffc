import { isDeepStrictEqual } from 'node:util';
import { BatchGetItemCommand, type DynamoDBClient, paginateQuery } from '@aws-sdk/client-dynamodb';
import { expired, keyOf, userQuery } from '../sessions/expressions.ts';
import { type Layout, userKeyValue } from '../sessions/layout.ts';
import { type Item, isSession } from './session_item.ts';

const BATCH = 100; // the most that BatchGetItem takes

/** How many sessions a logout of the user would end. Undefined when this layout cannot hold such an id. */
export async function countUserSessions(
  client: DynamoDBClient,
  TableName: string,
  layout: Layout,
  userId: string,
): Promise<{ live: number; expired: number } | undefined> {
  const user = userKeyValue(layout, userId);
  if (!user) return undefined;
  const count = { live: 0, expired: 0 };
  const add = (item: Item) => count[expired(item, layout.expiry, Date.now()) ? 'expired' : 'live']++;
  for await (const { Items = [] } of paginateQuery({ client }, { TableName, ...userQuery(layout, user) })) {
    if (layout.index === null) Items.forEach(add);
    // The index lags behind, and shows keys only: the items themselves tell.
    else
      for (let at = 0; at < Items.length; at += BATCH) {
        const keys = Items.slice(at, at + BATCH).map((item) => keyOf(item, layout));
        for (const item of await getItems(client, TableName, keys)) {
          const isUsers = isDeepStrictEqual(item[layout.userKey.name], user);
          if (isUsers && isSession(item, { ...layout, expiry: undefined })) add(item);
        }
      }
  }
  return count;
}

async function getItems(client: DynamoDBClient, table: string, keys: Item[]): Promise<Item[]> {
  const items: Item[] = [];
  for (let left: Item[] = keys; left.length > 0; ) {
    const RequestItems = { [table]: { Keys: left, ConsistentRead: true } };
    const { Responses = {}, UnprocessedKeys = {} } = await client.send(new BatchGetItemCommand({ RequestItems }));
    items.push(...(Responses[table] ?? []));
    left = UnprocessedKeys[table]?.Keys ?? [];
  }
  return items;
}
