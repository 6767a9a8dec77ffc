// One logout in several stores: all at once, each with its own user ids, and none affected by a fault in another.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, test } from 'node:test';
import { readLayout } from '../../lib/settings/layout.ts';
import { passOn, refuse, silence } from '../faults/faults.ts';
import { assertFault } from '../setup/answers.ts';
import type { AuditLine } from '../setup/lambda.ts';
import type { Fault } from '../setup/proxy.ts';
import { type Logout, startProxiedAws, startRoute } from '../setup/route.ts';
import { allItems, createTable, type Item, newSessions, putItems, sessionsLeft } from '../setup/tables.ts';

const BY_NUMBER = readLayout({
  tableKey: ['owner', 'id'],
  userKey: { name: 'owner', type: 'N', value: '{user_id}' },
  expiry: { name: 'until', unit: 'milliseconds' },
});
const { dynamodb } = await startProxiedAws();
const main = await createTable('default');
const express = await createTable('connect-dynamodb');
const numbers = await createTable(BY_NUMBER);
const { logout } = await startRoute({
  SESSIONS_TABLE: main,
  USER_ID_PATTERN: '[0-9a-z]+',
  MORE_STORES: JSON.stringify([
    { table: express, layout: 'connect-dynamodb', userIdPattern: '[A-Za-z]+|[0-9]{1,9}' },
    { table: numbers, layout: BY_NUMBER },
  ]),
});

let users = 1000;
const newUser = () => String(users++);
const later = (seconds: number) => String(Math.floor(Date.now() / 1000) + seconds);

const expressSessions = (userId: string, count: number, expiresIn = 3600): Item[] =>
  Array.from({ length: count }, () => ({
    id: { S: randomUUID() },
    userId: { S: userId },
    expires: { N: later(expiresIn) },
  }));
const numberedSessions = (userId: string, count: number, expiresIn = 3600): Item[] =>
  Array.from({ length: count }, () => ({
    owner: { N: userId },
    id: { S: randomUUID() },
    until: { N: `${later(expiresIn)}000` },
  }));

/** Two sessions in the main store, three in the second, four in the third. */
async function logIn(user: string): Promise<void> {
  await putItems(main, newSessions(user, 2));
  await putItems(express, expressSessions(user, 3));
  await putItems(numbers, numberedSessions(user, 4));
}

/** How many sessions of the user are left in each store. */
async function left(user: string): Promise<number[]> {
  const inExpress = (await allItems(express)).filter(({ userId }) => userId?.S === user);
  const inNumbers = (await allItems(numbers)).filter(({ owner }) => owner?.N === user);
  return [await sessionsLeft(main, user), inExpress.length, inNumbers.length];
}

/** The answer to a logout, and what the audit record says about the whole and about each store. */
async function audited(user: string, logoutUser: Logout = logout, remainingMs?: number) {
  const answer = await logoutUser(user, { remainingMs });
  const stores: AuditLine[] = JSON.parse(JSON.stringify(answer.audit.stores ?? []));
  return { answer, line: answer.audit, stores };
}

const ended = (stores: AuditLine[]) => stores.map(({ sessions_ended }) => sessions_ended);

