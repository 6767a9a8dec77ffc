// The scripts in docs/openid-providers.md, run as they are printed there.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import { after, test } from 'node:test';
import { promisify } from 'node:util';
import { jwtVerify } from 'jose';
import { startAws, startFunction } from '../setup/route.ts';
import { newSessions, putItems, sessionsLeft } from '../setup/tables.ts';
import { newRecord } from '../setup/tokens.ts';
import { startGateway } from './gateway.ts';
import { listen } from './listen.ts';

const PAGE = readFileSync('docs/openid-providers.md', 'utf8');
const [google = '', logOut = ''] = [...PAGE.matchAll(/^ *```js\n(.*?)^ *```/gms)].map(([, code]) => code);
const folder = mkdtempSync(join(tmpdir(), 'reporting-'));
after(() => rmSync(folder, { recursive: true }));
symlinkSync(join(process.cwd(), 'node_modules'), join(folder, 'node_modules'));
const node = (...words: string[]) => promisify(execFile)(process.execPath, words, { cwd: folder });

test('google.mjs registers the address for the events that end sessions, and asks for a test event', async () => {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const key = {
    client_email: 'risc@project.iam.gserviceaccount.com',
    private_key_id: 'k1',
    private_key: privateKey.export({ type: 'pkcs8', format: 'pem' }),
  };
  writeFileSync(join(folder, 'key.json'), JSON.stringify(key));
  const calls: [url: string | undefined, token: string, body: unknown][] = [];
  const { url, close } = await listen(
    createServer(async (request, response) => {
      calls.push([request.url, String(request.headers.authorization).replace('Bearer ', ''), await json(request)]);
      response.end('{}');
    }),
  );
  after(close);
  writeFileSync(join(folder, 'google.mjs'), google.replace('https://risc.googleapis.com/v1beta', `${url}/v1beta`));
  const address = 'https://logout.example.com/auth/security_events';
  const { stdout } = await node('google.mjs', 'key.json', address);
  assert.equal(stdout, 'stream:update 200 {}\nstream:verify 200 {}\n');

  const [[update, token = '', configuration] = [], [verify, , state] = []] = calls;
  assert.deepEqual([update, verify], ['/v1beta/stream:update', '/v1beta/stream:verify']);
  const delivery_method = 'https://schemas.openid.net/secevent/risc/delivery-method/push';
  assert.partialDeepStrictEqual(configuration, { delivery: { delivery_method, url: address } });
  assert.match(JSON.stringify(state), /^{"state":".+"}$/);
  const { payload, protectedHeader } = await jwtVerify(token, publicKey);
  assert.deepEqual([payload.iss, payload.sub, protectedHeader.kid], [key.client_email, key.client_email, 'k1']);
});

test('the ten lines for a webhook log a user out, with the reason, and fail when that fails', async () => {
  await startAws();
  const record = newRecord({ issuer: 'webhook' });
  const { lambda, table } = await startFunction('logout_user', [record]);
  const gateway = await startGateway(lambda);
  await putItems(table, newSessions('7', 2));
  writeFileSync(join(folder, 'log_out.mjs'), `${logOut}\nawait logOut(...process.argv.slice(2));`);
  Object.assign(process.env, { LOGOUT_KEY: record.secret_key, LOGOUT_URL: gateway.url });
  await node('log_out.mjs', '7', 'account deleted');
  assert.equal(await sessionsLeft(table, '7'), 0);
  await assert.rejects(node('log_out.mjs', 'no id', 'x'), /logout failed: 404/);
});
