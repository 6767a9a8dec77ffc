// ElectroDB itself writes the sessions and what else is in its tables, and reads back what is left of them.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { Entity } from 'electrodb';
import { tableReport } from '../local/table_report.ts';
import { startAws, startLogout } from '../setup/route.ts';
import { createTable } from '../setup/tables.ts';
import { exceptOf, layoutOf } from './guide.ts';

await startAws();
const client = new DynamoDBClient();
const IN_AN_HOUR = Math.floor(Date.now() / 1000) + 3600;
const ULID = '01HZXKV3J8QW5RTYB2N4M6P7ST';

const text = { type: 'string', required: true } as const;
const byKey = await createTable(layoutOf('ElectroDB'), { projection: 'ALL' });
const logoutByKey = await startLogout(byKey, layoutOf('ElectroDB'));
const byAttribute = await createTable(layoutOf('ElectroDB', 2));
const logoutByAttribute = await startLogout(byAttribute, layoutOf('ElectroDB', 2));
const collected = await createTable(layoutOf('ElectroDB'), { projection: 'ALL' });
const inCollection = { ...layoutOf('ElectroDB'), sortKey: { name: 'gsi1sk', beginsWith: '$user#session_1#' } };
const logoutCollected = await startLogout(collected, inCollection);

/** Sessions, found by an index on a key that ElectroDB builds from the user id, in lower case. */
const sessionsIn = (table: string) =>
  new Entity(
    {
      model: { entity: 'session', version: '1', service: 'auth' },
      attributes: { sessionId: text, userId: text, expires: { type: 'number' } },
      indexes: {
        primary: { pk: { field: 'pk', composite: ['sessionId'] }, sk: { field: 'sk', composite: [] } },
        byUser: {
          index: 'gsi1pk-gsi1sk-index',
          pk: { field: 'gsi1pk', composite: ['userId'] },
          sk: { field: 'gsi1sk', composite: ['sessionId'] },
        },
      },
    },
    { client, table },
  );

/** Other items of the same users, in the same index. */
const devicesIn = (table: string) =>
  new Entity(
    {
      model: { entity: 'device', version: '1', service: 'auth' },
      attributes: { deviceId: text, userId: text },
      indexes: {
        primary: { pk: { field: 'pk', composite: ['deviceId'] }, sk: { field: 'sk', composite: [] } },
        byUser: {
          index: 'gsi1pk-gsi1sk-index',
          pk: { field: 'gsi1pk', composite: ['userId'] },
          sk: { field: 'gsi1sk', composite: ['deviceId'] },
        },
      },
    },
    { client, table },
  );

/** The same sessions in a collection of the user's. */
const collectedSessions = new Entity(
  {
    model: { entity: 'session', version: '1', service: 'auth' },
    attributes: { sessionId: text, userId: text, expires: { type: 'number' } },
    indexes: {
      primary: { pk: { field: 'pk', composite: ['sessionId'] }, sk: { field: 'sk', composite: [] } },
      byUser: {
        index: 'gsi1pk-gsi1sk-index',
        collection: 'user',
        pk: { field: 'gsi1pk', composite: ['userId'] },
        sk: { field: 'gsi1sk', composite: ['sessionId'] },
      },
    },
  },
  { client, table: collected },
);

type Sessions = {
  put: (session: { sessionId: string; userId: string; expires: number }) => { go: () => Promise<unknown> };
  get: (key: { sessionId: string }) => { go: () => Promise<{ data: unknown }> };
};

/** Starts sessions; returns a function that counts those that ElectroDB still finds. */
async function logIn(sessions: Sessions, userId: string, count: number, expires = IN_AN_HOUR) {
  const ids = Array.from({ length: count }, () => randomUUID());
  for (const sessionId of ids) await sessions.put({ sessionId, userId, expires }).go();
  return async () => {
    const found = await Promise.all(ids.map(async (sessionId) => (await sessions.get({ sessionId }).go()).data));
    return found.filter((session) => session !== null).length;
  };
}