describe('a logout in several stores', () => {
  test('a logout in several stores ends all sessions of the user, nobody else’s, and counts by store', async () => {
    const [user, other] = [newUser(), newUser()];
    await Promise.all([logIn(user), logIn(other)]);
    const { answer, line, stores } = await audited(user);
    assert.deepEqual(answer.json, { jsonrpc: '2.0', id: null, result: true });
    assert.deepEqual(
      [await left(user), await left(other)],
      [
        [0, 0, 0],
        [2, 3, 4],
      ],
    );
    assert.deepEqual(stores, [
      {
        table: main,
        passes: 1,
        retries: 0,
        throttles: 0,
        sessions_ended: 2,
        sessions_expired: 0,
        sessions_written_back: 0,
        items_left_alone: 0,
        sessions_kept: 0,
      },
      {
        table: express,
        passes: 2,
        retries: 0,
        throttles: 0,
        sessions_ended: 3,
        sessions_expired: 0,
        sessions_written_back: 0,
        items_left_alone: 0,
        sessions_kept: 0,
      },
      {
        table: numbers,
        passes: 1,
        retries: 0,
        throttles: 0,
        sessions_ended: 4,
        sessions_expired: 0,
        sessions_written_back: 0,
        items_left_alone: 0,
        sessions_kept: 0,
      },
    ]);
    assert.partialDeepStrictEqual(line, { sessions_ended: 9, passes: 4, outcome: 'logged_out', sessions_left: 0 });
  });

  test('a logout in several stores answers true when one had a live session, and false when none had', async () => {
    const user = newUser();
    await putItems(main, newSessions(user, 1, { expiresIn: -1 }));
    await putItems(express, expressSessions(user, 1));
    await putItems(numbers, numberedSessions(user, 1, -1));
    assert.equal((await logout(user)).json.result, true);
    await putItems(numbers, numberedSessions(user, 1, -1));
    assert.equal((await logout(user)).json.result, false);
    assert.deepEqual(await left(user), [0, 0, 0]);
    assert.equal((await logout(user)).json.result, false);
  });

  test('a logout in several stores queries all of them at once', async () => {
    const user = newUser();
    await logIn(user);
    const [queried, all] = [new Set<string>(), Promise.withResolvers<void>()];
    dynamodb.inject('Query', user, async (exchange) => {
      for (const table of [main, express, numbers]) if (exchange.body.includes(table)) queried.add(table);
      if (queried.size === 3) all.resolve();
      await all.promise;
      await passOn(exchange);
    });
    assert.equal((await logout(user)).json.result, true);
  });

  test('a logout in several stores has as many deletes in flight in each of them as it would have in one', async () => {
    const layout = readLayout('default');
    const tables = await Promise.all(Array.from({ length: 4 }, () => createTable(layout)));
    const more = tables.slice(1).map((table) => ({ table, layout: 'default' }));
    const { logout } = await startRoute({ SESSIONS_TABLE: tables[0] ?? '', MORE_STORES: JSON.stringify(more) });
    const user = newUser();
    await Promise.all(tables.map((table) => putItems(table, newSessions(user, 400))));
    const full = Promise.withResolvers<void>();
    let inFlight = 0;
    dynamodb.inject('BatchWriteItem', user, async (exchange) => {
      exchange.response.once('close', () => inFlight--);
      if (++inFlight === 4 * 16) full.resolve();
      await full.promise;
      await passOn(exchange);
    });
    assert.equal((await logout(user)).json.result, true);
  });
});

const SHORT_MS = 6000; // 4.5 s for the other stores, and less than three attempts that get no answer

/** The fault happens in requests to that table only. */
function at(table: string, fault: Fault): Fault {
  return (exchange) => (exchange.body.includes(`"${table}"`) ? fault(exchange) : passOn(exchange));
}

