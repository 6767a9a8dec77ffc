import { KNOWN_LAYOUTS } from './known_layouts.ts';
import { members, oneOf, parse, quote, refuse, text } from './members.ts';

/** Where a session library keeps a user's items; docs/session-stores.md explains each member. */
export type Layout = {
  /** The table's own key: partition key, then the sort key if it has one. */
  tableKey: string[];
  /** The index to find a user's items by; null when the user is the table's partition key. */
  index: string | null;
  /** The key attribute that names the user; `{user_id}` and `{user_id:lower}` in its value are replaced. */
  userKey: { name: string; type: 'S' | 'N'; value: string };
  /** Sort key of the table or index, and the prefix that it has in session items. */
  sortKey?: { name: string; beginsWith: string };
  expiry?: { name: string; unit: 'seconds' | 'milliseconds' | 'iso' };
  /** Only with an index: an attribute that has this value, or one of these, in every session item and in no other. */
  guard?: { name: string; equals: GuardValue | GuardValue[] };
  /** The items that link a provider's account to a user; `{provider}` and `{sub}` in the values are replaced. */
  account?: { index: string; partitionKey: KeyValue; sortKey: KeyValue };
};
type KeyValue = { name: string; value: string };
type GuardValue = string | boolean;

const USER_ID = /\{user_id(:lower)?\}/g;
const MAX_KEY_BYTES = 2048; // of a partition key of type S, in a table or an index
const MAX_GUARD_VALUES = 100; // the most that IN takes in a condition

/** Reads a layout: its name, or an object, or that as JSON. Throws one line that says what to correct. */
export function readLayout(given: unknown): Layout {
  if (typeof given !== 'string') return checkLayout(given);
  const name = given.trim();
  if (name.startsWith('{')) return checkLayout(parse(name));
  const known = Object.hasOwn(KNOWN_LAYOUTS, name) ? KNOWN_LAYOUTS[name] : undefined;
  const names = Object.keys(KNOWN_LAYOUTS).join(', ');
  return known ?? refuse(`no layout is called ${quote(name)}; use one of ${names}, or a layout as JSON`);
}

/** Every attribute that the function names in its requests, and so all that its role may touch. */
export function layoutAttributes({ tableKey, userKey, sortKey, expiry, guard }: Layout): string[] {
  const names = [...tableKey, userKey.name, sortKey?.name, expiry?.name, guard?.name];
  return [...new Set(names.filter((name) => name !== undefined))];
}

/**
 * The user's key value, or undefined when this layout cannot hold such an id. For type N only canonical integers of at
 * most 38 digits: "007" would be user 7.
 */
export function userKeyValue({ userKey }: Layout, userId: string): { S: string } | { N: string } | undefined {
  const value = userKey.value.replace(USER_ID, (_, lower) => (lower ? userId.toLowerCase() : userId));
  if (userKey.type === 'N') return /^(0|-?[1-9]\d{0,37})$/.test(value) ? { N: value } : undefined;
  return Buffer.byteLength(value) <= MAX_KEY_BYTES ? { S: value } : undefined;
}

function checkLayout(given: unknown): Layout {
  const optional = ['index', 'sortKey', 'expiry', 'guard', 'account'];
  const found = members(given, 'the layout', ['tableKey', 'userKey'], optional);
  const layout: Layout = {
    tableKey: checkTableKey(found.tableKey),
    index: found.index === undefined ? null : checkIndex(found.index, 'index'),
    userKey: checkUserKey(found.userKey),
    ...(found.sortKey !== undefined && { sortKey: checkSortKey(found.sortKey) }),
    ...(found.expiry !== undefined && { expiry: checkExpiry(found.expiry) }),
    ...(found.guard !== undefined && { guard: checkGuard(found.guard) }),
    ...(found.account !== undefined && { account: checkAccount(found.account) }),
  };
  checkTogether(layout);
  return layout;
}

