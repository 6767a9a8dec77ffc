// Shopify's own storage writes the sessions of an app, and reads back those of a shop.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Session } from '@shopify/shopify-api';
import { DynamoDBSessionStorage } from '@shopify/shopify-app-session-storage-dynamodb';
import { tableReport } from '../local/table_report.ts';
import { startAws, startLogout } from '../setup/route.ts';
import { createTable } from '../setup/tables.ts';
import { exceptOf, layoutOf } from './guide.ts';

await startAws();
const layout = layoutOf('Shopify');
const sessionTableName = await createTable(layout);
const storage = new DynamoDBSessionStorage({ sessionTableName, shopIndexName: 'shop_index' });
const SHOP = 'snow.myshopify.com';
const pattern = { USER_ID_PATTERN: '[a-z0-9][a-z0-9\\-]*\\.myshopify\\.com' }; // as the guide has it
const logout = await startLogout(sessionTableName, layout, pattern);
const logoutOnline = await startLogout(
  sessionTableName,
  { ...layout, guard: { name: 'isOnline', equals: true } },
  pattern,
);

/** The offline token of the shop, and an online session for each of its users. */
async function install(shop: string, users: string[], expires = new Date(Date.now() + 3_600_000)): Promise<void> {
  await storage.storeSession(new Session({ id: `offline_${shop}`, shop, state: '1', isOnline: false }));
  for (const user of users)
    await storage.storeSession(new Session({ id: `${shop}_${user}`, shop, state: '1', isOnline: true, expires }));
}

const idsOf = async (shop: string) => (await storage.findSessionsByShop(shop)).map(({ id }) => id).sort();

test('a logout ends all sessions of a Shopify shop, also its offline token, and none of another shop', async () => {
  await install(SHOP, ['1', '2']);
  await install(`deep-${SHOP}`, ['1']);
  assert.equal((await logout(SHOP)).json.result, true);
  assert.deepEqual(await idsOf(SHOP), []);
  assert.deepEqual(await idsOf(`deep-${SHOP}`), [`deep-${SHOP}_1`, `offline_deep-${SHOP}`]);
  assert.equal((await logout('snow')).status, 404);
});

test('a logout leaves a Shopify shop’s offline token when the layout has the guide’s guard', async () => {
  await install(SHOP, ['1', '2']);
  assert.equal((await logoutOnline(SHOP)).json.result, true);
  assert.deepEqual(await idsOf(SHOP), [`offline_${SHOP}`]);
  assert.equal((await logoutOnline(SHOP)).json.result, false);
});

test('a logout keeps the session of a Shopify shop that it is to keep, and ends all others', async () => {
  const shop = 'keep.myshopify.com';
  await install(shop, ['1', '2']);
  const { id } = (await storage.loadSession(`${shop}_2`)) ?? assert.fail();
  assert.equal((await logout(shop, { except: exceptOf('Shopify', id) })).json.result, true);
  assert.deepEqual(await idsOf(shop), [id]);
});

test('a logout answers false when all online sessions of a Shopify shop have expired', async () => {
  const shop = 'old.myshopify.com';
  await install(shop, ['1'], new Date(Date.now() - 1000));
  assert.equal((await logoutOnline(shop)).json.result, false);
  assert.deepEqual(await idsOf(shop), [`offline_${shop}`]);
});

test('npm run table knows a table of Shopify, also with the guide’s guard', async () => {
  await install(SHOP, ['1', '2']);
  const { fits, layout, sessions } = await tableReport(sessionTableName, '--user', SHOP);
  assert.deepEqual([fits, layout, sessions], [true, 'shopify', { live: 3, expired: 0 }]);
  const guarded = JSON.stringify({ ...layoutOf('Shopify'), guard: { name: 'isOnline', equals: true } });
  const online = await tableReport(sessionTableName, '--layout', guarded, '--user', SHOP);
  assert.deepEqual([online.fits, online.sessions], [true, { live: 2, expired: 0 }]);
});
