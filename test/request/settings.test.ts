import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readSettings } from '../../lib/request/settings.ts';

const COMPLETE = { VALIDATOR_SECRET_IDS: 'a, b', SESSIONS_TABLE: 'sessions' };

test('takes two settings, and defaults for the others', () => {
  const { secretIds, table, validatorMaxAgeMs, settleMs, layout } = readSettings(COMPLETE);
  assert.deepEqual([secretIds, table, validatorMaxAgeMs, settleMs], [['a', 'b'], 'sessions', 300_000, 0]);
  assert.deepEqual(layout.tableKey, ['user_id', 'session_id']);
});

const faults: [string, Record<string, string>, RegExp][] = [
  ['VALIDATOR_SECRET_IDS is missing', { VALIDATOR_SECRET_IDS: '' }, /^VALIDATOR_SECRET_IDS is missing: set it to /],
  ['VALIDATOR_SECRET_IDS is blank', { VALIDATOR_SECRET_IDS: ' ' }, /^VALIDATOR_SECRET_IDS is missing: /],
  [
    'VALIDATOR_SECRET_IDS has an empty entry',
    { VALIDATOR_SECRET_IDS: 'a,,b' },
    /^VALIDATOR_SECRET_IDS has an empty entry: /,
  ],
  ['SESSIONS_TABLE is missing', { SESSIONS_TABLE: '' }, /^SESSIONS_TABLE is missing: set it to /],
  ['SESSION_LAYOUT is unknown', { SESSION_LAYOUT: 'redis' }, /^SESSION_LAYOUT: .*known are default, /],
  ['SESSION_LAYOUT is broken JSON', { SESSION_LAYOUT: '{' }, /^SESSION_LAYOUT: .*not valid JSON/],
  ['USER_ID_PATTERN is no pattern', { USER_ID_PATTERN: '[' }, /^USER_ID_PATTERN is not a regular expression: \[$/],
  ['USER_ID_PATTERN breaks out of its anchors', { USER_ID_PATTERN: 'a)|(?:b' }, /^USER_ID_PATTERN is not/],
  [
    'VALIDATOR_MAX_AGE_SECONDS is a word',
    { VALIDATOR_MAX_AGE_SECONDS: 'soon' },
    /^VALIDATOR_MAX_AGE_SECONDS is "soon": .* 0 to 3600$/,
  ],
  ['SETTLE_SECONDS is too long', { SETTLE_SECONDS: '11' }, /^SETTLE_SECONDS is "11": .* 0 to 10$/],
  ['SETTLE_SECONDS is negative', { SETTLE_SECONDS: '-1' }, /^SETTLE_SECONDS is "-1"/],
];
for (const [what, env, line] of faults) {
  test(`stops the start with one line when ${what}`, () => {
    assert.throws(
      () => readSettings({ ...COMPLETE, ...env }),
      ({ message }: Error) => line.test(message) && !message.includes('\n'),
    );
  });
}

test('stops the cold start of the function itself', async () => {
  const { coldStart } = await import('../setup/lambda.ts');
  await assert.rejects(coldStart({ SESSIONS_TABLE: 'sessions' }), /^Error: VALIDATOR_SECRET_IDS is missing: /);
});

test('matches the whole user id', () => {
  const { userIdPattern } = readSettings({ ...COMPLETE, USER_ID_PATTERN: 'a|bc' });
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