/** The rules that involve more than one member. */
function checkTogether({ userKey, ...others }: Layout): void {
  // Elsewhere the id would match other users too: SESSION#1 is a prefix of SESSION#12.
  if (JSON.stringify([userKey.name, others]).includes('{user_id')) {
    refuse('{user_id} is allowed in userKey.value only: remove it elsewhere');
  }
  const { tableKey, index, sortKey, expiry, guard, account } = others;
  if (account && userKey.value.match(USER_ID)?.join() !== '{user_id}') {
    refuse(
      'account needs {user_id} once in userKey.value, and not {user_id:lower}: the user id is read back from that key',
    );
  }
  for (const [member, attribute] of Object.entries({ sortKey, expiry, guard })) {
    if (attribute?.name === userKey.name) refuse(`${member}.name must not be the attribute of userKey.name`);
  }
  const [partitionKey, sort] = tableKey;
  if (index === null && userKey.name !== partitionKey) {
    refuse(
      `userKey.name is ${quote(userKey.name)}, but the table's partition key is ${quote(partitionKey)}: name the index that finds users`,
    );
  }
  if (index !== null && userKey.name === partitionKey) {
    refuse(`userKey.name is the table's partition key ${quote(partitionKey)}: set index to null`);
  }
  if (index === null && sortKey && sortKey.name !== sort) {
    refuse(
      `sortKey.name is ${quote(sortKey.name)}, but the sort key in tableKey is ${quote(sort)}: make them the same, or leave sortKey out`,
    );
  }
  if (index === null && guard) {
    refuse('guard needs an index, since deletes by the table key are batched and take no condition: leave guard out');
  }
}

function checkTableKey(given: unknown): string[] {
  if (!Array.isArray(given) || given.length < 1 || given.length > 2 || given[0] === given[1]) {
    return refuse('tableKey must list the name of the partition key and, if the table has one, of the sort key');
  }
  return given.map((name) => text(name, 'each name in tableKey'));
}

function checkIndex(given: unknown, where: string): string {
  const index = text(given, where);
  return /^[\w.-]{3,255}$/.test(index)
    ? index
    : refuse(`${where} must be a name: 3 to 255 letters, digits, _, - and .`);
}

function checkUserKey(given: unknown): Layout['userKey'] {
  const { name, type, value } = members(given, 'userKey', ['name', 'type', 'value']);
  const userKey = {
    name: text(name, 'userKey.name'),
    type: oneOf(type, 'userKey.type', ['S', 'N']),
    value: text(value, 'userKey.value'),
  };
  const rest = userKey.value.replace(USER_ID, '');
  if (rest.includes('{user_id'))
    refuse('userKey.value may contain {user_id} and {user_id:lower}: correct the one that is neither');
  if (rest === userKey.value) refuse('userKey.value must contain {user_id}');
  if (userKey.type === 'N' && value !== '{user_id}') refuse('userKey.value must be {user_id} alone when its type is N');
  return userKey;
}

function checkSortKey(given: unknown): NonNullable<Layout['sortKey']> {
  const { name, beginsWith } = members(given, 'sortKey', ['name', 'beginsWith']);
  if (typeof beginsWith !== 'string') return refuse('sortKey.beginsWith must be text');
  return { name: text(name, 'sortKey.name'), beginsWith };
}

function checkExpiry(given: unknown): NonNullable<Layout['expiry']> {
  const { name, unit } = members(given, 'expiry', ['name', 'unit']);
  return { name: text(name, 'expiry.name'), unit: oneOf(unit, 'expiry.unit', ['seconds', 'milliseconds', 'iso']) };
}

function checkGuard(given: unknown): NonNullable<Layout['guard']> {
  const { name, equals } = members(given, 'guard', ['name', 'equals']);
  return { name: text(name, 'guard.name'), equals: checkGuardValues(equals) };
}

function checkGuardValues(given: unknown): GuardValue | GuardValue[] {
  if (!Array.isArray(given)) return typeof given === 'boolean' ? given : text(given, 'guard.equals');
  if (given.length < 1 || given.length > MAX_GUARD_VALUES) {
    refuse(`guard.equals must list 1 to ${MAX_GUARD_VALUES} values`);
  }
  return given.map((value) => (typeof value === 'boolean' ? value : text(value, 'each value in guard.equals')));
}

function checkAccount(given: unknown): NonNullable<Layout['account']> {
  const { index, partitionKey, sortKey } = members(given, 'account', ['index', 'partitionKey', 'sortKey']);
  const account = {
    index: checkIndex(index, 'account.index'),
    partitionKey: checkKeyValue(partitionKey, 'account.partitionKey'),
    sortKey: checkKeyValue(sortKey, 'account.sortKey'),
  };
  const values = account.partitionKey.value + account.sortKey.value;
  // Otherwise any account of the provider, or the same one of another provider, would be this user's.
  for (const part of ['{provider}', '{sub}']) {
    if (!values.includes(part)) refuse(`account needs ${part} in partitionKey.value or sortKey.value`);
  }
  return account;
}

function checkKeyValue(given: unknown, where: string): KeyValue {
  const { name, value } = members(given, where, ['name', 'value']);
  return { name: text(name, `${where}.name`), value: text(value, `${where}.value`) };
}
