import type { Layout } from '../sessions/layout.ts';
import type { Store } from '../sessions/store.ts';
import { locate, SettingError } from '../settings/setting_error.ts';

const OnDemandThroughput = { MaxReadRequestUnits: 12_000, MaxWriteRequestUnits: 4000 }; // bounds the bill

/**
 * A table with the keys, the indexes and the time to live that the stores in it need; the first store is the main one.
 * It is kept when the stack is removed, or when `table` names another. Throws a SettingError when two stores cannot
 * share it.
 */
export function ownTable(table: string, stores: Store[]) {
  const inTable = [...stores.entries()].filter(([, store]) => store.table === table);
  const tableKeys = new Map<string, string[]>();
  const indexKeys = new Map<string, string[]>();
  const types = new Map<string, 'S' | 'N'>();
  for (const [entry, { layout }] of inTable) {
    locate({ variable: 'MORE_STORES', path: [`entry ${entry}`] }, () => {
      setOnce(tableKeys, table, layout.tableKey, 'the key of the table');
      if (layout.index !== null) setOnce(indexKeys, layout.index, indexKey(layout), 'the key of the index');
      for (const name of [...layout.tableKey, ...indexKey(layout)])
        setOnce(types, name, name === layout.userKey.name ? layout.userKey.type : 'S', 'the type of');
    });
  }
  const [expiry] = expiriesIn(table, stores);
  return {
    Type: 'AWS::DynamoDB::Table',
    DeletionPolicy: 'RetainExceptOnCreate', // a restored backup holds revoked sessions
    UpdateReplacePolicy: 'Retain',
    Properties: {
      TableName: table,
      BillingMode: 'PAY_PER_REQUEST',
      OnDemandThroughput,
      PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
      SSESpecification: { SSEEnabled: true },
      DeletionProtectionEnabled: true,
      KeySchema: keySchema(tableKeys.get(table) ?? []),
      AttributeDefinitions: [...types].map(([AttributeName, AttributeType]) => ({ AttributeName, AttributeType })),
      ...(indexKeys.size > 0 && {
        GlobalSecondaryIndexes: [...indexKeys].map(([IndexName, key]) => ({
          IndexName,
          KeySchema: keySchema(key),
          Projection: { ProjectionType: 'KEYS_ONLY' },
          OnDemandThroughput,
        })),
      }),
      // DynamoDB's time to live understands only seconds, and only one attribute.
      ...(expiry && { TimeToLiveSpecification: { AttributeName: expiry, Enabled: true } }),
    },
  };
}

/** The attributes by which the items of the stores in the table expire, where time to live understands them. */
export function expiriesIn(table: string | undefined, stores: Store[]): string[] {
  const inTable = stores.filter((store) => store.table === table);
  const names = inTable.flatMap(({ layout: { expiry } }) => (expiry?.unit === 'seconds' ? expiry.name : []));
  return [...new Set(names)];
}

function indexKey({ index, userKey, sortKey }: Layout): string[] {
  return index === null ? [] : [userKey.name, ...(sortKey ? [sortKey.name] : [])];
}

function keySchema(names: string[]) {
  return names.map((AttributeName, n) => ({ AttributeName, KeyType: n === 0 ? 'HASH' : 'RANGE' }));
}

/** Within one table a name stands for one thing. */
function setOnce<T>(things: Map<string, T>, name: string, thing: T, what: string): void {
  const before = things.get(name) ?? thing;
  if (String(before) !== String(thing)) {
    const here = `${what} ${name} is ${thing} here, and ${before} in an earlier layout`;
    throw new SettingError(`${here}: put one of them in another table`);
  }
  things.set(name, thing);
}
