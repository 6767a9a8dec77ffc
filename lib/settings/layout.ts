import { KNOWN_LAYOUTS } from '../sessions/known_layouts.ts';
import { type GuardValue, type Layout, USER_ID_PLACEHOLDER } from '../sessions/layout.ts';
import { parseJson, quote, readName, readObject, readOneOf, readText } from './json.ts';
import { checkLookUp, readLookUp } from './look_up.ts';
import { SettingError } from './setting_error.ts';

const MAX_GUARD_VALUES = 100; // the most that IN takes in a condition

/** Reads a layout: its name, or an object, or that as JSON. Throws a SettingError; `others` are names to list there. */
export function readLayout(given: unknown, others: string[] = []): Layout {
  if (typeof given !== 'string') return checkLayout(given);
  const name = given.trim();
  if (name.startsWith('{')) return checkLayout(parseJson(name));
  const known = Object.hasOwn(KNOWN_LAYOUTS, name) ? KNOWN_LAYOUTS[name] : undefined;
  if (known) return known;
  const names = [...Object.keys(KNOWN_LAYOUTS), ...others].join(', ');
  throw new SettingError(`no layout is called ${quote(name)}; use one of ${names}, or a layout as JSON`);
}

function checkLayout(given: unknown): Layout {
  const optional = ['index', 'sortKey', 'expiry', 'guard', 'account', 'email'];
  const found = readObject(given, [], ['tableKey', 'userKey'], optional);
  const layout: Layout = {
    tableKey: checkTableKey(found.tableKey),
    index: found.index === undefined ? null : readName(found.index, ['index']),
    userKey: checkUserKey(found.userKey),
    ...(found.sortKey !== undefined && { sortKey: checkSortKey(found.sortKey) }),
    ...(found.expiry !== undefined && { expiry: checkExpiry(found.expiry) }),
    ...(found.guard !== undefined && { guard: checkGuard(found.guard) }),
    ...(found.account !== undefined && { account: readLookUp(found.account, 'account') }),
    ...(found.email !== undefined && { email: readLookUp(found.email, 'email') }),
  };
  checkTogether(layout);
  return layout;
}

/** The rules that involve more than one member. */
function checkTogether(layout: Layout): void {
  const { tableKey, index, userKey, sortKey, expiry, guard, account, email } = layout;
  // Elsewhere the id would match other users too: SESSION#1 is a prefix of SESSION#12.
  const elsewhere = JSON.stringify(layout, (key, value) => (/^user(Key|Id)$/.test(key) ? value.name : value));
  if (elsewhere.includes('{user_id')) {
    throw new SettingError('{user_id} is allowed in userKey.value only: remove it elsewhere');
  }
  for (const [name, lookUp] of Object.entries({ account, email })) if (lookUp) checkLookUp(name, lookUp, layout);
  for (const [member, attribute] of Object.entries({ sortKey, expiry, guard })) {
    if (attribute?.name === userKey.name)
      throw new SettingError('must not be the attribute of userKey.name', [`${member}.name`]);
  }
  const [partitionKey, sort] = tableKey;
  if (index === null && userKey.name !== partitionKey) {
    throw new SettingError(
      `is ${quote(userKey.name)}, but the table's partition key is ${quote(partitionKey)}: name the index that finds users`,
      ['userKey.name'],
    );
  }
  if (index !== null && userKey.name === partitionKey) {
    const what = `is the table's partition key ${quote(partitionKey)}: set index to null`;
    throw new SettingError(what, ['userKey.name']);
  }
  if (index === null && sortKey && sortKey.name !== sort) {
    throw new SettingError(
      `is ${quote(sortKey.name)}, but the sort key in tableKey is ${quote(sort)}: make them the same, or leave sortKey out`,
      ['sortKey.name'],
    );
  }
  if (index === null && guard) {
    const what = 'needs an index, since deletes by the table key are batched and take no condition: leave guard out';
    throw new SettingError(what, ['guard']);
  }
}

function checkTableKey(given: unknown): string[] {
  if (!Array.isArray(given) || given.length < 1 || given.length > 2 || given[0] === given[1]) {
    const what = 'must list the name of the partition key and, if the table has one, of the sort key';
    throw new SettingError(what, ['tableKey']);
  }
  return given.map((name) => readText(name, ['each name in tableKey']));
}

function checkUserKey(given: unknown): Layout['userKey'] {
  const { name, type, value } = readObject(given, ['userKey'], ['name', 'type', 'value']);
  const userKey = {
    name: readText(name, ['userKey.name']),
    type: readOneOf(type, ['userKey.type'], ['S', 'N']),
    value: readText(value, ['userKey.value']),
  };
  const path = ['userKey.value'];
  const rest = userKey.value.replace(USER_ID_PLACEHOLDER, '');
  if (rest.includes('{user_id'))
    throw new SettingError('may contain {user_id} and {user_id:lower}: correct the one that is neither', path);
  if (rest === userKey.value) throw new SettingError('must contain {user_id}', path);
  if (userKey.type === 'N' && value !== '{user_id}')
    throw new SettingError('must be {user_id} alone when its type is N', path);
  return userKey;
}

function checkSortKey(given: unknown): NonNullable<Layout['sortKey']> {
  const { name, beginsWith } = readObject(given, ['sortKey'], ['name', 'beginsWith']);
  if (typeof beginsWith !== 'string') throw new SettingError('must be text', ['sortKey.beginsWith']);
  return { name: readText(name, ['sortKey.name']), beginsWith };
}

function checkExpiry(given: unknown): NonNullable<Layout['expiry']> {
  const { name, unit } = readObject(given, ['expiry'], ['name', 'unit']);
  return {
    name: readText(name, ['expiry.name']),
    unit: readOneOf(unit, ['expiry.unit'], ['seconds', 'milliseconds', 'iso']),
  };
}

function checkGuard(given: unknown): NonNullable<Layout['guard']> {
  const { name, equals } = readObject(given, ['guard'], ['name', 'equals']);
  return { name: readText(name, ['guard.name']), equals: checkGuardValues(equals) };
}

function checkGuardValues(given: unknown): GuardValue | GuardValue[] {
  if (!Array.isArray(given)) return typeof given === 'boolean' ? given : readText(given, ['guard.equals']);
  if (given.length < 1 || given.length > MAX_GUARD_VALUES) {
    throw new SettingError(`must list 1 to ${MAX_GUARD_VALUES} values`, ['guard.equals']);
  }
  return given.map((value) => (typeof value === 'boolean' ? value : readText(value, ['each value in guard.equals'])));
}
