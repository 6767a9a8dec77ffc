import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import type { Layout } from '../sessions/layout.ts';

export type Item = Record<string, AttributeValue>;

const FIRST_MILLISECONDS = 100_000_000_000; // as seconds, the year 5138

/**
 * Whether the item may be a session in this layout, of whatever user or of none; the library's own attributes are its
 * marks. An attribute that only the application sets may be absent.
 */
export function isSession(item: Item, layout: Layout, marks: string[] = []): boolean {
  const { tableKey, index, userKey, sortKey, guard, expiry } = layout;
  return (
    [...tableKey, ...marks].every((mark) => hasMark(item, mark)) &&
    (index !== null && userKey.value === '{user_id}' ? true : userIdIn(item, layout) !== undefined) &&
    (!sortKey?.beginsWith || textOf(item[sortKey.name])?.startsWith(sortKey.beginsWith) === true) &&
    (!guard || [guard.equals].flat().includes(item[guard.name]?.S ?? item[guard.name]?.BOOL ?? '')) &&
    (!expiry || isExpiry(item[expiry.name], expiry.unit))
  );
}

/** The user's id in the item; undefined when the attribute is absent, or is not what the layout says. */
export function userIdIn(item: Item, { userKey }: Layout): string | undefined {
  const value = item[userKey.name]?.[userKey.type];
  const [before = '', after = ''] = userKey.value.split(/\{user_id(?::lower)?\}/);
  if (value === undefined || !value.startsWith(before) || !value.endsWith(after)) return undefined;
  return value.slice(before.length, value.length - after.length) || undefined;
}

/** Whether the attribute is absent, or a time in this unit. */
export function isExpiry(value: AttributeValue | undefined, unit: 'seconds' | 'milliseconds' | 'iso'): boolean {
  if (value === undefined || value.NULL) return true;
  if (unit === 'iso') return value.S !== undefined && !Number.isNaN(Date.parse(value.S));
  const time = Number(value.N ?? value.S);
  return unit === 'seconds' ? time < FIRST_MILLISECONDS : time >= FIRST_MILLISECONDS;
}

function hasMark(item: Item, mark: string): boolean {
  const [name = '', type] = mark.split(':');
  const value = item[name];
  return value !== undefined && (type === undefined || type in value);
}

function textOf(value: AttributeValue | undefined): string | undefined {
  return value?.S ?? value?.N;
}
