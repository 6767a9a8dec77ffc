// What DynamoDB is asked for a layout: keys, queries, conditions.
import type { AttributeValue, DeleteItemCommandInput, QueryCommandInput } from '@aws-sdk/client-dynamodb';
import type { Layout } from './layout.ts';

export type Item = Record<string, AttributeValue>;
export type Condition = Omit<DeleteItemCommandInput, 'TableName' | 'Key'>;

type Expiry = NonNullable<Layout['expiry']>;
type Guard = NonNullable<Layout['guard']>;

const DIGITS = /^\d+(\.\d+)?$/;

/** The item's key in its table. */
export function keyOf(item: Item, { tableKey }: Layout): Item {
  return Object.fromEntries(tableKey.map((name) => [name, item[name] ?? { NULL: true }]));
}

/** The item's key as text. */
export function idOf(item: Item, layout: Layout): string {
  return JSON.stringify(keyOf(item, layout));
}

/** Whether a caller keeps the session: its table's partition key or, where that is the user's, its sort key is named. */
export function isKept(item: Item, { tableKey: [partitionKey, sortKey], index }: Layout, except: Set<string>): boolean {
  const { S, N } = item[(index === null ? sortKey : partitionKey) ?? ''] ?? {};
  return except.has(S ?? N ?? '');
}

/** The Query for a user's session items. From an index it reads only the table's key: it may project no more. */
export function userQuery(
  { tableKey, index, userKey, sortKey, expiry }: Layout,
  user: AttributeValue,
): Omit<QueryCommandInput, 'TableName'> {
  const alias = new Aliases();
  const wanted = [...tableKey, ...(index === null && expiry ? [expiry.name] : [])];
  const projection = wanted.map((name) => alias.of(name));
  const values: Item = { ':user': user };
  const conditions = [`${alias.of(userKey.name)} = :user`];
  if (sortKey?.beginsWith) conditions.push(beginsWith(alias.of(sortKey.name), sortKey.beginsWith, values));
  return {
    ...(index === null ? { ConsistentRead: true } : { IndexName: index }),
    KeyConditionExpression: conditions.join(' AND '),
    Select: 'SPECIFIC_ATTRIBUTES', // explicit, because the role's policy requires it
    ProjectionExpression: [...new Set(projection)].join(', '),
    ExpressionAttributeNames: alias.names,
    ExpressionAttributeValues: values,
  };
}

/**
 * The condition that an item is a session of the user: it bears the user's attribute, and sort key and guard are a
 * session's. In the middle of a save it bears no user's attribute, and these two may be absent as well. Of an item that
 * this logout has already deleted (`deletedBefore`) a running request may have written back any part.
 */
export function sessionOf(
  { tableKey, userKey, sortKey, expiry, guard }: Layout,
  user: AttributeValue,
  { state, deletedBefore = false }: { state?: 'live' | 'expired'; deletedBefore?: boolean },
): Condition {
  const alias = new Aliases();
  const values: Item = { ':user': user };
  const owner = alias.of(userKey.name);
  const isAbsent = (name: string) => `attribute_not_exists(${name})`;
  const mayBeAbsent = (name: string) => (deletedBefore ? isAbsent(name) : `${isAbsent(owner)} AND ${isAbsent(name)}`);
  const conditions = tableKey.map((name) => `attribute_exists(${alias.of(name)})`);
  conditions.push(`(${owner} = :user OR ${isAbsent(owner)})`);
  if (sortKey?.beginsWith) {
    const name = alias.of(sortKey.name);
    conditions.push(`(${beginsWith(name, sortKey.beginsWith, values)} OR ${mayBeAbsent(name)})`);
  }
  if (guard) {
    const name = alias.of(guard.name);
    conditions.push(`(${oneOf(name, guard.equals, values)} OR ${mayBeAbsent(name)})`);
  }
  if (expiry && state) {
    const expired = hasExpired(alias.of(expiry.name), expiry.unit, values);
    conditions.push(state === 'live' ? `NOT (${expired})` : `(${expired})`);
  }
  return {
    ConditionExpression: conditions.join(' AND '),
    ExpressionAttributeNames: alias.names,
    ExpressionAttributeValues: values,
  };
}

/** Whether the item has expired; one without a readable expiry is live. */
export function expired(item: Item, expiry: Expiry | undefined, now: number): boolean {
  const { N, S } = (expiry && item[expiry.name]) ?? {};
  if (expiry?.unit === 'iso') return S !== undefined && Date.parse(S) <= now;
  const digits = N ?? (S && DIGITS.test(S) ? S : undefined);
  return digits !== undefined && Number(digits) * (expiry?.unit === 'seconds' ? 1000 : 1) <= now;
}

/** The same as a condition: false without the attribute, or with one of another type. */
function hasExpired(name: string, unit: Expiry['unit'], values: Item): string {
  const now = Date.now();
  if (unit === 'iso') {
    values[':now'] = { S: new Date(now).toISOString() };
    return `${name} <= :now`;
  }
  const digits = String(unit === 'seconds' ? now / 1000 : now);
  // Text is compared character by character. For digits that is numeric order, since all present times have the same
  // number of them; text that begins with anything else is not a time.
  Object.assign(values, { ':now': { N: digits }, ':zero': { S: '0' }, ':digits': { S: digits } });
  return `${name} <= :now OR ${name} BETWEEN :zero AND :digits`;
}

function beginsWith(name: string, prefix: string, values: Item): string {
  values[':prefix'] = { S: prefix };
  return `begins_with(${name}, :prefix)`;
}

function oneOf(name: string, given: Guard['equals'], values: Item): string {
  const wanted = [given].flat().map((value, n) => {
    values[`:guard${n}`] = typeof value === 'string' ? { S: value } : { BOOL: value };
    return `:guard${n}`;
  });
  return `${name} IN (${wanted.join(', ')})`;
}

/** One alias for each attribute, always used: user, token, key, data, ttl and many more are reserved words. */
export class Aliases {
  readonly names: Record<string, string> = {};
  readonly #aliases = new Map<string, string>();

  of(name: string): string {
    const alias = this.#aliases.get(name) ?? `#${this.#aliases.size}`;
    this.#aliases.set(name, alias);
    this.names[alias] = name;
    return alias;
  }
}
