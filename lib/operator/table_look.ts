import {
  DescribeTableCommand,
  DescribeTimeToLiveCommand,
  type DynamoDBClient,
  type KeySchemaElement,
  ResourceNotFoundException,
  ScanCommand,
  type TableDescription,
} from '@aws-sdk/client-dynamodb';
import { SingleBar } from 'cli-progress';
import type { Item } from './session_item.ts';

const MAX_ITEMS = 1000;
const MAX_PAGES = 4; // of 1 MB at most

export type Index = { name: string; key: string[]; status: string };
/** What can be seen of a table. */
export type Table = {
  name: string;
  status: string;
  key: string[];
  indexes: Index[];
  /** Of the attributes that are part of a key. */
  types: Map<string, string>;
  /** Read and write capacity units; undefined for a table on demand. */
  throughput: { ReadCapacityUnits: number; WriteCapacityUnits: number } | undefined;
  /** The attribute of time to live, null when it is off; undefined when it cannot be told. */
  timeToLive: string | null | undefined;
  /** The first ones of a Scan. */
  items: Item[];
};

/** Looks at the table, and at 1000 items and 4 MB of it at most. Returns undefined when there is no such table. */
export async function lookAtTable(client: DynamoDBClient, name: string): Promise<Table | undefined> {
  try {
    const { Table: description = {} } = await client.send(new DescribeTableCommand({ TableName: name }));
    const { TableStatus = '', KeySchema, AttributeDefinitions = [], GlobalSecondaryIndexes = [] } = description;
    return {
      name,
      status: TableStatus,
      key: attributesOf(KeySchema),
      indexes: GlobalSecondaryIndexes.map((index) => ({
        name: index.IndexName ?? '',
        key: attributesOf(index.KeySchema),
        status: index.Backfilling ? 'BACKFILLING' : (index.IndexStatus ?? ''),
      })),
      types: new Map(
        AttributeDefinitions.map(({ AttributeName = '', AttributeType = '' }) => [AttributeName, AttributeType]),
      ),
      throughput: throughputOf(description),
      timeToLive: await timeToLiveOf(client, name),
      items: await firstItems(client, name, description.ItemCount),
    };
  } catch (error) {
    if (error instanceof ResourceNotFoundException) return undefined;
    throw error;
  }
}

/** The partition key, then the sort key. */
function attributesOf(schema: KeySchemaElement[] = []): string[] {
  return [...schema].sort((a) => (a.KeyType === 'HASH' ? -1 : 1)).map(({ AttributeName = '' }) => AttributeName);
}

function throughputOf({ BillingModeSummary, ProvisionedThroughput }: TableDescription): Table['throughput'] {
  const { ReadCapacityUnits = 0, WriteCapacityUnits = 0 } = ProvisionedThroughput ?? {};
  const onDemand = BillingModeSummary?.BillingMode === 'PAY_PER_REQUEST' || WriteCapacityUnits === 0;
  return onDemand ? undefined : { ReadCapacityUnits, WriteCapacityUnits };
}

async function timeToLiveOf(client: DynamoDBClient, TableName: string): Promise<string | null | undefined> {
  try {
    const { TimeToLiveDescription = {} } = await client.send(new DescribeTimeToLiveCommand({ TableName }));
    const { TimeToLiveStatus = '', AttributeName } = TimeToLiveDescription;
    return /^ENABL/.test(TimeToLiveStatus) ? (AttributeName ?? null) : null;
  } catch {
    return undefined; // not allowed, or an engine that has none: no reason to say nothing about the table
  }
}

async function firstItems(client: DynamoDBClient, TableName: string, itemCount: number | undefined): Promise<Item[]> {
  const bar = new SingleBar({
    format: `{bar} {value} of {total} items of ${TableName}`,
    stream: process.stderr,
    clearOnComplete: true,
    linewrap: true,
  });
  bar.start(Math.min(itemCount || MAX_ITEMS, MAX_ITEMS), 0);
  const items: Item[] = [];
  let ExclusiveStartKey: Item | undefined;
  for (let page = 0; page < MAX_PAGES && items.length < MAX_ITEMS; page++) {
    const { Items = [], LastEvaluatedKey } = await client.send(
      new ScanCommand({ TableName, ExclusiveStartKey, Limit: MAX_ITEMS - items.length }),
    );
    items.push(...Items);
    bar.update(items.length);
    ExclusiveStartKey = LastEvaluatedKey;
    if (!LastEvaluatedKey) break;
  }
  bar.stop();
  return items;
}
