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
  // As the adapter writes by default, with two indexes; with one (its option gsiName) the expiry is in ExpiresAt.
  lucia: {
    tableKey: ['PK', 'SK'],
    index: null,
    userKey: { name: 'PK', type: 'S', value: 'USER#{user_id}' },
    sortKey: { name: 'SK', beginsWith: 'SESSION#' },
    expiry: { name: 'GSI2SK', unit: 'iso' },
  },
  // Refresh tokens: OpenAuth joins the first two parts of a key by the unit separator.
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
    sortKey: { name: 'createdAt', beginsWith: '' },
    expiry: { name: 'expiresAt', unit: 'iso' },
  },
};

const MAX_KEY_BYTES = 2048; // of a partition key of type S, in a table or an index

/** The layout that SESSION_LAYOUT names or spells out as JSON. Throws one line that says what to mend. */
export function readLayout(setting: string): Layout {
  const name = setting.trim();
  if (name.startsWith('{')) return checkLayout(parse(name));
  const known = Object.hasOwn(KNOWN_LAYOUTS, name) ? KNOWN_LAYOUTS[name] : undefined;
  const names = Object.keys(KNOWN_LAYOUTS).join(', ');
  return known ?? refuse(`no layout is called ${quote(name)}; known are ${names}, or give a layout as JSON`);
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
  const value = userKey.value.replaceAll('{user_id}', () => userId);
  if (userKey.type === 'N') return /^(0|-?[1-9]\d{0,37})$/.test(value) ? { N: value } : undefined;
  return Buffer.byteLength(value) <= MAX_KEY_BYTES ? { S: value } : undefined;
}

function checkLayout(given: unknown): Layout {
  const layout = members(given, 'the layout', ['tableKey', 'userKey'], ['index', 'sortKey', 'expiry', 'guard']);
  const tableKey = checkTableKey(layout.tableKey);
  const index = layout.index === undefined ? null : checkIndex(layout.index);
  const userKey = checkUserKey(layout.userKey);
  const sortKey = layout.sortKey === undefined ? undefined : checkSortKey(layout.sortKey);
  const expiry = layout.expiry === undefined ? undefined : checkExpiry(layout.expiry);
  const guard = layout.guard === undefined ? undefined : checkGuard(layout.guard);

  // Elsewhere the id would match other users too: the prefix SESSION#1 begins SESSION#12.
  if (JSON.stringify([tableKey, index, userKey.name, sortKey, expiry, guard]).includes('{user_id}')) {
    refuse('{user_id} is allowed in userKey.value only: remove it elsewhere');
  }
  for (const [member, attribute] of Object.entries({ sortKey, expiry, guard })) {
    if (attribute?.name === userKey.name) refuse(`${member}.name must be another attribute than userKey.name`);
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
      `sortKey.name is ${quote(sortKey.name)}, but the table's sort key is ${quote(sort)}: name that one, or leave sortKey out`,
    );
  }
  if (index === null && guard) {
    refuse('guard needs an index, since deletes by the table key are batched and take no condition: leave guard out');
  }
  return { tableKey, index, userKey, ...(sortKey && { sortKey }), ...(expiry && { expiry }), ...(guard && { guard }) };
}

function checkTableKey(given: unknown): string[] {
  if (!Array.isArray(given) || given.length < 1 || given.length > 2 || given[0] === given[1]) {
    return refuse('tableKey must list the name of the partition key and, if the table has one, of the sort key');
  }
  return given.map((name) => text(name, 'each name in tableKey'));
}

function checkIndex(given: unknown): string {
  const index = text(given, 'index');
  return /^[\w.-]{3,255}$/.test(index) ? index : refuse('index must be a name: 3 to 255 letters, digits, _, - and .');
}

function checkUserKey(given: unknown): Layout['userKey'] {
  const { name, type, value } = members(given, 'userKey', ['name', 'type', 'value']);
  const userKey = {
    name: text(name, 'userKey.name'),
    type: oneOf(type, 'userKey.type', ['S', 'N']),
    value: text(value, 'userKey.value'),
  };
  if (!userKey.value.includes('{user_id}')) refuse('userKey.value must contain {user_id}');
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
  return { name: text(name, 'guard.name'), equals: text(equals, 'guard.equals') };
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return refuse('the layout is not valid JSON: mend its quotes, commas and brackets');
  }
}

/** The members of an object, all of them known; one that is null counts as absent. */
function members(given: unknown, where: string, required: string[], optional: string[] = []): Record<string, unknown> {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) return refuse(`${where} must be an object`);
  const object = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== null));
  const allowed = [...required, ...optional];
  const unknown = Object.keys(given).find((name) => !allowed.includes(name));
  if (unknown !== undefined) {
    refuse(`${where} has the unknown member ${quote(unknown)}: remove it; known are ${allowed.join(', ')}`);
  }
  const missing = required.find((name) => object[name] === undefined);
  if (missing !== undefined) refuse(`${where} lacks the member ${quote(missing)}: add it`);
  return object;
}

function text(given: unknown, where: string): string {
  return typeof given === 'string' && given !== '' ? given : refuse(`${where} must be text that is not empty`);
}

function oneOf<T extends string>(given: unknown, where: string, allowed: T[]): T {
  return allowed.find((value) => value === given) ?? refuse(`${where} must be one of ${allowed.join(', ')}`);
}

/** As JSON, so that a line stays one line whatever it quotes. */
function quote(name: string | undefined): string {
  return name === undefined ? 'none' : JSON.stringify(name);
}

function refuse(mend: string): never {
  throw new Error(`SESSION_LAYOUT: ${mend}`);
}
