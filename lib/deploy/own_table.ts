import type { Layout } from '../sessions/layout.ts';
import { refuse, within } from '../sessions/members.ts';
import type { Store } from '../sessions/store.ts';

export type Throughput = { OnDemandThroughput: object };

/**
 * The keys, the indexes and the time to live that our own table needs for the stores in it; the first store is the main
 * one. Each index has its own maximum throughput. Throws when two stores cannot share a table.
 */
export function ownTable(table: string, stores: Store[], { OnDemandThroughput }: Throughput) {
  const inTable = [...stores.entries()].filter(([, store]) => store.table === table);
  const tableKeys = new Map<string, string[]>();
  const indexKeys = new Map<string, string[]>();
  const types = new Map<string, 'S' | 'N'>();
  for (const [entry, { layout }] of inTable) {
    within(`MORE_STORES: entry ${entry}`, () => {
      setOnce(tableKeys, table, layout.tableKey, 'the key of the table');
      if (layout.index !== null) setOnce(indexKeys, layout.index, indexKey(layout), 'the key of the index');
      for (const name of [...layout.tableKey, ...indexKey(layout)])
        setOnce(types, name, name === layout.userKey.name ? layout.userKey.type : 'S', 'the type of');
    });
  }
  const expiries = inTable.flatMap(([, { layout }]) => (layout.expiry?.unit === 'seconds' ? layout.expiry.name : []));
  const Projection = { ProjectionType: 'KEYS_ONLY' };
  return {
    KeySchema: keySchema(tableKeys.get(table) ?? []),
    AttributeDefinitions: [...types].map(([AttributeName, AttributeType]) => ({ AttributeName, AttributeType })),
    ...(indexKeys.size > 0 && {
      GlobalSecondaryIndexes: [...indexKeys].map(([IndexName, key]) => ({
        IndexName,
        KeySchema: keySchema(key),
        Projection,
        OnDemandThroughput,
      })),
    }),
    // DynamoDB's time to live understands only seconds, and only one attribute.
    ...(expiries[0] && { TimeToLiveSpecification: { AttributeName: expiries[0], Enabled: true } }),
  };
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
  if (String(before) !== String(thing))
    refuse(`${what} ${name} is ${thing} here, and ${before} in an earlier layout: put one of them in another table`);
  things.set(name, thing);
}
