import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { KNOWN_LAYOUTS } from '../../lib/sessions/known_layouts.ts';
import { readLayout } from '../../lib/settings/layout.ts';

const BY_KEY = {
  tableKey: ['pk', 'sk'],
  index: null,
  userKey: { name: 'pk', type: 'S', value: 'USER#{user_id}' },
  sortKey: { name: 'sk', beginsWith: 'SESSION#' },
  expiry: { name: 'expires', unit: 'milliseconds' },
};
const BY_INDEX = {
  tableKey: ['id'],
  index: 'by-user',
  userKey: { name: 'owner', type: 'N', value: '{user_id}' },
  sortKey: { name: 'created', beginsWith: '' },
  expiry: { name: 'until', unit: 'iso' },
  guard: { name: 'kind', equals: 'session' },
};
const ACCOUNT = {
  index: 'by-account',
  partitionKey: { name: 'account', value: '{provider}' },
  sortKey: { name: 'account_id', value: 'ID#{sub}' },
};

describe('a layout', () => {
  for (const [name, layout] of Object.entries(KNOWN_LAYOUTS)) {
    test(`the layout ${name} can be read by its name, and follows the rules for a layout in JSON`, () => {
      assert.equal(readLayout(` ${name}\n`), layout);
      assert.deepEqual(readLayout(JSON.stringify(layout)), layout);
    });
  }

  test('a layout is read from JSON, whether it finds sessions by key or by index', () => {
    for (const layout of [BY_KEY, BY_INDEX])
      assert.deepEqual(readLayout(` ${JSON.stringify(layout, null, 2)}`), layout);
  });

  test('a layout needs only its keys, and a member that is null counts as absent', () => {
    const { tableKey, userKey } = BY_KEY;
    const read = { tableKey, index: null, userKey };
    assert.deepEqual(readLayout(JSON.stringify({ tableKey, userKey })), read);
    assert.deepEqual(readLayout(JSON.stringify({ ...read, sortKey: null, expiry: null, guard: null })), read);
  });

  for (const equals of [true, false, ['session'], ['session', 'remember', true]]) {
    test(`a layout may have a guard that equals ${JSON.stringify(equals)}`, () => {
      const layout = { ...BY_INDEX, guard: { name: 'kind', equals } };
      assert.deepEqual(readLayout(JSON.stringify(layout)), layout);
      assert.deepEqual(readLayout(layout), layout, 'an object is as good as its JSON');
    });
  }

  test('a guard may list 100 values', () => {
    const layout = { ...BY_INDEX, guard: { name: 'kind', equals: Array(100).fill('x') } };
    assert.deepEqual(readLayout(layout), layout);
  });

  test('a layout may say where accounts are linked, with provider and sub in either key', () => {
    const { partitionKey, sortKey } = ACCOUNT;
    const inOne = {
      ...ACCOUNT,
      partitionKey: { ...partitionKey, value: 'x' },
      sortKey: { ...sortKey, value: '{sub}@{provider}' },
    };
    for (const account of [ACCOUNT, inOne])
      assert.deepEqual(readLayout({ ...BY_INDEX, account }), { ...BY_INDEX, account });
  });

  test('a layout may say where addresses are linked, as they are or in lower case', () => {
    for (const value of ['{email}', '{email:lower}', 'USER#{email:lower}#{email}']) {
      const email = { index: 'by-email', partitionKey: { name: 'mail', value } };
      assert.deepEqual(readLayout({ ...BY_INDEX, email }), { ...BY_INDEX, email });
    }
  });

  test('accounts may be in the table’s own key, or by key in another table', () => {
    const inTable = { partitionKey: { name: 'id', value: '{provider}#{sub}' } };
    const inAnother = { ...inTable, table: 'accounts', sortKey: { name: 'kind', value: 'account' } };
    for (const account of [inTable, inAnother])
      assert.deepEqual(readLayout({ ...BY_INDEX, account }), { ...BY_INDEX, account });
    assert.deepEqual(readLayout({ ...BY_INDEX, account: { ...inTable, table: null, index: null, userId: null } }), {
      ...BY_INDEX,
      account: inTable,
    });
  });

  test('the user’s id may be in an attribute of its own, whatever the layout’s user key', () => {
    const account = { ...ACCOUNT, userId: { name: 'owner_id', value: 'user:{user_id}' } };
    const folded = { ...BY_KEY, userKey: { ...BY_KEY.userKey, value: '{user_id:lower}' }, account };
    assert.deepEqual(readLayout(folded), folded);
  });
});

