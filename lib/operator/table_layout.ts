// The layout of a table whose names are an application's own.
import type { Layout } from '../sessions/layout.ts';
import { type Item, isExpiry, isSession } from './session_item.ts';
import type { Table } from './table_look.ts';

/** The layout with the names that this table has: of the index that finds users, its sort key, and the user's type. */
export function adapted(table: Table, layout: Layout, marks: string[]): Layout {
  if (layout.index === null) return layout;
  const sessions = table.items.filter((item) => isSession(item, layout, marks));
  const userKey = { ...layout.userKey, name: userAttribute(table, layout, sessions) };
  const type = table.types.get(userKey.name) ?? typeIn(sessions, userKey.name);
  if (type === 'N' && userKey.value === '{user_id}') userKey.type = 'N';
  const renamed = userKey.name === layout.userKey.name ? layout.index : `${userKey.name}-index`;
  const named = table.indexes.find(({ name }) => name === layout.index);
  const index = named?.key[0] === userKey.name ? named : table.indexes.find(({ key }) => key[0] === userKey.name);
  const sort = index ? index.key[1] : layout.sortKey?.name;
  const { sortKey: old, ...rest } = layout;
  const sortKey = sort === old?.name ? old : sort === undefined ? undefined : { name: sort, beginsWith: '' };
  return { ...rest, index: index?.name ?? renamed, userKey, ...(sortKey && { sortKey }) };
}

/** A name that an attribute for the user may have. */
const USER =
  /(^|[^a-z])(user|account|member|customer|owner)_?id$|[a-z]UserId$|^(user|username|account|member|customer|owner|login|subject|sub|principal|uid)$/i;

/** The layout's attribute for the user or, where no session has it, another one that an application has put there. */
function userAttribute({ indexes, key }: Table, { userKey }: Layout, sessions: Item[]): string {
  const has = (name: string) => sessions.some((item) => item[name]?.S !== undefined || item[name]?.N !== undefined);
  if (userKey.value !== '{user_id}' || has(userKey.name)) return userKey.name;
  const indexed = indexes.map(({ key: [partition = ''] }) => partition);
  const present = [...new Set(sessions.flatMap((item) => Object.keys(item)))];
  const others = [...indexed, ...present].filter((name) => USER.test(name) && !key.includes(name) && has(name));
  return others[0] ?? userKey.name;
}

function typeIn(items: Item[], name: string): string | undefined {
  const values = items.map((item) => item[name]).filter((value) => value !== undefined);
  return values.length > 0 && values.every(({ N }) => N !== undefined) ? 'N' : undefined;
}

/** The layout that a table of an application's own may have, by the names of its attributes; undefined when none tells. */
export function guess(table: Table): Layout | undefined {
  const [partition = ''] = table.key;
  const isText = (name: string) =>
    table.items.some((item) => item[name]?.S !== undefined || item[name]?.N !== undefined);
  const names = [...new Set(table.items.flatMap((item) => Object.keys(item)))];
  const index = table.indexes.find(({ key: [name = ''] }) => USER.test(name));
  const attribute = names.find((name) => USER.test(name) && isText(name));
  const name = USER.test(partition) ? partition : (index?.key[0] ?? attribute);
  if (name === undefined) return undefined;
  const type = (table.types.get(name) ?? typeIn(table.items, name)) === 'N' ? 'N' : 'S';
  const sort = name === partition ? undefined : index?.key[1];
  const expiry = expiryIn(table, names);
  return {
    tableKey: table.key,
    index: name === partition ? null : (index?.name ?? `${name}-index`),
    userKey: { name, type, value: '{user_id}' },
    ...(sort !== undefined && { sortKey: { name: sort, beginsWith: '' } }),
    ...(expiry && { expiry }),
  };
}

function expiryIn({ items, timeToLive, key }: Table, names: string[]): Layout['expiry'] {
  const name = timeToLive ?? names.find((name) => /expir|ttl/i.test(name) && !key.includes(name));
  if (name == null) return undefined;
  const values = items.map((item) => item[name]).filter((value) => value !== undefined);
  const unit = (['seconds', 'milliseconds', 'iso'] as const).find((unit) =>
    values.every((value) => isExpiry(value, unit)),
  );
  return unit && { name, unit };
}
