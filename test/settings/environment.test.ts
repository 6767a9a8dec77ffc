import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { readSettings } from '../../lib/settings/environment.ts';
import { readLayout } from '../../lib/settings/layout.ts';

const COMPLETE = { VALIDATOR_SECRET_IDS: 'a, b', SESSIONS_TABLE: 'sessions' };
const read = (env: Record<string, string>) => readSettings(env, 'VALIDATOR_SECRET_IDS');

test('two settings are enough to start, and the others have defaults', () => {
  const { secretIds, stores, validatorMaxAgeMs, settleMs } = read(COMPLETE);
  assert.deepEqual([secretIds, validatorMaxAgeMs, settleMs], [['a', 'b'], 300_000, 0]);
  const layout = readLayout('default');
  assert.deepEqual(stores, [{ table: 'sessions', layout, userIdPattern: /^(?:0|[1-9][0-9]{0,18})$/u }]);
});

test('SETTLE_SECONDS may have a fraction', () => {
  assert.equal(read({ ...COMPLETE, SETTLE_SECONDS: '0.25' }).settleMs, 250);
});

test('a blank setting counts as missing', () => {
  const blank = { SESSION_LAYOUT: ' ', USER_ID_PATTERN: ' ', VALIDATOR_MAX_AGE_SECONDS: '\n', SETTLE_SECONDS: ' ' };
  assert.deepEqual(read({ ...COMPLETE, ...blank }), read(COMPLETE));
});

test('MORE_STORES takes each layout as a name, an object or JSON text, and may have its own user id patterns', () => {
  const layout = readLayout('lucia');
  const list = [
    { table: 'shop', layout: 'authjs' },
    { table: 'shop', layout, userIdPattern: 'a|bc' },
    { table: 'sessions', layout: JSON.stringify(layout), userIdPattern: null },
  ];
  const [main, ...more] = read({ ...COMPLETE, MORE_STORES: ` ${JSON.stringify(list)} ` }).stores;
  assert.deepEqual(more, [
    { table: 'shop', layout: readLayout('authjs'), userIdPattern: main.userIdPattern },
    { table: 'shop', layout, userIdPattern: /^(?:a|bc)$/u },
    { table: 'sessions', layout, userIdPattern: main.userIdPattern },
  ]);
});

test('there are no further stores when MORE_STORES is none, empty, blank or an empty list', () => {
  for (const MORE_STORES of ['none', '', ' ', '[]']) assert.equal(read({ ...COMPLETE, MORE_STORES }).stores.length, 1);
});

/** A list whose second entry is this. */
function moreStores(entry: unknown): { MORE_STORES: string } {
  return { MORE_STORES: JSON.stringify([{ table: 'shop', layout: 'lucia' }, entry]) };
}