const { userKey, sortKey, expiry, guard } = BY_INDEX;
const withAccount = (account: object, value = 'u#{user_id}') => ({
  ...BY_KEY,
  userKey: { ...BY_KEY.userKey, value },
  account: { ...ACCOUNT, ...account },
});
const wrong: [string, unknown, RegExp][] = [
  [
    'an unknown member',
    { ...BY_KEY, ttl: 'x' },
    /^has the unknown member "ttl": remove it; the allowed members are tableKey, userKey, index/,
  ],
  ['an unknown member in expiry', { ...BY_KEY, expiry: { ...expiry, format: 1 } }, /expiry .*"format": remove it/],
  ['__proto__ as a member', '{"__proto__":{}}', /unknown member "__proto__"/],
  ['no tableKey', { ...BY_KEY, tableKey: undefined }, /lacks the member "tableKey": add it$/],
  ['no userKey', { ...BY_KEY, userKey: null }, /lacks the member "userKey": add it$/],
  ['a userKey without a type', { ...BY_KEY, userKey: { name: 'pk', value: '{user_id}' } }, /userKey lacks .*"type"/],
  ['an expiry without a unit', { ...BY_KEY, expiry: { name: 'expires' } }, /expiry lacks the member "unit": add it$/],
  ['an empty tableKey', { ...BY_KEY, tableKey: [] }, /tableKey must list the name of the partition key/],
  ['a tableKey of three names', { ...BY_KEY, tableKey: ['pk', 'sk', 'x'] }, /tableKey must list/],
  ['the same name twice in tableKey', { ...BY_KEY, tableKey: ['pk', 'pk'] }, /tableKey must list/],
  ['a tableKey that is text', { ...BY_KEY, tableKey: 'pk' }, /tableKey must list/],
  [
    'an empty name in tableKey',
    { ...BY_KEY, tableKey: ['pk', ''] },
    /each name in tableKey must be text that is not empty/,
  ],
  ['an empty index', { ...BY_INDEX, index: '' }, /index must be text that is not empty/],
  [
    'an index that is not a name',
    { ...BY_INDEX, index: 'by-user, too' },
    /index must be a name: 3 to 255 letters, digits/,
  ],
  ['a userKey that is text', { ...BY_KEY, userKey: 'pk' }, /userKey must be an object/],
  ['a userKey without a value', { ...BY_KEY, userKey: { ...BY_KEY.userKey, value: '' } }, /userKey.value must be text/],
  [
    'a sortKey without a prefix',
    { ...BY_KEY, sortKey: { name: 'sk' } },
    /sortKey lacks the member "beginsWith": add it$/,
  ],
  ['a sortKey without a name', { ...BY_KEY, sortKey: { ...sortKey, name: '' } }, /sortKey.name must be text/],
  ['an expiry without a name', { ...BY_KEY, expiry: { ...expiry, name: '' } }, /expiry.name must be text/],
  ['a guard without a value', { ...BY_INDEX, guard: { name: 'kind' } }, /guard lacks the member "equals": add it$/],
  ['a guard without a name', { ...BY_INDEX, guard: { ...guard, name: '' } }, /guard.name must be text/],
  ['broken JSON', '{"a":1,}', /not valid JSON: .* at position 7 .*; correct its quotes, commas and brackets$/],
  ['an unknown type of key', { ...BY_INDEX, userKey: { ...userKey, type: 'B' } }, /userKey.type must be one of S, N$/],
  [
    'an unknown unit of expiry',
    { ...BY_KEY, expiry: { ...expiry, unit: 'ms' } },
    /unit must be one of seconds, milliseconds, iso$/,
  ],
  ['a beginsWith that is a number', { ...BY_KEY, sortKey: { name: 'sk', beginsWith: 1 } }, /beginsWith must be text$/],
  [
    'no placeholder for the user id',
    { ...BY_KEY, userKey: { ...BY_KEY.userKey, value: 'USER#' } },
    /must contain {user_id}$/,
  ],
  [
    'a user id in upper case',
    { ...BY_KEY, userKey: { ...BY_KEY.userKey, value: '{user_id}#{user_id:upper}' } },
    /may contain {user_id} and {user_id:lower}: correct/,
  ],
  [
    'a {user_id that is not closed',
    { ...BY_KEY, userKey: { ...BY_KEY.userKey, value: '{user_id} {user_id' } },
    /may contain {user_id} and {user_id:lower}: correct/,
  ],
  [
    'a number folded to lower case',
    { ...BY_INDEX, userKey: { ...userKey, value: '{user_id:lower}' } },
    /{user_id} alone when its type is N$/,
  ],
  [
    'text around a number',
    { ...BY_INDEX, userKey: { ...userKey, value: 'u{user_id}' } },
    /{user_id} alone when its type is N$/,
  ],
  [
    '{user_id} in a sort prefix',
    { ...BY_INDEX, sortKey: { ...sortKey, beginsWith: 'S#{user_id}' } },
    /userKey.value only/,
  ],
  [
    '{user_id} in an attribute name',
    { ...BY_INDEX, expiry: { ...expiry, name: '{user_id}' } },
    /in userKey.value only/,
  ],
  [
    '{user_id} in the guard',
    { ...BY_INDEX, guard: { ...guard, equals: '{user_id}' } },
    /userKey.value only: remove it/,
  ],
  [
    '{user_id:lower} in the guard',
    { ...BY_INDEX, guard: { ...guard, equals: ['x', '{user_id:lower}'] } },
    /userKey.value only: remove it/,
  ],
  ['a guard that is a number', { ...BY_INDEX, guard: { ...guard, equals: 1 } }, /guard.equals must be text/],
  ['a guard that equals an empty list', { ...BY_INDEX, guard: { ...guard, equals: [] } }, /must list 1 to 100 values$/],
  ['a guard of 101 values', { ...BY_INDEX, guard: { ...guard, equals: Array(101).fill('x') } }, /1 to 100 values$/],
  ['a guard that lists a list', { ...BY_INDEX, guard: { ...guard, equals: [['x']] } }, /each value in guard.equals/],
  [
    'no index although the user is not the table’s key',
    { ...BY_INDEX, index: null },
    /partition key is "id": name the index that finds/,
  ],
  [
    'an index although the user is the table’s key',
    { ...BY_KEY, index: 'by-user' },
    /partition key "pk": set index to null$/,
  ],
  [
    'a sort key that is not the table’s',
    { ...BY_KEY, sortKey: { name: 'x', beginsWith: '' } },
    /sort key in tableKey is "sk": make/,
  ],
  [
    'a sort key where the table has none',
    { ...BY_KEY, tableKey: ['pk'] },
    /sort key in tableKey is none: .*leave sortKey out$/,
  ],
  ['a guard but no index', { ...BY_KEY, guard }, /guard needs an index.*: leave guard out$/],
  [
    'a guard on the user’s attribute',
    { ...BY_INDEX, guard: { ...guard, name: 'owner' } },
    /guard.name must not be the attribute of userKey.name$/,
  ],
  [
    'an expiry on the user’s attribute',
    { ...BY_INDEX, expiry: { ...expiry, name: 'owner' } },
    /expiry.name must not be the attribute of/,
  ],
  [
    'a sort key on the user’s attribute',
    { ...BY_INDEX, sortKey: { ...sortKey, name: 'owner' } },
    /sortKey.name must not be the attribute of/,
  ],
  [
    'an account that has no index, and other keys than the table',
    withAccount({ index: null }),
    /^account has keys that are not those in tableKey: name their index, or their table$/,
  ],
  [
    'an account that has no index, and another sort key than the table',
    withAccount({ index: null, partitionKey: { name: 'pk', value: '{provider}' } }),
    /^account has keys that are not those in tableKey/,
  ],
  ['an account whose table is not a name', withAccount({ table: 'a b' }), /^account.table must be a name: 3 to 255/],
  ['an account whose index is not a name', withAccount({ index: 'a b' }), /account.index must be a name: 3 to 255/],
  [
    'an account that has no partition key',
    withAccount({ partitionKey: undefined }),
    /account lacks the member "partitionKey": add it$/,
  ],
  [
    'an account that has no sort key, and {sub} nowhere',
    withAccount({ sortKey: undefined }),
    /account needs {sub} in partitionKey.value or sortKey.value$/,
  ],
  ...['{sub:lower}', '{sub', '{email}', '{email:lower}'].map((part): [string, unknown, RegExp] => [
    `an account with ${part}`,
    withAccount({ sortKey: { name: 'account_id', value: `{sub}#${part}` } }),
    new RegExp(`^account has "${part}" in a value: correct it`),
  ]),
  [
    'an email without {email}',
    {
      ...BY_KEY,
      email: { ...ACCOUNT, sortKey: { name: 'x', value: 'y' }, partitionKey: { name: 'z', value: '{mail}' } },
    },
    /^email needs {email} in partitionKey.value or sortKey.value$/,
  ],
  ...['{provider}', '{email:upper}'].map((part): [string, unknown, RegExp] => [
    `an email with ${part}`,
    { ...BY_KEY, email: { index: 'by-email', partitionKey: { name: 'x', value: `{email}${part}` } } },
    new RegExp(`^email has "${part}" in a value: correct it`),
  ]),
  [
    'an email and a user key that cannot be read back',
    {
      ...BY_KEY,
      userKey: { ...BY_KEY.userKey, value: '{user_id:lower}' },
      email: { index: 'by-email', partitionKey: { name: 'x', value: '{email}' } },
    },
    /^email needs {user_id} once in userKey.value, and not/,
  ],
  [
    '{user_id} in the name of an account’s userId',
    withAccount({ userId: { name: '{user_id}', value: '{user_id}' } }),
    /allowed in userKey.value only: remove it/,
  ],
  ...['x', '{user_id}{user_id}', '{user_id:lower}', '{user_id}{user_id'].map((value): [string, unknown, RegExp] => [
    `an account whose userId is ${value}, which cannot be read back`,
    withAccount({ userId: { name: 'owner', value } }),
    /^account needs {user_id} once in userId.value, and not {user_id:lower}: /,
  ]),
  [
    'an account whose partitionKey has no value',
    withAccount({ partitionKey: { name: 'account' } }),
    /account.partitionKey lacks the member "value": add it$/,
  ],
  [
    'an account whose sortKey has an empty name',
    withAccount({ sortKey: { name: '', value: '{sub}' } }),
    /account.sortKey.name must be text that is not empty$/,
  ],
  [
    'an account whose sortKey has an empty value',
    withAccount({ sortKey: { name: 'account_id', value: '' } }),
    /account.sortKey.value must be text that is not empty$/,
  ],
  [
    'an account whose sortKey has no name',
    withAccount({ sortKey: { value: '{sub}' } }),
    /account.sortKey lacks the member "name": add it$/,
  ],
  [
    'an account without {provider}',
    withAccount({ partitionKey: { name: 'account', value: 'x' } }),
    /account needs {provider} in partitionKey.value or sortKey.value$/,
  ],
  [
    'an account without {sub}',
    withAccount({ sortKey: { name: 'account_id', value: '{SUB}' } }),
    /account needs {sub} in partitionKey.value or sortKey.value$/,
  ],
  [
    '{user_id} in an account',
    withAccount({ sortKey: { name: 'account_id', value: '{user_id}{sub}' } }),
    /allowed in userKey.value only: remove it/,
  ],
  ...['{user_id}{user_id}', '{user_id:lower}', '{user_id}{user_id:lower}'].map((value): [string, unknown, RegExp] => [
    `an account and the user key ${value} that cannot be read back`,
    withAccount({}, value),
    /account needs {user_id} once in userKey.value, and not {user_id:lower}: /,
  ]),
  [
    'an unknown name',
    'constructor',
    /no layout is called "constructor"; use one of default, authjs, .*, or a layout as JSON$/,
  ],
  ['a name of two lines', 'a\nb', /no layout is called "a\\nb"; use one of /],
  ['an unknown member of two lines', { ...BY_KEY, 'a\nb': 1 }, /unknown member "a\\nb"/],
];

describe('a wrong layout', () => {
  for (const [what, given, expected] of wrong) {
    test(`a layout with ${what} is refused, and one line says what to correct`, () => {
      assert.throws(
        () => readLayout(typeof given === 'string' ? given : JSON.stringify(given)),
        ({ message }: Error) => {
          assert.match(message, /^[^\n]+$/);
          assert.match(message, expected);
          return true;
        },
      );
    });
  }
});