describe('a fault in one of several stores', { concurrency: 4 }, () => {
  const faults: [what: string, fault: Fault, expected: 500 | 503, reason: string, remainingMs?: number][] = [
    ['fails', refuse(500, 'InternalServerError'), 503, 'aws_unavailable'],
    ['is throttled for good', refuse(400, 'ThrottlingException'), 503, 'deadline', SHORT_MS],
    ['never answers', silence, 503, 'deadline', SHORT_MS],
    ['refuses our request', refuse(400, 'AccessDeniedException'), 500, 'aws_refused'],
  ];
  for (const [n, table] of [main, express, numbers].entries()) {
    for (const [what, fault, expected, reason, remainingMs] of faults) {
      test(`a ${expected} is returned when store ${n + 1} of 3 ${what}, and sessions in the others end`, async () => {
        const user = newUser();
        await logIn(user);
        dynamodb.inject('Query', user, at(table, fault));
        const { answer, line, stores } = await audited(user, logout, remainingMs);
        dynamodb.clearFaults(user);
        assertFault(answer, expected, reason);
        const full = [2, 3, 4];
        assert.deepEqual(
          await left(user),
          full.map((count, store) => (store === n ? count : 0)),
        );
        assert.deepEqual(
          ended(stores),
          full.map((count, store) => (store === n ? 0 : count)),
        );
        assert.deepEqual(
          stores.map((store) => store.reason),
          full.map((_, store) => (store === n ? reason : undefined)),
        );
        assert.partialDeepStrictEqual(line, { sessions_left: 1, sessions_ended: 9 - (full[n] ?? 0) });
        assert.equal((await logout(user)).json.result, true, 'the next call ends the rest');
      });
    }
  }

  test('a 500 is returned when one store refuses our request, even if another is only unavailable', async () => {
    const user = newUser();
    await logIn(user);
    const broken = at(main, refuse(500, 'InternalServerError'));
    const missing = at(numbers, refuse(400, 'ResourceNotFoundException'));
    dynamodb.inject('Query', user, (exchange) => (exchange.body.includes(numbers) ? missing : broken)(exchange));
    const { answer, line, stores } = await audited(user);
    dynamodb.clearFaults(user);
    assertFault(answer, 500);
    assert.deepEqual(
      stores.map(({ reason }) => reason),
      ['aws_unavailable', undefined, 'aws_refused'],
    );
    assert.deepEqual(stores.map(({ fault }) => fault)[2], 'ResourceNotFoundException 400');
    assert.partialDeepStrictEqual(line, { reason: 'aws_refused', fault: 'ResourceNotFoundException 400' });
    assert.deepEqual(await left(user), [2, 0, 4]);
  });
});

describe('user ids in several stores', () => {
  test('a store whose key cannot hold the user id is not queried', async () => {
    await putItems(main, newSessions('ann', 1));
    await putItems(express, expressSessions('ann', 1));
    const requests = await dynamodb.requests(numbers, async () => {
      const { answer, stores } = await audited('ann');
      assert.equal(answer.json.result, true);
      assert.deepEqual(
        stores.map(({ passes, sessions_ended }) => [passes, sessions_ended]),
        [
          [1, 1],
          [2, 1],
          [0, 0],
        ],
      );
    });
    assert.deepEqual(requests, []);
  });

  test('a store whose userIdPattern does not match the user id is not queried', async () => {
    const user = '1234567890'; // ten digits: the second store takes nine
    await putItems(express, expressSessions(user, 1));
    await putItems(numbers, numberedSessions(user, 1));
    const requests = await dynamodb.requests(express, async () => assert.equal((await logout(user)).json.result, true));
    assert.deepEqual(requests, []);
    assert.deepEqual(await left(user), [0, 1, 0]);
  });

  test('a 404 is returned for a user id that the main store’s pattern refuses, though others accept it', async () => {
    await putItems(express, expressSessions('Ann', 1));
    assert.equal((await logout('Ann')).status, 404);
    assert.deepEqual(await left('Ann'), [0, 1, 0]);
  });

  test('a user whose id fits only a further store’s key is logged out; a 404 is returned if it fits none', async () => {
    const { logout } = await startRoute({
      SESSIONS_TABLE: numbers,
      SESSION_LAYOUT: JSON.stringify(BY_NUMBER),
      USER_ID_PATTERN: '.+',
      MORE_STORES: JSON.stringify([{ table: express, layout: 'connect-dynamodb', userIdPattern: '[a-z]+' }]),
    });
    await putItems(express, expressSessions('bob', 2));
    assert.equal((await logout('bob')).json.result, true);
    assert.deepEqual(await left('bob'), [0, 0, 0]);
    assert.equal((await logout('007')).status, 404);
  });
});

