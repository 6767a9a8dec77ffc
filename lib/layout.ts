/** Where a session library keeps a user's items; docs/session-stores.md explains each member. */
export type Layout = {
  /** The table's own key: partition key, then the sort key if it has one. */
  tableKey: string[];
  /** The index to find a user's items by; null when the user is the table's partition key. */
  index: string | null;
  /** The key attribute that names the user; `{user_id}` in its value is replaced. */
  userKey: { name: string; type: 'S' | 'N'; value: string };
  /** Sort key of the table or index, and what those of session items begin with. */
  sortKey?: { name: string; beginsWith: string };
  expiry?: { name: string; unit: 'seconds' | 'milliseconds' | 'iso' };
  /** Only with an index: an attribute that every session item has, and no other item. */
  guard?: { name: string; equals: string };
};

export const KNOWN_LAYOUTS: Record<string, Layout> = {
  default: {
    tableKey: ['user_id', 'session_id'],
    index: null,
    userKey: { name: 'user_id', type: 'S', value: '{user_id}' },
    expiry: { name: 'expires_at', unit: 'seconds' },
  },
  // The partition also holds USER# and ACCOUNT# items: without the prefix a logout would delete the user.
  authjs: {
    tableKey: ['pk', 'sk'],
    index: null,
    userKey: { name: 'pk', type: 'S', value: 'USER#{user_id}' },
    sortKey: { name: 'sk', beginsWith: 'SESSION#' },
    expiry: { name: 'expires', unit: 'seconds' },
  },
  lucia: {
    tableKey: ['PK', 'SK'],
    index: null,
    userKey: { name: 'PK', type: 'S', value: 'USER#{user_id}' },
    sortKey: { name: 'SK', beginsWith: 'SESSION#' },
    expiry: { name: 'ExpiresAt', unit: 'iso' },
  },
  openauth: {
    tableKey: ['pk', 'sk'],
    index: null,
    userKey: { name: 'pk', type: 'S', value: 'oauth:refresh\u001f{user_id}' },
    expiry: { name: 'expiry', unit: 'seconds' },
  },
  'connect-dynamodb': {
    tableKey: ['id'],
    index: 'userId-index',
    userKey: { name: 'userId', type: 'S', value: '{user_id}' },
    expiry: { name: 'expires', unit: 'seconds' },
  },
  architect: {
    tableKey: ['_idx'],
    index: 'userId-index',
    userKey: { name: 'userId', type: 'S', value: '{user_id}' },
    expiry: { name: '_ttl', unit: 'seconds' },
  },
  'better-auth': {
    tableKey: ['id'],
    index: 'session_userId_idx',
    userKey: { name: 'userId', type: 'S', value: '{user_id}' },
  },
};

/** The layout that SESSION_LAYOUT names or spells out as JSON. Throws one line that says what to mend. */
export function readLayout(setting: string): Layout {
  if (!setting.trimStart().startsWith('{')) {
    const known = Object.hasOwn(KNOWN_LAYOUTS, setting) ? KNOWN_LAYOUTS[setting] : undefined;
    if (known) return known;
    throw new Error(
      `SESSION_LAYOUT: no layout is called "${setting}"; known are ${Object.keys(KNOWN_LAYOUTS).join(', ')}, or give a layout as JSON`,
    );
  }
  let given: unknown;
  try {
    given = JSON.parse(setting);
  } catch {
    throw new Error('SESSION_LAYOUT: the layout is not valid JSON');
  }
  return checkLayout(given);
}

/** Every attribute that the function names in its requests, and so all that its role may touch. */
export function layoutAttributes({ tableKey, userKey, sortKey, expiry, guard }: Layout): string[] {
  const names = [...tableKey, userKey.name, sortKey?.name, expiry?.name, guard?.name];
  return [...new Set(names.filter((name) => name !== undefined))];
}

/** The user's key value, or undefined when this layout cannot hold such an id (type N: canonical integers of 38 digits). */
export function userKeyValue({ userKey }: Layout, userId: string): { S: string } | { N: string } | undefined {
  const value = userKey.value.replaceAll('{user_id}', () => userId);
  if (userKey.type === 'S') return { S: value };
  return /^(0|-?[1-9]\d{0,37})$/.test(value) ? { N: value } : undefined;
}

