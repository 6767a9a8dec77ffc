// React Router's session storage for Architect writes the sessions, and reads back by their cookies what is left.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, test } from 'node:test';
import { createArcTableSessionStorage } from '@react-router/architect';
import { tableReport } from '../local/table_report.ts';
import { startAws, startLogout } from '../setup/route.ts';
import { createTable } from '../setup/tables.ts';
import { exceptOf } from './guide.ts';

const { AWS_ENDPOINT_URL_DYNAMODB: endpoint = assert.fail() } = await startAws();
const table = await createTable('architect');
const logout = await startLogout(table, 'architect');
await startSandbox(table);
const { getSession, commitSession } = createArcTableSessionStorage<{ userId: string; theme: string }>({
  table: 'arc-sessions',
  idx: '_idx',
  ttl: '_ttl',
  cookie: { name: '__session', secrets: ['a test'], maxAge: 3600 },
});

/** Stands in for Architect's sandbox, which knows the real name of the table and the port of DynamoDB. */
async function startSandbox(arcSessions: string): Promise<void> {
  const Parameters = [{ Name: '/ArcAppTesting/tables/arc-sessions', Value: arcSessions }];
  const sandbox = createServer((_, response) => {
    response.setHeader('content-type', 'application/x-amz-json-1.1').end(JSON.stringify({ Parameters }));
  });
  await new Promise<void>((resolve) => sandbox.listen(0, '127.0.0.1', resolve));
  after(() => sandbox.close());
  const address = sandbox.address();
  assert.ok(typeof address === 'object' && address);
  const tables = Number(new URL(endpoint).port);
  process.env.ARC_ENV = 'testing';
  process.env.ARC_SANDBOX = JSON.stringify({ version: '5.0.0', ports: { tables, _arc: address.port } });
}

/** The cookie of a new session with these data. */
async function begin(data: { userId?: string; theme?: string }): Promise<string> {
  const session = await getSession();
  if (data.userId) session.set('userId', data.userId);
  if (data.theme) session.set('theme', data.theme);
  return (await commitSession(session)).split(';')[0] ?? assert.fail();
}

const data = (cookies: string[]) => Promise.all(cookies.map(async (cookie) => (await getSession(cookie)).data));

test('React Router finds no session of a user after a logout, and all other sessions stay', async () => {
  const cookies = [];
  for (const userId of ['1', '2', '12', '2', 'a#2', '2']) cookies.push(await begin({ userId }));
  const anonymous = await begin({ theme: 'dark' });
  assert.deepEqual(await data(cookies.slice(0, 2)), [{ userId: '1' }, { userId: '2' }]);

  assert.equal((await logout('2')).json.result, true);
  assert.deepEqual(await data(cookies), [{ userId: '1' }, {}, { userId: '12' }, {}, { userId: 'a#2' }, {}]);
  assert.deepEqual(await data([anonymous]), [{ theme: 'dark' }]);
  assert.equal((await logout('2')).json.result, false);
});

test('React Router finds the one session that a logout is to keep, and no other of that user', async () => {
  const cookies = [await begin({ userId: '3' }), await begin({ userId: '3' }), await begin({ userId: '3' })];
  const { id } = await getSession(cookies[1]);
  assert.equal((await logout('3', { except: exceptOf('architect', id) })).json.result, true);
  assert.deepEqual(await data(cookies), [{}, { userId: '3' }, {}]);
});

test('a session that React Router commits again for another user survives a logout of the first one', async () => {
  const cookie = await begin({ userId: '5' });
  const session = await getSession(cookie);
  session.set('userId', '6');
  await commitSession(session);
  assert.equal((await logout('5')).json.result, false);
  assert.deepEqual(await data([cookie]), [{ userId: '6' }]);
});

test('npm run table knows a table of React Router', async () => {
  await begin({ userId: '8' });
  const report = await tableReport(table, '--user', '8');
  assert.deepEqual([report.fits, report.layout, report.sessions], [true, 'architect', { live: 1, expired: 0 }]);
});
