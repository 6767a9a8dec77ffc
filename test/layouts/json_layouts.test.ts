// Layouts that an operator gives as JSON: user keys that are numbers, other units of time, names that DynamoDB reserves.
import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { describe, test } from 'node:test';
import type { Layout } from '../../lib/sessions/layout.ts';
import type { Fault } from '../setup/proxy.ts';
import { startLogout, startProxiedAws } from '../setup/route.ts';
import { allItems, createTable, type Item, keysIn, keysOf, putItems } from '../setup/tables.ts';
import { layoutOf } from './guide.ts';

const { dynamodb } = await startProxiedAws();
const LIVE = Date.now() + 3_600_000;
const EXPIRED = Date.now() - 60_000;

describe('a table key of type N, expiry in milliseconds', async () => {
  const layout: Layout = {
    tableKey: ['user', 'token'],
    index: null,
    userKey: { name: 'user', type: 'N', value: '{user_id}' },
    expiry: { name: 'ttl', unit: 'milliseconds' },
  };
  const { tableKey } = layout;
  const table = await createTable(layout);
  const logout = await startLogout(table, layout);
  const session = (user: string, expiresAt: number): Item => ({
    user: { N: user },
    token: { S: randomUUID() },
    ttl: { N: String(expiresAt) },
  });

  for (const userId of ['1', '0', '-7', '12345678901234567890123456789012345678']) {
    test(`a logout by a table key of type N deletes every session of user ${userId}, and nobody else’s`, async () => {
      const others = ['12', '11', '10', '7', '2'].map((other) => session(other, LIVE));
      const kept = await keysIn(table, tableKey);
      await putItems(table, [...others, session(userId, LIVE), session(userId, EXPIRED)]);
      assert.equal((await logout(userId)).json.result, true);
      assert.deepEqual(await keysIn(table, tableKey), [...kept, ...keysOf(others, tableKey)].sort());
    });
  }

  test('a logout answers false when all sessions have expired by milliseconds, and deletes them', async () => {
    await putItems(table, [session('9', EXPIRED), session('9', EXPIRED)]);
    assert.equal((await logout('9')).json.result, false);
    assert.equal((await allItems(table)).filter(({ user }) => user?.N === '9').length, 0);
  });

  for (const userId of ['07', '+7', '7.0', '7e0', '-0', ' 7', '0x7', '٧', 'a', '1'.repeat(39)]) {
    test(`a 404 is returned for "${userId}", not a canonical integer, where user keys are numbers`, async () => {
      await putItems(table, [session('7', LIVE)]);
      const kept = await keysIn(table, tableKey);
      assert.equal((await logout(userId)).status, 404);
      assert.deepEqual(await keysIn(table, tableKey), kept);
    });
  }
});

for (const projection of ['KEYS_ONLY', 'ALL'] as const) {
  describe(`an index of type N ${projection}, a sort prefix, a guard, expiry as ISO text`, async () => {
    const layout: Layout = {
      tableKey: ['session', 'key'],
      index: 'by-user',
      userKey: { name: 'user', type: 'N', value: '{user_id}' },
      sortKey: { name: 'value', beginsWith: 'web/' },
      expiry: { name: 'values', unit: 'iso' },
      guard: { name: 'type', equals: 'session' },
    };
    const { tableKey } = layout;
    const table = await createTable(layout, { projection });
    const logout = await startLogout(table, layout);
    const session = (user: string, expiresAt?: number): Item => ({
      session: { S: randomUUID() },
      key: { S: 'session' },
      user: { N: user },
      value: { S: `web/${randomUUID()}` },
      type: { S: 'session' },
      ...(expiresAt && { values: { S: new Date(expiresAt).toISOString() } }),
    });

    test(`a logout by an index (${projection}) leaves items without prefix or guard, or of another user`, async () => {
      const others = [
        session('12', LIVE),
        { ...session('1', LIVE), value: { S: 'api/1' } },
        { ...session('1', LIVE), type: { S: 'account' } },
        { session: { S: 'profile' }, key: { S: '1' }, user: { N: '1' }, value: { S: 'web/profile' } },
      ];
      await putItems(table, [session('1', LIVE), session('1', EXPIRED), session('1'), ...others]);
      assert.equal((await logout('1')).json.result, true);
      assert.deepEqual(await keysIn(table, tableKey), keysOf(others, tableKey));
    });

    test(`a logout by an index (${projection}) answers false when all sessions have expired by ISO text`, async () => {
      await putItems(table, [session('9', EXPIRED), session('9', EXPIRED)]);
      assert.equal((await logout('9')).json.result, false);
      assert.equal((await allItems(table)).filter(({ user }) => user?.N === '9').length, 0);
    });
  });
}

