// Each known layout, on items such as its library writes, beside those of look-alike users and of no user.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, test } from 'node:test';
import { KNOWN_LAYOUTS } from '../../lib/sessions/known_layouts.ts';
import { readLayout } from '../../lib/settings/layout.ts';
import { startAws, startLogout } from '../setup/route.ts';
import { createTable, keysIn, keysOf, putItems } from '../setup/tables.ts';
import { exceptOf } from './guide.ts';
import { LIBRARIES } from './libraries.ts';

await startAws();
const LIVE = new Date(Date.now() + 3_600_123);
const EXPIRED = new Date(Date.now() - 60_877);

const UUID = '278c41ee-551e-462e-8aaf-62f4d70f8fdb';
const LOOK_ALIKES: [string, string[]][] = [
  ['1', ['12', '11', '01', '1 ']],
  ['a', ['a#b', 'A', 'aa', 'a#SESSION#']],
  [UUID, [UUID.slice(0, -1), UUID.toUpperCase(), `${UUID}0`]],
];

test('every known layout is tried on items such as its library writes', () => {
  assert.deepEqual(Object.keys(LIBRARIES), Object.keys(KNOWN_LAYOUTS));
});

for (const [layout, { index, session, others }] of Object.entries(LIBRARIES)) {
  const { tableKey } = readLayout(layout);
  for (const projection of index ? (['KEYS_ONLY', 'ALL'] as const) : [undefined]) {
    const title = projection ? `${layout} (index ${projection})` : layout;
    describe(title, async () => {
      const table = await createTable(layout, { indexes: index && [index], projection });
      const logout = await startLogout(table, layout);

      for (const [userId, lookAlikes] of LOOK_ALIKES) {
        test(`the layout ${title} ends all sessions of user ${userId}, and none of look-alike users`, async () => {
          const kept = await keysIn(table, tableKey);
          const sessions = Array.from({ length: index ? 5 : 27 }, () => session(userId, LIVE)); // by key in batches of 25
          const bystanders = [
            ...lookAlikes.flatMap((other) => [session(other, LIVE), session(other, EXPIRED)]),
            ...[userId, ...lookAlikes].flatMap(others),
          ];
          await putItems(table, [...sessions, ...bystanders]);
          const answer = await logout(userId);
          assert.deepEqual([answer.status, answer.json.result], [200, true]);
          assert.deepEqual(await keysIn(table, tableKey), [...kept, ...keysOf(bystanders, tableKey)].sort());
          assert.equal((await logout(userId)).json.result, false);
        });
      }

      test(`the layout ${title} keeps the session whose key is sent as the guide says, and ends all others`, async () => {
        const kept = await keysIn(table, tableKey);
        const sessions = [session('8', LIVE), session('8', LIVE), session('8', LIVE)];
        await putItems(table, sessions);
        const mine = sessions[1] ?? assert.fail();
        const { S: id = '' } = mine[tableKey[index ? 0 : 1] ?? ''] ?? {};
        const { json, audit } = await logout('8', { except: exceptOf(layout, id.slice(-UUID.length)) });
        assert.deepEqual([json.result, audit.sessions_ended, audit.sessions_kept], [true, 2, 1]);
        assert.deepEqual(await keysIn(table, tableKey), [...kept, ...keysOf([mine], tableKey)].sort());
        await logout('8');
      });

      test(`the layout ${title} answers false when all sessions have expired, and deletes them`, async () => {
        const kept = await keysIn(table, tableKey);
        await putItems(table, [session('9', EXPIRED), session('9', EXPIRED)]);
        assert.equal((await logout('9')).json.result, false);
        assert.deepEqual(await keysIn(table, tableKey), kept);
      });

      test(`the layout ${title} answers true when one of several sessions was live`, async () => {
        await putItems(table, [session('9', EXPIRED), session('9', LIVE), session('9', EXPIRED)]);
        assert.equal((await logout('9')).json.result, true);
      });

      test(`the layout ${title} counts a session without expiry as live`, async () => {
        await putItems(table, [session('9')]);
        assert.equal((await logout('9')).json.result, true);
      });
    });
  }
}

test('USER_ID_PATTERN accepts the ids of a library, and nothing else', async () => {
  const { session } = LIBRARIES.authjs ?? assert.fail();
  const table = await createTable('authjs');
  const logout = await startLogout(table, 'authjs', { USER_ID_PATTERN: '[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}' });
  const userId = randomUUID();
  await putItems(table, [session(userId, LIVE)]);
  for (const other of ['2', userId.toUpperCase(), `${userId}\n`, `x${userId}`])
    assert.equal((await logout(other)).status, 404);
  assert.equal((await logout(userId)).json.result, true);
});
