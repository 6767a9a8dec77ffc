// What a logout waits for: requests that still run and save their session at their end, and an index that lags.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { after, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { DynamoDBClient, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import connectDynamoDb from 'connect-dynamodb';
import express from 'express';
import session from 'express-session';
import { loseAnswer, passOn } from '../faults/faults.ts';
import { assertFault } from '../setup/answers.ts';
import type { Answer, AuditLine } from '../setup/lambda.ts';
import { type Logout, startProxiedAws, startRoute } from '../setup/route.ts';
import { allItems, type Item, newSessions, putItems, sessionsLeft } from '../setup/tables.ts';

declare module 'express-session' {
  interface SessionData {
    userId: string;
    cart: string[];
  }
}

const { dynamodb } = await startProxiedAws();
const byIndex = { SESSION_LAYOUT: 'connect-dynamodb' };
const { table: sessions, logout: logoutAtOnce } = await startRoute(byIndex);
const { logout: logoutAndSettle } = await startRoute({ ...byIndex, SESSIONS_TABLE: sessions, SETTLE_SECONDS: '2' });
const { table, logout } = await startRoute({ SETTLE_SECONDS: '0.1' });
const GUARDED = JSON.stringify({
  tableKey: ['id'],
  index: 'userId-index',
  userKey: { name: 'userId', type: 'S', value: '{user_id}' },
  guard: { name: 'kind', equals: ['session', true] },
});
const byGuard = { SESSION_LAYOUT: GUARDED, SETTLE_SECONDS: '0.3' };
const { table: guarded, logout: logoutGuarded } = await startRoute(byGuard);
const { logout: logoutForLong } = await startRoute({ SESSIONS_TABLE: table, SETTLE_SECONDS: '10' });

const SHORT = { remainingMs: 6000 }; // less than it takes to settle for 10 s

const orders = new Map<string, { begun: () => void; pay: Promise<void> }>();
const address = await startShop();

/** A shop that keeps its sessions in connect-dynamodb. An order takes as long as `orders` says, and saves it. */
async function startShop(): Promise<string> {
  const Store = connectDynamoDb(session);
  const specialKeys = [{ name: 'userId', type: 'S' as const }];
  const store = new Store({ table: sessions, initialized: true, specialKeys, skipThrowMissingSpecialKeys: true });
  const app = express();
  app.use(session({ store, secret: 'a test', resave: false, saveUninitialized: false, cookie: { maxAge: 3_600_000 } }));
  app.post('/login/:userId', (request, response) => {
    request.session.userId = request.params.userId;
    response.end();
  });
  app.post('/order', async (request, response) => {
    const order = orders.get(request.session.userId ?? '') ?? assert.fail('nobody is logged in');
    order.begun();
    await order.pay;
    request.session.cart = [];
    response.end();
  });
  app.get('/user', ({ session: { userId = 'nobody' } }, response) => void response.end(userId));
  const server = app.listen(0, '127.0.0.1');
  await once(server, 'listening');
  after(() => {
    server.close();
    server.closeAllConnections();
  });
  const bound = server.address();
  assert.ok(typeof bound === 'object' && bound);
  return `http://127.0.0.1:${bound.port}`;
}

/** A browser in which the user is logged in. */
async function logIn(userId: string) {
  const { headers } = await fetch(`${address}/login/${userId}`, { method: 'POST' });
  const cookie = headers.getSetCookie()[0]?.split(';')[0] ?? assert.fail('no cookie');
  return {
    user: async () => (await fetch(`${address}/user`, { headers: { cookie } })).text(),
    order: () => fetch(`${address}/order`, { method: 'POST', headers: { cookie } }),
  };
}

