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

/** The condition that an item is still a session of the user and, if asked, a live one. */
export function ownedBy({ userKey, sortKey, expiry, guard }: Layout, user: AttributeValue, live: boolean): Condition {
  const alias = new Aliases();
  const values: Item = { ':user': user };
  const conditions = [`${alias.of(userKey.name)} = :user`];
  if (sortKey?.beginsWith) conditions.push(beginsWith(alias.of(sortKey.name), sortKey.beginsWith, values));
  if (guard) conditions.push(oneOf(alias.of(guard.name), guard.equals, values));
  if (live && expiry) conditions.push(notExpired(alias.of(expiry.name), expiry.unit, values));
  return allOf(conditions, alias, values);
}

/** The condition that an item is there again, and not another user's: the writer may have left out all but its key. */
export function writtenBack({ tableKey, userKey, sortKey, guard }: Layout, user: AttributeValue): Condition {
  const alias = new Aliases();
  const values: Item = { ':user': user };
  const conditions = tableKey.map((name) => `attribute_exists(${alias.of(name)})`);
  const absentOr = (name: string, condition: string) => `(attribute_not_exists(${name}) OR ${condition})`;
  const owner = alias.of(userKey.name);
  conditions.push(absentOr(owner, `${owner} = :user`));
  if (sortKey?.beginsWith) {
    const sort = alias.of(sortKey.name);
    conditions.push(absentOr(sort, beginsWith(sort, sortKey.beginsWith, values)));
  }
  if (guard) {
    const kind = alias.of(guard.name);
    conditions.push(absentOr(kind, oneOf(kind, guard.equals, values)));
  }
  return allOf(conditions, alias, values);
}

function allOf(conditions: string[], { names }: Aliases, values: Item): Condition {
  return {
    ConditionExpression: conditions.join(' AND '),
    ExpressionAttributeNames: names,
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

/** The opposite as a condition: true also without the attribute, or with one of another type. */
function notExpired(name: string, unit: Expiry['unit'], values: Item): string {
  const now = Date.now();
  if (unit === 'iso') {
    values[':now'] = { S: new Date(now).toISOString() };
    return `NOT ${name} <= :now`;
  }
  const digits = String(unit === 'seconds' ? now / 1000 : now);
  // Text is compared character by character. For digits that is numeric order, since all present times have the same
  // number of them; text that begins with anything else is not a time.
  Object.assign(values, { ':now': { N: digits }, ':zero': { S: '0' }, ':digits': { S: digits } });
  return `NOT (${name} <= :now OR ${name} BETWEEN :zero AND :digits)`;
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