test('an id is nobody else’s where the other store has that prefix in another table', async () => {
  const byKey = (value: string) => ({
    tableKey: ['user_id', 'session_id'],
    userKey: { name: 'user_id', type: 'S', value },
  });
  const elsewhere = { table: await createTable('default'), layout: byKey('basic_auth:{user_id}') };
  const { logout } = await startRoute({
    SESSION_LAYOUT: JSON.stringify(byKey('{user_id}')),
    MORE_STORES: JSON.stringify([elsewhere]),
    USER_ID_PATTERN: '.+',
  });
  assert.equal((await logout('basic_auth:7')).status, 200);
});

describe('two stores on one attribute of one table', async () => {
  const layout = (value: string) =>
    readLayout({ tableKey: ['id'], index: 'by-user', userKey: { name: 'user', type: 'S', value } });
  const session = (user: string): Item => ({ id: { S: randomUUID() }, user: { S: user } });
  const table = await createTable(layout('{user_id}'));
  const start = async (main: string, more: string, pattern: string) => {
    const settings = {
      SESSIONS_TABLE: table,
      SESSION_LAYOUT: JSON.stringify(layout(main)),
      MORE_STORES: JSON.stringify([{ table, layout: layout(more) }]),
      USER_ID_PATTERN: pattern,
    };
    return (await startRoute(settings)).logout;
  };

  for (const [main, more] of [
    ['{user_id}', 'basic_auth:{user_id}'],
    ['basic_auth:{user_id}', '{user_id}'],
  ] as const) {
    test(`an id that is another’s key under the other store’s prefix is a 404 (${main} first)`, async () => {
      const logout = await start(main, more, '.+');
      const sessions = [session('7'), session('basic_auth:7')];
      await putItems(table, sessions);
      assert.equal((await logout('basic_auth:7')).status, 404);
      assert.equal((await logout('basic_auth:basic_auth:7')).status, 404);
      assert.equal((await allItems(table)).length, 2, 'user 7 stays logged in');
      assert.equal((await logout('7')).audit.sessions_ended, 2);
      assert.deepEqual(await allItems(table), []);
    });
  }

  test('digits beside a prefix of letters are ids, and so are ids that only begin like a prefix', async () => {
    const digits = await start('{user_id}', 'sso:{user_id}', '[0-9]+');
    assert.equal((await digits('7')).status, 200);
    const any = await start('{user_id}', 'sso:{user_id}', '.+');
    for (const id of ['sso', 'sso:', 'sso7', 'asso:7']) assert.equal((await any(id)).status, 200, id);
  });

  test('an id in capitals is a 404 where another store folds it to somebody else’s key', async () => {
    const logout = await start('{user_id}', '{user_id:lower}', '.+');
    assert.deepEqual([(await logout('Ann')).status, (await logout('ann')).status], [404, 200]);
  });
});

test('a table may be two stores, each with its own layout', async () => {
  const layout = (method: string) =>
    readLayout({
      tableKey: ['id'],
      index: 'by-user',
      userKey: { name: 'user', type: 'S', value: `${method}:{user_id}` },
    });
  const table = await createTable(layout('basic'));
  const { logout } = await startRoute({
    SESSIONS_TABLE: table,
    SESSION_LAYOUT: JSON.stringify(layout('basic')),
    MORE_STORES: JSON.stringify([{ table, layout: layout('google') }]),
  });
  const session = (user: string): Item => ({ id: { S: randomUUID() }, user: { S: user } });
  const others = ['google:12', 'github:1', '1'].map(session);
  await putItems(table, [...['basic:1', 'google:1', 'google:1'].map(session), ...others]);
  const { answer, stores } = await audited('1', logout);
  assert.equal(answer.json.result, true);
  assert.deepEqual(ended(stores), [1, 2]);
  assert.equal((await allItems(table)).length, others.length);
});

test('a single store is not listed in the audit record', async () => {
  const { logout } = await startRoute({ SESSIONS_TABLE: main });
  const { line } = await audited(newUser(), logout);
  assert.equal('stores' in line, false);
});