/** Logs the user out during an order. Once the session is deleted, the order is paid and the user logs in again. */
async function logoutDuringOrder(userId: string, logout: Logout) {
  const browser = await logIn(userId);
  const [begun, paid, deleted] = [
    Promise.withResolvers<void>(),
    Promise.withResolvers<void>(),
    Promise.withResolvers<void>(),
  ];
  orders.set(userId, { begun: begun.resolve, pay: paid.promise });
  const order = browser.order();
  await begun.promise;

  dynamodb.inject(
    'DeleteItem',
    userId,
    async (exchange) => {
      await passOn(exchange);
      deleted.resolve();
    },
    1,
  );
  const line = audited(true, logout(userId));
  await deleted.promise;
  await sleep(300); // the logout has done its work by then, and waits if it settles
  paid.resolve();
  await order;
  const other = await logIn(userId);
  return { line: await line, before: await browser.user(), after: await other.user() };
}

/** Logs the user out of one session with that key, which a request writes back as soon as it is deleted. */
async function logoutAndWriteBack(id: string, userId: string, writtenBack: Item, logout = logoutGuarded) {
  await putItems(guarded, [{ id: { S: id }, userId: { S: userId }, kind: { S: 'session' } }]);
  dynamodb.inject(
    'DeleteItem',
    userId,
    async (exchange) => {
      await passOn(exchange);
      await updateItem(id, writtenBack);
    },
    1,
  );
  return audited(true, logout(userId));
}

/** Saves as Flask-Session, the handlers for PHP and Ruby and dynamodb-store do: by UpdateItem without a condition. */
async function updateItem(id: string, attributes: Item): Promise<void> {
  const names = Object.keys(attributes);
  await new DynamoDBClient().send(
    new UpdateItemCommand({
      TableName: guarded,
      Key: { id: { S: id } },
      UpdateExpression: `SET ${names.map((_, n) => `#${n} = :${n}`).join(', ')}`,
      ExpressionAttributeNames: Object.fromEntries(names.map((name, n) => [`#${n}`, name])),
      ExpressionAttributeValues: Object.fromEntries(names.map((name, n) => [`:${n}`, attributes[name] ?? { S: '' }])),
    }),
  );
}

const isThere = async (id: string) => (await allItems(guarded)).some((item) => item.id?.S === id);

/** Asserts the result of the logout, and returns its audit line. */
async function audited(result: boolean, logout: Promise<Answer>): Promise<AuditLine> {
  const { json, audit } = await logout;
  assert.equal(json.result, result);
  return audit;
}