const faults: [string, Record<string, string>, RegExp][] = [
  ['VALIDATOR_SECRET_IDS is missing', { VALIDATOR_SECRET_IDS: '' }, /^VALIDATOR_SECRET_IDS is missing: set it to /],
  ['VALIDATOR_SECRET_IDS is blank', { VALIDATOR_SECRET_IDS: ' ' }, /^VALIDATOR_SECRET_IDS is missing: /],
  [
    'VALIDATOR_SECRET_IDS has an empty entry',
    { VALIDATOR_SECRET_IDS: 'a,,b' },
    /^VALIDATOR_SECRET_IDS has an empty entry: /,
  ],
  ['SESSIONS_TABLE is missing', { SESSIONS_TABLE: '' }, /^SESSIONS_TABLE is missing: set it to the name of /],
  ['SESSION_LAYOUT is unknown', { SESSION_LAYOUT: 'redis' }, /^SESSION_LAYOUT: .*use one of default, /],
  ['SESSION_LAYOUT is broken JSON', { SESSION_LAYOUT: '{' }, /^SESSION_LAYOUT: .*not valid JSON/],
  [
    'SESSION_LAYOUT lacks a member',
    { SESSION_LAYOUT: '{"tableKey":["id"]}' },
    /^SESSION_LAYOUT lacks the member "userKey": add it$/,
  ],
  [
    'USER_ID_PATTERN is not a regular expression',
    { USER_ID_PATTERN: '[' },
    /^USER_ID_PATTERN is not a regular expression in Unicode mode, Unterminated character class: \[$/,
  ],
  [
    'USER_ID_PATTERN has a class that Unicode mode does not allow',
    { USER_ID_PATTERN: '[\\w-\\.]+' },
    /^USER_ID_PATTERN is not a regular expression in Unicode mode, Invalid character class: \[\\w-\\\.\]\+; .*: \[\\w-\\\.\]\+ is written \[\\w\.\\-\]\+$/,
  ],
  [
    'USER_ID_PATTERN has a needless escape, which Unicode mode does not allow',
    { USER_ID_PATTERN: 'user\\-\n?' },
    /^USER_ID_PATTERN is not a regular expression in Unicode mode, Invalid escape: user\\- \?; a needless escape /,
  ],
  ['USER_ID_PATTERN breaks out of its anchors', { USER_ID_PATTERN: 'a)|(?:b' }, /^USER_ID_PATTERN is not/],
  [
    'VALIDATOR_MAX_AGE_SECONDS is a word',
    { VALIDATOR_MAX_AGE_SECONDS: 'soon' },
    /^VALIDATOR_MAX_AGE_SECONDS is "soon": .* 0 to 3600$/,
  ],
  ['SETTLE_SECONDS is more than 10', { SETTLE_SECONDS: '11' }, /^SETTLE_SECONDS is "11": .* 0 to 10$/],
  [
    'MORE_STORES has a trailing comma',
    { MORE_STORES: '[{\n"table":"web",}]' },
    /^MORE_STORES: this is not valid JSON: .* \(line 2 column 15\); correct its quotes/,
  ],
  [
    'MORE_STORES ends too soon',
    { MORE_STORES: '[' },
    /^MORE_STORES: this is not valid JSON: Unexpected end of JSON input; correct its quotes/,
  ],
  [
    'MORE_STORES is not a list',
    { MORE_STORES: '{"table":"web","layout":"authjs"}' },
    /^MORE_STORES: .* a JSON list of stores/,
  ],
  ['an entry of MORE_STORES is not a store', moreStores('web'), /^MORE_STORES: entry 2 must be an object$/],
  [
    'an entry of MORE_STORES has no table',
    moreStores({ layout: 'authjs' }),
    /^MORE_STORES: entry 2 lacks the member "table": add/,
  ],
  [
    'an entry of MORE_STORES has no layout',
    moreStores({ table: 'web' }),
    /^MORE_STORES: entry 2 lacks the member "layout": add it$/,
  ],
  [
    'an entry of MORE_STORES has an empty table',
    moreStores({ table: '', layout: 'authjs' }),
    /^MORE_STORES: entry 2: table must be text/,
  ],
  [
    'an entry of MORE_STORES has an unknown member',
    moreStores({ table: 'web', layout: 'authjs', settleSeconds: 1 }),
    /^MORE_STORES: entry 2 has .* "settleSeconds": remove it; the allowed members are table, layout, userIdPattern$/,
  ],
  [
    'an entry of MORE_STORES has an unknown layout',
    moreStores({ table: 'web', layout: 'redis' }),
    /^MORE_STORES: entry 2: layout: no layout is called "redis"; use one of default, /,
  ],
  [
    'an entry of MORE_STORES has a layout that contradicts itself',
    moreStores({ table: 'web', layout: { ...readLayout('authjs'), index: 'x-index' } }),
    /^MORE_STORES: entry 2: layout: userKey.name is the table's partition key "pk": set index to null$/,
  ],
  ['an entry of MORE_STORES is null', moreStores(null), /^MORE_STORES: entry 2 must be an object$/],
  [
    'an entry of MORE_STORES has a userIdPattern that is not text',
    moreStores({ table: 'web', layout: 'authjs', userIdPattern: 7 }),
    /^MORE_STORES: entry 2: userIdPattern must be text that is not empty$/,
  ],
  [
    'an entry of MORE_STORES has a userIdPattern that is not a pattern',
    moreStores({ table: 'web', layout: 'authjs', userIdPattern: '(' }),
    /^MORE_STORES: entry 2: userIdPattern is not a regular expression in Unicode mode, /,
  ],
  [
    'an entry of MORE_STORES repeats an earlier one',
    moreStores({ table: 'shop', layout: readLayout('lucia') }),
    /^MORE_STORES: entry 2: an earlier store has the same table and layout: remove one of them$/,
  ],
  ['SETTLE_SECONDS has a unit', { SETTLE_SECONDS: '5s' }, /^SETTLE_SECONDS is "5s": set it to a number of seconds/],
  ['SETTLE_SECONDS is negative', { SETTLE_SECONDS: '-1' }, /^SETTLE_SECONDS is "-1"/],
];
for (const [what, env, line] of faults) {
  test(`the start fails with a one-line error when ${what}`, () => {
    assert.throws(
      () => read({ ...COMPLETE, ...env }),
      ({ message }: Error) => line.test(message) && !message.includes('\n'),
    );
  });
}

test('an error of a setting has the variable, the way to the faulty part, and what is wrong there, each by itself', () => {
  const layout = { ...readLayout('authjs'), userKey: { name: '', type: 'S', value: '{user_id}' } };
  assert.throws(() => read({ ...COMPLETE, ...moreStores({ table: 'web', layout }) }), {
    variable: 'MORE_STORES',
    path: ['entry 2', 'layout', 'userKey.name'],
    what: 'must be text that is not empty',
    message: 'MORE_STORES: entry 2: layout: userKey.name must be text that is not empty',
  });
});

test('a missing setting makes the cold start fail', async () => {
  const { coldStart } = await import('../setup/lambda.ts');
  await assert.rejects(coldStart({ SESSIONS_TABLE: 'sessions' }), /^Error: VALIDATOR_SECRET_IDS is missing: /);
});

const idsByLayout: [layout: string, accepted: string[], refused: string[]][] = [
  ['authjs', [randomUUID()], ['7', randomUUID().toUpperCase(), randomUUID().replaceAll('-', '')]],
  ['lucia', ['0k3v9x8q2m1z7ya', 'a5kq7xw2mnbvcz3d'], ['7', '0K3V9X8Q2M1Z7YA', 'a5kq7xw2mnbvcz3d0']],
  [
    'openauth',
    ['user:0123456789abcdef', 'api-client:fedcba9876543210'],
    ['7', '0123456789abcdef', 'user:0123456789abcde'],
  ],
  ['better-auth', ['Zq3v9X8Q2m1Z7yakGJ0pLw4RtE6uHbNc'], ['7', randomUUID(), 'Zq3v9X8Q2m1Z7yakGJ0pLw4RtE6uHbN']],
  ...['default', 'connect-dynamodb', 'architect', JSON.stringify(readLayout('authjs'))].map(
    (layout): [string, string[], string[]] => [
      layout,
      ['0', '7', '9'.repeat(19)],
      ['07', '1'.repeat(20), randomUUID()],
    ],
  ),
];
for (const [layout, accepted, refused] of idsByLayout) {
  test(`without USER_ID_PATTERN the layout ${layout} takes ids as they are made there, in all stores`, () => {
    const MORE_STORES = '[{ "table": "shop", "layout": "default" }]';
    for (const { userIdPattern } of read({ ...COMPLETE, SESSION_LAYOUT: ` ${layout} `, MORE_STORES }).stores) {
      assert.deepEqual(
        [...accepted, ...refused].filter((id) => userIdPattern.test(id)),
        accepted,
      );
    }
  });
}

test('USER_ID_PATTERN must match the whole user id', () => {
  const [{ userIdPattern }] = read({ ...COMPLETE, USER_ID_PATTERN: 'a|bc' }).stores;
  for (const [id, fits] of [
    ['a', true],
    ['bc', true],
    ['ab', false],
    ['xbc', false],
    ['a\n', false],
  ] as const) {
    assert.equal(userIdPattern.test(id), fits, id);
  }
});
