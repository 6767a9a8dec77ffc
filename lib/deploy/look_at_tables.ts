// What `serverless deploy` looks at before it changes anything: the tables that the settings name.
import {
  DescribeTableCommand,
  type DynamoDBClient,
  type KeySchemaElement,
  type TableDescription,
} from '@aws-sdk/client-dynamodb';
import type { LookUp } from '../sessions/layout.ts';
import type { Store } from '../sessions/store.ts';
import { SettingError } from '../settings/setting_error.ts';
import { type LookUpName, locateStore } from './grants.ts';

/** A table and what is needed of it. */
type Needed = { table: string; check: (found: TableDescription) => void };

/**
 * Throws a SettingError when a table or an index is missing, not active, or has other keys than the layouts say. The
 * stack's own table is passed over. Returns a line for each table that the deployer may not look at.
 */
export async function lookAtTables(
  dynamodb: DynamoDBClient,
  stores: Store[],
  lookUps: LookUpName[],
  own: string | undefined,
): Promise<string[]> {
  const needed = stores.map((store) => neededBy(store, lookUps).filter(({ table }) => table !== own));
  const names = [...new Set(needed.flat().map(({ table }) => table))];
  const found = new Map(await Promise.all(names.map(async (name) => [name, await describe(dynamodb, name)] as const)));
  for (const [entry, tables] of needed.entries()) {
    for (const { table, check } of tables) {
      const seen = found.get(table);
      if (typeof seen === 'object') locateStore(entry, 'SESSION_LAYOUT', () => check(seen));
      if (seen !== undefined) continue;
      const region = await dynamodb.config.region();
      const what = `there is no table ${table} in ${region}: correct the name, or create the table first`;
      locateStore(entry, 'SESSIONS_TABLE', () => fail(what));
    }
  }
  const errors = [...found].filter(([, seen]) => typeof seen === 'string');
  return errors.map(
    ([name, error]) => `The deploy could not look at the table ${name} (${error}), and goes on without`,
  );
}

/** The table; undefined if there is none; the error's name if it cannot be told. */
async function describe(dynamodb: DynamoDBClient, TableName: string): Promise<TableDescription | string | undefined> {
  try {
    const { Table } = await dynamodb.send(new DescribeTableCommand({ TableName }));
    return Table;
  } catch (error) {
    const name = error instanceof Error ? error.name : String(error);
    return name === 'ResourceNotFoundException' ? undefined : name;
  }
}

function neededBy({ table, layout }: Store, lookUps: LookUpName[]): Needed[] {
  const { tableKey, index, userKey, sortKey } = layout;
  const sessions = (found: TableDescription) => {
    checkKey(`the table ${table}`, activeTable(found).KeySchema, tableKey);
    if (index !== null) {
      const indexKey = [userKey.name, ...(sortKey ? [sortKey.name] : [])];
      checkKey(`the index ${index} of ${table}`, activeIndex(found, index).KeySchema, indexKey);
    }
    const type = found.AttributeDefinitions?.find(({ AttributeName }) => AttributeName === userKey.name)?.AttributeType;
    if (type !== userKey.type)
      fail(
        `${userKey.name} is of type ${type} in the table ${table}, and ${userKey.type} in the layout: correct userKey.type`,
      );
  };
  const found = lookUps.flatMap((name) => {
    const lookUp = layout[name];
    return lookUp ? neededByLookUp(name, lookUp.table ?? table, lookUp) : [];
  });
  return [{ table, check: sessions }, ...found];
}

function neededByLookUp(name: LookUpName, table: string, { index, partitionKey, sortKey }: LookUp): Needed {
  const check = (found: TableDescription) => {
    const { KeySchema = [] } = index === undefined ? activeTable(found) : activeIndex(found, index);
    const where = index === undefined ? `the table ${table}` : `the index ${index} of ${table}`;
    const asked = [partitionKey.name, ...(sortKey ? [sortKey.name] : [])];
    checkKey(`${where}, for ${name},`, KeySchema.slice(0, asked.length), asked); // a Query needs no sort key
  };
  return { table, check };
}

function activeTable(table: TableDescription): TableDescription {
  const isInUse = table.TableStatus === 'ACTIVE' || table.TableStatus === 'UPDATING';
  return isInUse
    ? table
    : fail(`the table ${table.TableName} is not active, but ${table.TableStatus}: deploy when it is`);
}

function activeIndex(
  { TableName, GlobalSecondaryIndexes = [], LocalSecondaryIndexes = [] }: TableDescription,
  name: string,
) {
  const local = LocalSecondaryIndexes.find(({ IndexName }) => IndexName === name);
  if (local) return local;
  const index = GlobalSecondaryIndexes.find(({ IndexName }) => IndexName === name);
  if (!index) return fail(`the table ${TableName} has no index ${name}: add it, or correct the name`);
  if (index.Backfilling || (index.IndexStatus !== 'ACTIVE' && index.IndexStatus !== 'UPDATING')) {
    const status = index.Backfilling ? 'still being filled' : index.IndexStatus;
    fail(`the index ${name} of ${TableName} is not active, but ${status}: deploy when it is`);
  }
  return index;
}

function checkKey(what: string, schema: KeySchemaElement[] = [], wanted: string[]): void {
  const key = schema.map(({ AttributeName }) => AttributeName).join(', ');
  if (key !== wanted.join(', '))
    fail(`${what} has the key ${key}, and the layout says ${wanted.join(', ')}: correct the layout, or name another`);
}

function fail(what: string): never {
  throw new SettingError(what);
}