describe('an index by a folded key, a guard of several values, expiry as a number in text', async () => {
  const layout: Layout = {
    tableKey: ['id'],
    index: 'by-user',
    userKey: { name: 'who', type: 'S', value: 'user#{user_id:lower}' },
    expiry: { name: 'ttl', unit: 'seconds' },
    guard: { name: 'kind', equals: ['session', true] },
  };
  const { tableKey } = layout;
  const table = await createTable(layout);
  const logout = await startLogout(table, layout);
  const session = (user: string, kind: Item[string], expiresAt = LIVE): Item => ({
    id: { S: randomUUID() },
    who: { S: `user#${user}` },
    kind,
    ttl: { S: String(expiresAt / 1000) },
  });
  const [SESSION, YES] = [{ S: 'session' }, { BOOL: true }];

  test('a logout by a folded key accepts the id in any case, and leaves items under an unfolded key', async () => {
    const others = [session('Ann', SESSION), session('anna', SESSION), session('ann ', YES)];
    await putItems(table, [session('ann', SESSION), session('ann', YES), ...others]);
    assert.equal((await logout('ANN')).json.result, true);
    assert.deepEqual(await keysIn(table, tableKey), keysOf(others, tableKey));
  });

  test('a logout leaves items whose value only looks like one of the values of the guard', async () => {
    const kept = await keysIn(table, tableKey);
    const lookAlikes: Item[string][] = [
      { BOOL: false },
      { S: 'true' },
      { S: 'sessions' },
      { L: [SESSION] },
      { NULL: true },
    ];
    const { kind: _, ...bare } = session('bob', SESSION);
    const others = [bare, ...lookAlikes.map((kind) => session('bob', kind))];
    await putItems(table, [session('bob', SESSION), ...others]);
    assert.equal((await logout('bob')).json.result, true);
    assert.deepEqual(await keysIn(table, tableKey), [...kept, ...keysOf(others, tableKey)].sort());
  });

  test('a logout answers false when all sessions have expired by a number stored as text', async () => {
    await putItems(table, [session('old', SESSION, EXPIRED), session('old', YES, 0)]);
    assert.equal((await logout('old')).json.result, false);
    assert.equal((await allItems(table)).filter(({ who }) => who?.S === 'user#old').length, 0);
  });
});

test('a logout that settles ends a session that is written back under a binary key, as by Pyramid', async () => {
  const table = await createTable(layoutOf('Pyramid'), { types: { sid: 'B' } });
  const logout = await startLogout(table, layoutOf('Pyramid'), { SETTLE_SECONDS: '0.1' });
  const session = (userId: string): Item => ({ sid: { B: randomBytes(32) }, userId: { S: userId } });
  const [own, other] = [session('1'), session('2')];
  await putItems(table, [own, other]);
  const writeBack: Fault = async ({ forward, relay }) => {
    const answer = await forward();
    await putItems(table, [own]);
    await relay(answer);
  };
  dynamodb.inject('DeleteItem', '1', writeBack, 1);
  const { json, audit } = await logout('1');
  assert.deepEqual([json.result, audit.sessions_ended, audit.sessions_written_back], [true, 1, 1]);
  assert.deepEqual(await keysIn(table, ['sid']), [JSON.stringify([{ B: new Uint8Array(other.sid?.B ?? []) }])]);
});
