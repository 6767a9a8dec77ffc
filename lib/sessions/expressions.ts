import type { AttributeValue, DeleteItemCommandInput, QueryCommandInput } from '@aws-sdk/client-dynamodb';
import type { Layout } from './layout.ts';

export type Item = Record<string, AttributeValue>;

type Expiry = NonNullable<Layout['expiry']>;

/** The Query for a user's session items. Of an index it asks the table's keys only: it may carry no more. */
export function userQuery(
  { tableKey, index, userKey, sortKey, expiry }: Layout,
  user: AttributeValue,
): Omit<QueryCommandInput, 'TableName'> {
  const alias = new Aliases();
  const wanted = [...tableKey, ...(index === null && expiry ? [expiry.name] : [])];
  const projection = wanted.map((name) => alias.of(name));
  const conditions = [`${alias.of(userKey.name)} = :user`];
  if (sortKey?.beginsWith) conditions.push(`begins_with(${alias.of(sortKey.name)}, :prefix)`);
  return {
    ...(index === null ? { ConsistentRead: true } : { IndexName: index }),
    KeyConditionExpression: conditions.join(' AND '),
    Select: 'SPECIFIC_ATTRIBUTES', // said aloud: the role's policy asks for it
    ProjectionExpression: [...new Set(projection)].join(', '),
    ExpressionAttributeNames: alias.names,
    ExpressionAttributeValues: { ':user': user, ...(sortKey?.beginsWith && { ':prefix': { S: sortKey.beginsWith } }) },
  };
}

/** The condition that an item still is a session of the user, and a live one where that is asked. */
export function ownedBy(
  { userKey, expiry, guard }: Layout,
  user: AttributeValue,
  live: boolean,
): Omit<DeleteItemCommandInput, 'TableName' | 'Key'> {
  const alias = new Aliases();
  const conditions = [`${alias.of(userKey.name)} = :user`];
  const values: Item = { ':user': user };
  if (guard) {
    conditions.push(`${alias.of(guard.name)} = :guard`);
    values[':guard'] = { S: guard.equals };
  }
  if (live && expiry) {
    conditions.push(`NOT ${alias.of(expiry.name)} <= :now`); // true also without the attribute, or with one of another type
    values[':now'] = timestamp(Date.now(), expiry.unit);
  }
  return {
    ConditionExpression: conditions.join(' AND '),
    ExpressionAttributeNames: alias.names,
    ExpressionAttributeValues: values,
  };
}

/** Whether the item's time is over; one without a readable expiry is live. */
export function expired(item: Item, expiry: Expiry | undefined, now: number): boolean {
  const value = expiry && (item[expiry.name]?.N ?? item[expiry.name]?.S);
  if (!value) return false;
  if (expiry.unit === 'iso') return Date.parse(value) <= now;
  return Number(value) * (expiry.unit === 'seconds' ? 1000 : 1) <= now;
}

function timestamp(now: number, unit: Expiry['unit']): AttributeValue {
  if (unit === 'iso') return { S: new Date(now).toISOString() };
  return { N: String(unit === 'seconds' ? now / 1000 : now) };
}

/** Always by alias: user, token, key, data, ttl and many more are reserved words. One for each attribute, used often or once. */
class Aliases {
  readonly names: Record<string, string> = {};
  readonly #aliases = new Map<string, string>();

  of(name: string): string {
    const alias = this.#aliases.get(name) ?? `#${this.#aliases.size}`;
    this.#aliases.set(name, alias);
    this.names[alias] = name;
    return alias;
  }
}