function checkLayout(given: unknown): Layout {
  const layout = members(given, 'the layout', ['tableKey', 'index', 'userKey'], ['sortKey', 'expiry', 'guard']);
  const tableKey = keyNames(layout.tableKey);
  const index = layout.index === null ? null : text(layout.index, 'index');
  const userKey = checkUserKey(layout.userKey);
  const sortKey = layout.sortKey === undefined ? undefined : checkSortKey(layout.sortKey);
  const expiry = layout.expiry === undefined ? undefined : checkExpiry(layout.expiry);
  const guard = layout.guard === undefined ? undefined : checkGuard(layout.guard);

  // Elsewhere the id would match other users too: the prefix SESSION#1 begins SESSION#12.
  if (JSON.stringify([tableKey, index, userKey.name, sortKey, expiry, guard]).includes('{user_id}')) {
    refuse('{user_id} is allowed in userKey.value only');
  }
  if (index === null && userKey.name !== tableKey[0]) {
    refuse(
      `userKey.name is "${userKey.name}", but the table's partition key is "${tableKey[0]}": name the index that finds users`,
    );
  }
  if (index !== null && userKey.name === tableKey[0]) {
    refuse(`userKey.name is the table's partition key "${tableKey[0]}": set index to null`);
  }
  if (index === null && sortKey && sortKey.name !== tableKey[1]) {
    refuse(`sortKey.name is "${sortKey.name}", but the table's sort key is "${tableKey[1] ?? 'none'}"`);
  }
  if (index === null && guard) {
    refuse('guard needs an index: what the table key finds is deleted in batches, and those take no condition');
  }
  return { tableKey, index, userKey, ...(sortKey && { sortKey }), ...(expiry && { expiry }), ...(guard && { guard }) };
}

function keyNames(given: unknown): string[] {
  if (!Array.isArray(given) || given.length < 1 || given.length > 2) {
    return refuse('tableKey must list the partition key and, if the table has one, the sort key');
  }
  return given.map((name) => text(name, 'tableKey'));
}

function checkUserKey(given: unknown): Layout['userKey'] {
  const userKey = members(given, 'userKey', ['name', 'type', 'value'], []);
  const type = oneOf(userKey.type, 'userKey.type', ['S', 'N']);
  const value = text(userKey.value, 'userKey.value');
  if (!value.includes('{user_id}')) refuse('userKey.value must contain {user_id}');
  if (type === 'N' && value !== '{user_id}') refuse('userKey.value must be {user_id} alone when userKey.type is N');
  return { name: text(userKey.name, 'userKey.name'), type, value };
}

function checkSortKey(given: unknown): NonNullable<Layout['sortKey']> {
  const { name, beginsWith } = members(given, 'sortKey', ['name', 'beginsWith'], []);
  if (typeof beginsWith !== 'string') return refuse('sortKey.beginsWith must be text');
  return { name: text(name, 'sortKey.name'), beginsWith };
}

function checkExpiry(given: unknown): NonNullable<Layout['expiry']> {
  const { name, unit } = members(given, 'expiry', ['name', 'unit'], []);
  return { name: text(name, 'expiry.name'), unit: oneOf(unit, 'expiry.unit', ['seconds', 'milliseconds', 'iso']) };
}

function checkGuard(given: unknown): NonNullable<Layout['guard']> {
  const { name, equals } = members(given, 'guard', ['name', 'equals'], []);
  return { name: text(name, 'guard.name'), equals: text(equals, 'guard.equals') };
}

function members(given: unknown, where: string, required: string[], optional: string[]): Record<string, unknown> {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) return refuse(`${where} must be an object`);
  const object: Record<string, unknown> = { ...given };
  const allowed = [...required, ...optional];
  const unknown = Object.keys(object).find((name) => !allowed.includes(name));
  if (unknown !== undefined) refuse(`${where} has the unknown member "${unknown}"; it takes ${allowed.join(', ')}`);
  const missing = required.find((name) => object[name] === undefined);
  if (missing !== undefined) refuse(`${where} lacks the member "${missing}"`);
  return object;
}

function text(given: unknown, where: string): string {
  return typeof given === 'string' && given !== '' ? given : refuse(`${where} must be text that is not empty`);
}

function oneOf<T extends string>(given: unknown, where: string, allowed: T[]): T {
  return allowed.find((value) => value === given) ?? refuse(`${where} must be one of ${allowed.join(', ')}`);
}

function refuse(mend: string): never {
  throw new Error(`SESSION_LAYOUT: ${mend}`);
}
