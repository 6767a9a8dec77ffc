// A running express application keeps its sessions in connect-dynamodb, and says over HTTP who is logged in.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tableReport } from '../local/table_report.ts';
import { startAws, startLogout } from '../setup/route.ts';
import { allItems, createTable } from '../setup/tables.ts';
import { type Browser, startExpress } from './express_app.ts';
import { exceptOf } from './guide.ts';

const LOGGED_OUT = '{}';
await startAws();
const table = await createTable('connect-dynamodb');
const logout = await startLogout(table, 'connect-dynamodb');
const openBrowser = await startExpress(table, {
  specialKeys: [{ name: 'userId', type: 'S' }],
  skipThrowMissingSpecialKeys: true,
});

/** That many browsers in which the user is logged in. */
async function logIn(userId: string, count: number): Promise<Browser[]> {
  const browsers = Array.from({ length: count }, openBrowser);
  for (const browser of browsers) await browser('POST', `/login/${encodeURIComponent(userId)}`);
  return browsers;
}

const show = (browsers: Browser[]) => Promise.all(browsers.map((browser) => browser('GET', '/session')));

test('a user of express-session is logged out of every browser, and all other sessions stay', async () => {
  const [one, two, twelve] = [await logIn('1', 2), await logIn('2', 3), await logIn('12', 2)];
  const anonymous = openBrowser();
  await anonymous('POST', '/cart');
  assert.deepEqual(await show(two), Array(3).fill('{"userId":"2"}'));

  assert.equal((await logout('1')).json.result, true);
  assert.deepEqual(await show(one), [LOGGED_OUT, LOGGED_OUT]);
  assert.deepEqual(await show([...two, ...twelve]), [
    ...Array(3).fill('{"userId":"2"}'),
    ...Array(2).fill('{"userId":"12"}'),
  ]);
  assert.deepEqual(await show([anonymous]), ['{"cart":["x"]}']);
  assert.equal((await logout('1')).json.result, false);
});

test('the browser of express-session that a logout is to keep stays logged in, and all others are logged out', async () => {
  const [mine = assert.fail(), ...others] = await logIn('3', 3);
  const except = exceptOf('connect-dynamodb', await mine('GET', '/session-id'));
  assert.equal((await logout('3', { except })).json.result, true);
  assert.deepEqual(await show([mine, ...others]), ['{"userId":"3"}', LOGGED_OUT, LOGGED_OUT]);
});

test('a user of express-session whose id begins with another user’s id is not logged out with that user', async () => {
  const [a, ab] = [await logIn('a', 1), await logIn('a#b', 1)];
  assert.equal((await logout('a')).json.result, true);
  assert.deepEqual(await show([...a, ...ab]), [LOGGED_OUT, '{"userId":"a#b"}']);
});

test('a browser in which another user of express-session has logged in since stays logged in', async () => {
  const [browser] = await logIn('5', 1);
  await browser?.('POST', '/login/6');
  assert.equal((await logout('5')).json.result, false);
  assert.deepEqual(await show(browser ? [browser] : []), ['{"userId":"6"}']);
});

test('a logged-out browser of express-session that only looks at a page does not bring its session back', async () => {
  const browsers = await logIn('7', 2);
  await logout('7');
  await show(browsers);
  assert.deepEqual(await show(browsers), [LOGGED_OUT, LOGGED_OUT]);
  assert.equal((await logout('7')).json.result, false);
});

test('a logout finds and deletes nothing where connect-dynamodb has no specialKeys', async () => {
  const openOther = await startExpress(table, {});
  const browser = openOther();
  await browser('POST', '/login/8');
  const before = await allItems(table);
  assert.equal((await logout('8')).json.result, false);
  assert.equal((await allItems(table)).length, before.length);
  assert.equal(await browser('GET', '/session'), '{"userId":"8"}');
});

test('npm run table knows a table of connect-dynamodb, and says what it lacks without an index and specialKeys', async () => {
  const [browser] = await logIn('9', 1);
  const report = await tableReport(table, '--user', '9');
  assert.ok(browser && report.fits);
  assert.equal(report.library, 'express-session (connect-dynamodb)');
  assert.deepEqual([report.params.table, report.params.layout], [table, 'connect-dynamodb']);
  assert.deepEqual(report.sessions, { live: 1, expired: 0 });

  const bare = await createTable('connect-dynamodb', { indexes: [] });
  const openOther = await startExpress(bare, {});
  await openOther()('POST', '/login/9');
  const { fits, library, params, missing } = await tableReport(bare);
  assert.deepEqual([fits, library, params.layout], [false, report.library, 'connect-dynamodb']);
  const [index, attribute] = missing;
  assert.match(index?.what ?? '', /^the index userId-index with the key userId$/);
  assert.match(index?.command ?? '', new RegExp(`^aws dynamodb update-table --table-name ${bare} --endpoint-url http`));
  assert.match(attribute?.what ?? '', /userId is on none of the 1 sessions seen/);
});
