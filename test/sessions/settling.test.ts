// What a logout waits for: requests that still run and save their session at their end, and an index that lags.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { after, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import connectDynamoDb from 'connect-dynamodb';
import express from 'express';
import session from 'express-session';
import { readLayout } from '../../lib/sessions/layout.ts';
import { passOn } from '../faults/faults.ts';
import { type Answer, type AuditLine, auditLines } from '../setup/lambda.ts';
import { assertFailure, type Logout, startFaultyAws, startRoute } from '../setup/route.ts';
import { allItems, createTable, type Item, newSessions, putItems, sessionsLeft } from '../setup/tables.ts';

declare module 'express-session' {
  interface SessionData {
    userId: string;
    cart: string[];
  }
}

const { dynamodb } = await startFaultyAws();
const sessions = await createTable(readLayout('connect-dynamodb'));
const byIndex = { SESSIONS_TABLE: sessions, SESSION_LAYOUT: 'connect-dynamodb' };
const { logout: logoutAtOnce } = await startRoute(byIndex);
const { logout: logoutAndSettle } = await startRoute({ ...byIndex, SETTLE_SECONDS: '1' });
const table = await createTable(readLayout('default'));
const { logout } = await startRoute({ SESSIONS_TABLE: table, SETTLE_SECONDS: '0.1' });
const { logout: logoutForLong } = await startRoute({ SESSIONS_TABLE: table, SETTLE_SECONDS: '10' });

const orders = new Map<string, { begun: () => void; pay: Promise<void> }>();
const address = await startShop();

/** A shop that keeps its sessions by connect-dynamodb; to order takes as long as `orders` says, and then is noted in the session. */
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

/** Logs the user out while an order is on its way that is paid, and logs in anew, once the session has been deleted. */
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
  const audited = audit(userId, true, () => logout(userId));
  await deleted.promise;
  await sleep(300); // the logout has done its work by then, and waits if it settles
  paid.resolve();
  await order;
  const other = await logIn(userId);
  return { line: await audited, before: await browser.user(), after: await other.user() };
}

/** Asserts the result of the logout, and returns its audit line. */
async function audit(userId: string, result: boolean, logout: () => Promise<Answer>): Promise<AuditLine> {
  const lines = await auditLines(async () => assert.equal((await logout()).json.result, result));
  return lines.find((line) => line.user_id === userId) ?? assert.fail('one audit line for each request');
}

describe('a logout', { concurrency: true }, () => {
  test('at once is undone by a request of express-session that ends after it', async () => {
    const { line, before, after } = await logoutDuringOrder('1', logoutAtOnce);
    assert.deepEqual([before, after], ['1', '1']);
    assert.deepEqual([line.sessions_ended, line.sessions_written_back], [1, 0]);
  });

  test('that settles is not, and the new login of the same user lives', async () => {
    const { line, before, after } = await logoutDuringOrder('2', logoutAndSettle);
    assert.deepEqual([before, after], ['nobody', '2']);
    assert.deepEqual([line.sessions_ended, line.sessions_written_back], [1, 1]);
    assert.equal((await allItems(sessions)).filter(({ userId }) => userId?.S === '2').length, 1);
  });

  test('that settles looks once more when it has found something, and then answers', async () => {
    const items = newSessions('11', 2);
    await putItems(table, items);
    let writes = 2;
    dynamodb.inject('BatchWriteItem', '11', async ({ body, forward, relay }) => {
      const answer = await forward();
      if (body.includes('DeleteRequest') && writes-- > 0) await putItems(table, items.slice(0, 1));
      relay(answer);
    });
    const line = await audit('11', true, () => logout('11'));
    assert.deepEqual([line.sessions_ended, line.sessions_written_back, line.passes], [2, 2, 3]);
    assert.equal(await sessionsLeft(table, '11'), 0);
  });

  test('that settles does not wait for a user who had no session', async () => {
    assert.equal((await logoutForLong('12', 2500)).json.result, false);
  });

  test('that has no time to settle answers 503, and the next call finds nothing left', async () => {
    await putItems(table, newSessions('13', 2));
    assertFailure(await logoutForLong('13', 2000), 503);
    assert.equal(await sessionsLeft(table, '13'), 0);
    assert.equal((await logoutForLong('13', 2000)).json.result, false);
  });

  test('looks into an index for new keys for some seconds, not for as long as the user logs in anew', async () => {
    const session = (id: string): Item => ({ id: { S: id }, userId: { S: '14' } });
    await putItems(sessions, [session('old-1'), session('old-2')]);
    dynamodb.inject('Query', '14', async (exchange) => {
      await putItems(sessions, [session(randomUUID())]);
      await passOn(exchange);
    });
    await audit('14', true, () => logoutAtOnce('14'));
    assert.deepEqual(
      (await allItems(sessions)).filter(({ id }) => id?.S?.startsWith('old-')),
      [],
    );
  });
});