describe('a logout', { concurrency: 4 }, () => {
  test('a logout that does not settle is undone by an express-session request that ends after it', async () => {
    const { line, before, after } = await logoutDuringOrder('1', logoutAtOnce);
    assert.deepEqual([before, after], ['1', '1']);
    assert.deepEqual([line.sessions_ended, line.sessions_written_back], [1, 0]);
  });

  test('a logout that settles is not undone by a request that ends after it, and ends no new login', async () => {
    const { line, before, after } = await logoutDuringOrder('2', logoutAndSettle);
    assert.deepEqual([before, after], ['nobody', '2']);
    assert.deepEqual([line.sessions_ended, line.sessions_written_back], [1, 1]);
    assert.equal((await allItems(sessions)).filter(({ userId }) => userId?.S === '2').length, 1);
  });

  test('a logout that settles looks once more if it finds something, and then answers', async () => {
    const items = newSessions('11', 2);
    await putItems(table, items);
    let writes = 2;
    dynamodb.inject('BatchWriteItem', '11', async ({ body, forward, relay }) => {
      const answer = await forward();
      if (body.includes('DeleteRequest') && writes-- > 0) await putItems(table, items.slice(0, 1));
      await relay(answer);
    });
    const line = await audited(true, logout('11'));
    assert.deepEqual([line.sessions_ended, line.sessions_written_back, line.passes], [2, 2, 3]);
    assert.equal(await sessionsLeft(table, '11'), 0);
  });

  const data = { val: { S: 'blob' } };
  const own: [what: string, userId: string, writtenBack: Item][] = [
    ['without its user, as an unconditional UpdateItem does', '21', data],
    ['with its user', '22', { ...data, userId: { S: '22' }, kind: { S: 'session' } }],
    ['with its user, but without the guard', '23', { ...data, userId: { S: '23' } }],
    ['without its user, but with the guard', '24', { ...data, kind: { BOOL: true } }],
  ];
  for (const [what, userId, writtenBack] of own) {
    test(`a logout that settles ends a session that was found by an index and is written back ${what}`, async () => {
      const line = await logoutAndWriteBack(`own-${userId}`, userId, writtenBack);
      assert.deepEqual([line.sessions_ended, line.sessions_written_back], [1, 1]);
      assert.equal(await isThere(`own-${userId}`), false);
    });
  }

  const others: [what: string, userId: string, writtenBack: Item][] = [
    ['now belongs to another user', '31', { ...data, userId: { S: '3' }, kind: { S: 'session' } }],
    ['now belongs to another user, and has no guard', '32', { ...data, userId: { S: '320' } }],
    ['is now something else', '33', { ...data, userId: { S: '33' }, kind: { S: 'account' } }],
    ['is now something else, and belongs to nobody', '34', { ...data, kind: { BOOL: false } }],
  ];
  for (const [what, userId, writtenBack] of others) {
    test(`a logout that settles leaves an item that has the key of an ended session and ${what}`, async () => {
      const line = await logoutAndWriteBack(`other-${userId}`, userId, writtenBack);
      assert.deepEqual([line.sessions_ended, line.sessions_written_back], [1, 0]);
      assert.equal(await isThere(`other-${userId}`), true);
    });
  }

  test('a logout that settles checks by key what an index had shown, and does not count a lost answer', async () => {
    await putItems(guarded, [{ id: { S: 'once' }, userId: { S: '41' }, kind: { S: 'session' } }]);
    const [ending, settling] = [passOn, loseAnswer];
    dynamodb.inject('DeleteItem', '41', ending, 1);
    dynamodb.inject('DeleteItem', '41', settling, 1);
    let line: AuditLine = {};
    const requests = await dynamodb.requests('41', async () => {
      line = await audited(true, logoutGuarded('41'));
    });
    assert.deepEqual(requests, ['Query', 'DeleteItem', 'Query', 'DeleteItem', 'DeleteItem']);
    assert.deepEqual([line.sessions_ended, line.sessions_written_back], [1, 0]);
  });

  test('a logout that settles does not wait for a user who had no session', async () => {
    const { logout: byIndexForLong } = await startRoute({ ...byIndex, SESSIONS_TABLE: sessions, SETTLE_SECONDS: '10' });
    for (const logout of [logoutForLong, byIndexForLong]) assert.equal((await logout('12', SHORT)).json.result, false);
  });

  test('a logout that settles where the user is in the table’s key ends what was written back, and no new login', async () => {
    const [old = assert.fail(), login = assert.fail()] = newSessions('14', 2);
    await putItems(table, [old]);
    dynamodb.inject(
      'BatchWriteItem',
      '14',
      async (exchange) => {
        await passOn(exchange);
        await putItems(table, [old, login]);
      },
      1,
    );
    const { audit } = await logout('14');
    assert.deepEqual([audit.sessions_ended, audit.sessions_written_back], [1, 1]);
    const left = (await allItems(table)).filter(({ user_id }) => user_id?.S === '14');
    assert.deepEqual(left, [login]);
  });

  test('a logout that has no time to settle answers 503, and the next call finds nothing left', async () => {
    await putItems(table, newSessions('13', 2));
    assertFault(await logoutForLong('13', SHORT), 503);
    assert.equal(await sessionsLeft(table, '13'), 0);
    assert.equal((await logoutForLong('13', SHORT)).json.result, false);
  });

  test('a logout looks for new keys in an index for seconds, however long the user keeps logging in', async () => {
    const session = (id: string): Item => ({ id: { S: id }, userId: { S: '14' } });
    await putItems(sessions, [session('old-1'), session('old-2')]);
    dynamodb.inject('Query', '14', async (exchange) => {
      await putItems(sessions, [session(randomUUID())]);
      await passOn(exchange);
    });
    await audited(true, logoutAtOnce('14'));
    assert.deepEqual(
      (await allItems(sessions)).filter(({ id }) => id?.S?.startsWith('old-')),
      [],
    );
  });
});
