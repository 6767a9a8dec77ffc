// AdonisJS keeps sessions with @adonisjs/session, whose items name no user: the guide's hook adds it beside the blob.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, describe, test } from 'node:test';
import { AppFactory } from '@adonisjs/core/factories/app';
import { EncryptionFactory } from '@adonisjs/core/factories/encryption';
import { HttpContextFactory, RequestFactory, ResponseFactory } from '@adonisjs/core/factories/http';
import type { ContainerBindings } from '@adonisjs/core/types';
import { stores } from '@adonisjs/session';
import { SessionMiddlewareFactory } from '@adonisjs/session/factories';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocument } from '@aws-sdk/lib-dynamodb';
import { listen } from '../local/listen.ts';
import { tableReport } from '../local/table_report.ts';
import { startAws, startLogout } from '../setup/route.ts';
import { allItems, createTable, type Item } from '../setup/tables.ts';
import { exceptOf, layoutOf, snippet } from './guide.ts';

/** Calls a path of the application with the cookies it was given; returns the body of the answer. */
type Browser = (path: string) => Promise<string>;

// As the guide has them: the hook, and what it is called with for AdonisJS.
const addUserId = snippet('js', 'function addUserId');
const [, userOf = ''] = snippet('js', 'addUserId(client, ({ value })').match(/^addUserId\(client, (.*?)\);$/ms) ?? [];
type Hook = {
  addUserId: (client: DynamoDBClient, userOf: (item: Item) => unknown) => void;
  adonisUserOf: (item: Item) => unknown;
};
const code = `export ${addUserId}\nexport const adonisUserOf = ${userOf};`;
const hook: Hook = await import(`data:text/javascript,${encodeURIComponent(code)}`);

await startAws();
const layout = layoutOf('AdonisJS');
const table = await createTable(layout);
const logout = await startLogout(table, layout);
const logoutAndSettle = await startLogout(table, layout, { SETTLE_SECONDS: '1' });

const client = new DynamoDBClient();
hook.addUserId(client, hook.adonisUserOf);
const slow = { begun: Promise.withResolvers<void>(), answer: Promise.resolve() };
const openBrowser = await startAdonis();

/** Starts an application that logs in as AdonisJS's guard `web` does, writes to the session, and shows it. */
async function startAdonis(): Promise<() => Browser> {
  const app = new AppFactory<ContainerBindings>().create(new URL('./', import.meta.url), () => {});
  const dynamodb = await stores.dynamodb({ client, tableName: table }).resolver(app);
  const config = { store: 'dynamodb', stores: { dynamodb }, age: '2h', cookieName: 'session', cookie: {} };
  const session = await new SessionMiddlewareFactory().merge({ config }).create();
  const encryption = new EncryptionFactory().create();

  const server = createServer(async (req, res) => {
    const request = new RequestFactory().merge({ req, res, encryption }).create();
    const response = new ResponseFactory().merge({ req, res, encryption }).create();
    const ctx = new HttpContextFactory().merge({ request, response }).create();
    const [, page = '', argument = ''] = request.url().split('/');
    await session.handle(ctx, async () => {
      if (page === 'login') {
        ctx.session.put('auth_web', argument);
        ctx.session.regenerate();
      }
      if (page === 'cart') ctx.session.put('cart', argument);
      if (page === 'slow') {
        slow.begun.resolve();
        await slow.answer;
      }
      response.send(page === 'id' ? ctx.session.sessionId : ctx.session.get('auth_web', 'nobody'));
    });
    response.finish();
  });
  const { url, close } = await listen(server);
  after(close);
  return () => {
    let cookie = '';
    return async (path) => {
      const answer = await fetch(`${url}${path}`, { headers: { cookie } });
      cookie =
        answer.headers
          .getSetCookie()
          .map((line) => line.split(';')[0])
          .join('; ') || cookie;
      return answer.text();
    };
  };
}

async function logIn(userId: string): Promise<Browser> {
  const browser = openBrowser();
  await browser('/cart/hat');
  await browser(`/login/${userId}`);
  return browser;
}

describe('AdonisJS', () => {
  test('a user of AdonisJS is logged out of every browser, and all other sessions stay', async () => {
    const [ann, phone, bob, anonymous] = [await logIn('1'), await logIn('1'), await logIn('12'), openBrowser()];
    await anonymous('/cart/hat');
    for (const browser of [ann, phone, bob]) assert.notEqual(await browser('/cart/coat'), 'nobody');
    assert.equal((await allItems(table)).filter(({ userId }) => userId?.S === '1').length, 2);

    assert.equal((await logout('1')).json.result, true);
    assert.deepEqual([await ann('/'), await phone('/'), await bob('/')], ['nobody', 'nobody', '12']);
    assert.equal((await allItems(table)).filter(({ value }) => value?.S?.includes('hat')).length, 1);
    assert.equal((await logout('1')).json.result, false);
  });

  test('the browser of AdonisJS that a logout is to keep stays logged in, and all others are logged out', async () => {
    const [mine, phone, tablet] = [await logIn('4'), await logIn('4'), await logIn('4')];
    assert.equal((await logout('4', { except: exceptOf('AdonisJS', await mine('/id')) })).json.result, true);
    assert.deepEqual([await mine('/'), await phone('/'), await tablet('/')], ['4', 'nobody', 'nobody']);
  });

  test('AdonisJS saves an item without a user when a request outlasts a logout, and settling removes it', async () => {
    const browser = await logIn('2');
    const [{ key } = assert.fail()] = (await allItems(table)).filter(({ userId }) => userId?.S === '2');
    const isThere = async () => (await allItems(table)).find((item) => item.key?.S === key?.S);
    const [begun, answer] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    Object.assign(slow, { begun, answer: answer.promise });
    const page = browser('/slow');
    await begun.promise;
    const settled = logoutAndSettle('2');
    while (await isThere());
    answer.resolve();
    assert.equal(await page, '2');
    assert.deepEqual(Object.keys((await isThere()) ?? {}).sort(), ['expires_at', 'key']);
    assert.equal((await settled).json.result, true);
    assert.equal(await isThere(), undefined);
    assert.equal(await browser('/'), 'nobody');
  });
});

test('the guide’s hook for JavaScript works with the document client, and skips items without a user', async () => {
  const own = new DynamoDBClient();
  hook.addUserId(own, ({ sess }) => Object(sess).userId);
  const document = DynamoDBDocument.from(own);
  const documents = await createTable('connect-dynamodb');
  await document.put({ TableName: documents, Item: { id: 'a', sess: { userId: '7', cart: [] } } });
  await document.put({ TableName: documents, Item: { id: 'b', sess: { cart: [] } } });
  assert.deepEqual((await allItems(documents)).map(({ id, userId }) => [id?.S, userId?.S]).sort(), [
    ['a', '7'],
    ['b', undefined],
  ]);
});

test('npm run table knows a table of AdonisJS from one of Laravel by its milliseconds', async () => {
  await logIn('3');
  const report = await tableReport(table, '--user', '3');
  assert.deepEqual([report.fits, report.layout, report.sessions], [true, 'adonisjs', { live: 1, expired: 0 }]);
  assert.equal((await tableReport(table, '--layout', 'laravel')).fits, false);
});