test('a logout ends ElectroDB sessions of an id with capitals, and leaves devices and look-alike users', async () => {
  const [sessions, devices] = [sessionsIn(byKey), devicesIn(byKey)];
  const mine = await logIn(sessions, ULID, 3);
  const others = [await logIn(sessions, `${ULID}0`, 1), await logIn(sessions, ULID.slice(0, -1), 1)];
  await devices.put({ deviceId: 'phone', userId: ULID }).go();
  assert.equal(await mine(), 3);

  assert.equal((await logoutByKey(ULID)).json.result, true);
  assert.equal(await mine(), 0);
  assert.deepEqual(await Promise.all(others.map((other) => other())), [1, 1]);
  assert.equal((await devices.query.byUser({ userId: ULID }).go()).data.length, 1);
  assert.equal((await logoutByKey(ULID)).json.result, false);
});

test('ElectroDB finds the one session that a logout is to keep, and no other of that user', async () => {
  for (const [table, logout] of [
    [byKey, logoutByKey],
    [byAttribute, logoutByAttribute],
  ] as const) {
    const sessions = sessionsIn(table);
    const [sessionId, others] = [`A-${randomUUID()}`, await logIn(sessions, 'kim', 2)];
    await sessions.put({ sessionId, userId: 'kim', expires: IN_AN_HOUR }).go();
    const except = exceptOf('ElectroDB', sessionId.toLowerCase());
    assert.deepEqual(except, [sessions.get({ sessionId }).params().Key.pk]);
    assert.equal((await logout('kim', { except })).json.result, true);
    assert.equal(await others(), 0);
    assert.equal((await sessions.get({ sessionId }).go()).data?.userId, 'kim');
  }
});

test('ids that differ only in case are one user where ElectroDB folds keys, as for ElectroDB itself', async () => {
  const sessions = sessionsIn(byKey);
  const [upper, lower] = [await logIn(sessions, 'Ann', 1), await logIn(sessions, 'ann', 1)];
  assert.equal((await sessions.query.byUser({ userId: 'Ann' }).go()).data.length, 2);
  assert.equal((await logoutByKey('ANN')).json.result, true);
  assert.deepEqual([await upper(), await lower()], [0, 0]);
});

test('an index on the ElectroDB attribute itself keeps ids apart by case, and its guard leaves devices', async () => {
  const [sessions, devices] = [sessionsIn(byAttribute), devicesIn(byAttribute)];
  const [upper, lower] = [await logIn(sessions, 'Ann', 2), await logIn(sessions, 'ann', 2)];
  await devices.put({ deviceId: 'phone', userId: 'Ann' }).go();
  assert.equal((await logoutByAttribute('Ann')).json.result, true);
  assert.deepEqual([await upper(), await lower()], [0, 2]);
  assert.ok((await devices.get({ deviceId: 'phone' }).go()).data);
});

test('a logout ends ElectroDB sessions that are in a collection', async () => {
  const mine = await logIn(collectedSessions, ULID, 2);
  assert.equal((await logoutCollected(ULID)).json.result, true);
  assert.equal(await mine(), 0);
});

test('a logout answers false when all ElectroDB sessions have expired, and deletes them', async () => {
  const mine = await logIn(sessionsIn(byKey), 'Old', 2, IN_AN_HOUR - 7200);
  assert.equal((await logoutByKey('Old')).json.result, false);
  assert.equal(await mine(), 0);
});

test('npm run table knows a table of ElectroDB by its key, and by an index on the attribute itself', async () => {
  await logIn(sessionsIn(byKey), ULID, 2);
  await logIn(sessionsIn(byAttribute), ULID, 2);
  await logIn(collectedSessions, ULID, 2);
  for (const [table, layout] of [
    [byKey, 'electrodb'],
    [byAttribute, 'electrodb-user-id'],
  ] as const) {
    const report = await tableReport(table, '--user', ULID);
    assert.deepEqual([report.fits, report.library, report.layout], [true, 'ElectroDB', layout]);
    assert.deepEqual(report.sessions, { live: 2, expired: 0 });
  }
  const { fits, layout, missing } = await tableReport(collected);
  assert.deepEqual([fits, layout], [false, 'electrodb-user-id'], 'the prefix of a collection is the application’s own');
  assert.match(missing[0]?.what ?? '', /^the index userId-index/);
  const own = await tableReport(collected, '--layout', JSON.stringify(inCollection), '--user', ULID);
  assert.deepEqual([own.fits, own.sessions], [true, { live: 2, expired: 0 }]);
});
