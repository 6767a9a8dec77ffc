// `npm run logout` for many users, against the real function behind a stand-in for API Gateway.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, beforeEach, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { decodeJwt } from 'jose';
import { startAws, startRoute } from '../setup/route.ts';
import { newSessions, putItems, sessionsLeft } from '../setup/tables.ts';
import { newRecord, storeRecord } from '../setup/tokens.ts';
import { run } from './command.ts';
import { startGateway } from './gateway.ts';

const { AWS_ENDPOINT_URL_SECRETS_MANAGER: secretsManager = '' } = await startAws();
const { table, secretId, lambda } = await startRoute({ USER_ID_PATTERN: '(?!refused).+' });
const gateway = await startGateway(lambda);
const folder = mkdtempSync(join(tmpdir(), 'logout-'));
after(() => rmSync(folder, { recursive: true }));

const SERVICE = ['--url', gateway.url, '--secrets-manager', secretsManager, '--secret-id', secretId];
const FAST = ['--rate', '200'];
const command = (words: string[], input = '') => run(['lib/operator/logout.ts', ...words], {}, input);
const logout = (words: string[], input = '') => command([...words, ...SERVICE, ...FAST], input);
const newFile = (text = '') => {
  const file = join(folder, randomUUID());
  if (text) writeFileSync(file, text);
  return file;
};
const resultsIn = (file: string) =>
  readFileSync(file, 'utf8')
    .split('\n')
    .slice(0, -1)
    .map((line): Record<string, unknown> => JSON.parse(line));
const users = (prefix: string, count: number) => Array.from({ length: count }, (_, n) => `${prefix}-${n}`);
const logIn = (userIds: string[]) =>
  putItems(
    table,
    userIds.flatMap((userId) => newSessions(userId, 1)),
  );
const arrived = () => gateway.arrivals.map(({ userId }) => userId);

beforeEach(() => {
  gateway.arrivals.length = 0;
  gateway.faults.clear();
});

describe('npm run logout for many users', () => {
  test('logs out every user it names, and ends with the counts', async () => {
    await logIn(['a', 'b']);
    const { code, stdout, stderr } = await logout(['a', 'b', 'nobody', 'a']);
    assert.deepEqual([code, stdout, stderr], [0, `2 true, 1 false, 0 failed at ${gateway.url}\n`, '']);
    assert.deepEqual([await sessionsLeft(table, 'a'), await sessionsLeft(table, 'b')], [0, 0]);
    assert.deepEqual(arrived().sort(), ['a', 'b', 'nobody'], 'each one once');
  });

  test('reads one id a line, from a file of Windows too', async () => {
    const from = newFile('\ufeffone\r\n\r\ntwo words\r\nthree');
    assert.equal((await logout(['--from', from])).code, 0);
    assert.deepEqual(arrived().sort(), ['one', 'three', 'two words']);
  });

  test('reads JSON lines from standard input, and an id that is a number by its digits', async () => {
    const lines = '{"failed":1,"user_id":"x"}\n{"user_id":12345678901234567890}\n{"user_id":"x"}\n';
    assert.equal((await logout(['--from', '-'], lines)).code, 0);
    assert.deepEqual(arrived().sort(), ['12345678901234567890', 'x']);
  });

  test('reads an id back that the audit record has escaped, in either form of file', async () => {
    const userId = 'corp\\ann\u0000\u202e\u{e0001}';
    const escaped = 'corp\\u{5c}ann\\u{0}\\u{202E}\\u{e0001}';
    for (const text of [escaped, JSON.stringify({ user_id: escaped })]) {
      await logIn([userId]);
      const { code, stdout } = await logout(['--from', newFile(text)]);
      assert.deepEqual([code, stdout], [0, `1 true, 0 false, 0 failed at ${gateway.url}\n`]);
    }
    const [out, again] = [newFile(), newFile()];
    await logout(['--from', newFile(escaped), '--out', out]);
    await logout(['--from', out, '--out', again]);
    assert.deepEqual(arrived(), Array(4).fill(userId), 'a file of results is a list of users, too');
  });

  test('names the line of a file that it cannot read, and asks for nobody', async () => {
    for (const [text, fault] of Object.entries({
      '{"user_id":"a"}\nb\n': /line 2: this is not one JSON object/,
      '{"user_id":"a"}\n{"actor":"b"}\n': /line 2: there is no user_id/,
      'a\n\\u{110000}\n': /line 2: Invalid code point/,
      '\n\n': /names no user/,
    })) {
      const { code, stderr } = await logout(['--from', newFile(text)]);
      assert.equal(code, 2);
      assert.match(stderr, fault);
    }
    assert.deepEqual(arrived(), []);
  });

  test('writes one line a user with time, address and result, and exits with 1 when one has failed', async () => {
    await logIn(['c']);
    const out = newFile();
    const { code, stdout, stderr } = await logout(['c', 'nobody', 'refused', '..', '--out', out]);
    assert.equal(code, 1);
    assert.equal(stdout, `0 passed over, done before: see ${out}\n1 true, 1 false, 2 failed at ${gateway.url}\n`);
    assert.match(stderr, /^Failed: refused: 404, the service's userIdPattern does not match this id\.$/m);
    assert.match(stderr, /^Failed: \.\.: no address can hold this id\.$/m);
    const results = resultsIn(out);
    assert.ok(results.every(({ time, address }) => address === gateway.url && Date.parse(String(time)) > 0));
    const byUser = Object.fromEntries(results.map(({ user_id, result, status }) => [user_id, result ?? status]));
    assert.deepEqual(byUser, { c: true, nobody: false, refused: 404, '..': undefined });
  });

  test('passes over those whom the file holds as done, and tries the failed ones and half a line again', async () => {
    const [out, half] = [newFile(), '{"time":"2026-11-22T10:00:0'];
    await logout(['d', 'refused', '--out', out]);
    appendFileSync(out, half);
    gateway.arrivals.length = 0;
    const { stdout } = await logout(['d', 'e', 'refused', '--out', out]);
    assert.match(stdout, /^1 passed over, /);
    assert.deepEqual(arrived().sort(), ['e', 'refused']);
    assert.deepEqual(resultsIn(out).length, 4, 'the half line is gone');
  });

  test('an interrupted run goes on where it was', async () => {
    const out = newFile();
    const all = users('interrupted', 60);
    await logIn(all);
    const abort = new AbortController();
    const child = run(
      ['lib/operator/logout.ts', ...all, ...SERVICE, '--rate', '40', '--out', out],
      {},
      '',
      abort.signal,
    );
    while (!existsSync(out) || resultsIn(out).length < 5) await sleep(10);
    abort.abort();
    await child;
    const done = resultsIn(out).length;
    assert.ok(done < all.length, `${done} were done`);
    const { stdout } = await logout([...all, '--out', out]);
    assert.match(stdout, new RegExp(`^${done} passed over, `));
    assert.deepEqual(new Set(resultsIn(out).map(({ user_id }) => user_id)), new Set(all));
    assert.equal(
      (await Promise.all(all.map((userId) => sessionsLeft(table, userId)))).every((left) => left === 0),
      true,
    );
  });

  test('refuses a file of another address, or of something else, before it asks for anybody', async () => {
    const [other, something] = ['{"address":"https://other.example","user_id":"f","result":true}\n', 'f\n'];
    for (const [text, fault] of [
      [other, /line 1 of .* is a result of https:\/\/other\.example, and this is http:\/\/127/],
      [something, /line 1 of .* is not a result of npm run logout/],
    ] as const) {
      const { code, stderr } = await logout(['f', '--out', newFile(text)]);
      assert.equal(code, 2);
      assert.match(stderr, fault);
    }
    assert.deepEqual(arrived(), []);
  });

  test('sends no more requests a second than --rate', async () => {
    await command([...users('slow', 15), ...SERVICE, '--rate', '10']);
    const [first = 0, last = 0] = [gateway.arrivals.at(0)?.at, gateway.arrivals.at(-1)?.at];
    assert.equal(gateway.arrivals.length, 15);
    assert.ok(last - first > 700, `15 requests in ${last - first} ms`); // never less than 1400, but for a slow first one
  });

  test('tries 429 and 503 again, of the function and of the API, until there is an answer', async () => {
    await logIn(['g', 'h']);
    const soon = { 'retry-after': '0.01' };
    gateway.faults.set('g', [
      { status: 429, headers: soon },
      { status: 503, headers: soon, body: '{"jsonrpc":"2.0","id":1,"error":{"code":-32000,"message":"…"}}' },
      { status: 503, headers: soon },
    ]);
    const { code, stdout } = await logout(['g', 'h']);
    assert.deepEqual([code, stdout], [0, `2 true, 0 false, 0 failed at ${gateway.url}\n`]);
    assert.equal(arrived().filter((userId) => userId === 'g').length, 4);
  });

  test('waits as long as retry-after says', async () => {
    gateway.faults.set('i', [{ status: 503, headers: { 'retry-after': '2' } }]);
    await logout(['i', 'j']);
    const [first = 0, second = 0] = gateway.arrivals.filter(({ userId }) => userId === 'i').map(({ at }) => at);
    assert.ok(second - first > 1900, `tried again after ${second - first} ms`);
  });

  test('stops when for ten minutes nobody has been answered, and says how many it has not tried', async () => {
    const all = users('down', 60);
    for (const userId of all)
      gateway.faults.set(userId, Array(10_000).fill({ status: 503, headers: { 'retry-after': '0.05' } }));
    // Ten minutes in half a second.
    const fast =
      'data:text/javascript,const { now } = Date; const began = now(); Date.now = () => began + 1200 * (now() - began)';
    const { code, stdout, stderr } = await run([
      '--import',
      fast,
      'lib/operator/logout.ts',
      ...all,
      ...SERVICE,
      ...FAST,
    ]);
    assert.equal(code, 1);
    const [, failed = '0'] = stdout.match(/^0 true, 0 false, (\d+) failed/) ?? [];
    const [, untried = '0'] = stderr.match(/^Stopped, with (\d+) not tried: for ten minutes/m) ?? [];
    assert.ok(Number(failed) > 0 && Number(untried) > 0, stdout + stderr);
    assert.equal(Number(failed) + Number(untried), 60);
  });

  test('stops at a token that is refused, since all would be, and says what to check', async () => {
    const unknown = await storeRecord(newRecord());
    const words = [
      ...users('stranger', 400),
      '--url',
      gateway.url,
      '--secrets-manager',
      secretsManager,
      '--secret-id',
      unknown,
    ];
    const { code, stdout, stderr } = await command(words);
    assert.equal(code, 1);
    assert.match(stdout, /^0 true, 0 false, \d+ failed/);
    assert.match(
      stderr,
      new RegExp(`401, the token was refused\\. Is the record ${unknown} among .* records\\)\\? .* 30 seconds`),
    );
    assert.match(stderr, /^Stopped, with \d+ not tried: /m);
    assert.ok(gateway.arrivals.length < 400);
  });

  test('goes on with the new key when the key is changed during a run', async () => {
    const rotating = newRecord();
    const id = await storeRecord(rotating);
    const started = await startRoute({
      VALIDATOR_SECRET_IDS: id,
      VALIDATOR_MAX_AGE_SECONDS: '0',
      USER_ID_PATTERN: '.+',
    });
    const { url, arrivals } = await startGateway(started.lambda);
    const words = [...users('rotate', 40), '--url', url, '--secrets-manager', secretsManager, '--secret-id', id];
    const running = command([...words, '--rate', '20']);
    while (arrivals.length < 5) await sleep(10);
    await storeRecord(newRecord({ previous_key_grace_seconds: 0 }), id);
    const { code, stdout, stderr } = await running;
    assert.deepEqual([code, stdout], [0, `0 true, 40 false, 0 failed at ${url}\n`], stderr);
    assert.equal(new Set(arrivals.map(({ token }) => token)).size, 2);
  });

  test('renews its token before it expires', async () => {
    const record = newRecord({ max_token_age_seconds: 2 });
    const id = await storeRecord(record);
    const started = await startRoute({ VALIDATOR_SECRET_IDS: id, USER_ID_PATTERN: '.+' });
    const { url, arrivals } = await startGateway(started.lambda);
    const words = [...users('long', 30), '--url', url, '--secrets-manager', secretsManager, '--secret-id', id];
    assert.equal((await command([...words, '--rate', '10'])).code, 0);
    assert.ok(arrivals.every(({ token, at }) => Number(decodeJwt(token).exp) * 1000 > at));
    assert.ok(new Set(arrivals.map(({ token }) => token)).size > 1);
  });

  test('tries a lost connection again, and stops when there is no service any more', async () => {
    gateway.faults.set('k', [false, false]);
    assert.equal((await logout(['k', 'l'])).code, 0);
    gateway.faults.set('m', [false, false, false]);
    const { code, stderr } = await logout(['m', ...users('gone', 400)]);
    assert.equal(code, 1);
    assert.match(stderr, new RegExp(`^Stopped, with \\d+ not tried: no answer from ${gateway.url}: `, 'm'));
  });

  test('stops where another service answers', async () => {
    const elsewhere = [
      '--url',
      `${gateway.url}/elsewhere`,
      '--secrets-manager',
      secretsManager,
      '--secret-id',
      secretId,
    ];
    const { code, stderr } = await command([...users('lost', 400), ...elsewhere]);
    assert.equal(code, 1);
    assert.match(stderr, /elsewhere answered 404, but not in JSON-RPC: is it the address of this service\?$/m);
  });
});

test('an answer of the API itself to one user of many does not stop npm run logout', async () => {
  gateway.faults.set('too-long', [{ status: 414, body: '{"message":"URI Too Long"}' }]);
  const { code, stdout, stderr } = await logout([...users('before', 60), 'too-long', 'after']);
  assert.deepEqual([code, stdout], [1, `0 true, 61 false, 1 failed at ${gateway.url}\n`]);
  assert.match(stderr, /^Failed: too-long: 414, but not in JSON-RPC/);
});

describe('npm run logout', () => {
  test('says for one user what each status means', async () => {
    const rpc = '{"jsonrpc":"2.0","id":1,"error":{"code":-32603,"message":"Internal error"}}';
    for (const [status, body, hint] of [
      [403, rpc, /403, the token is valid, but allowed_emails of the record does not name admin, or its user_id_claim/],
      [429, '{"message":"Too Many Requests"}', /429, the API throttles/],
      [500, rpc, /500, the service is misconfigured: fault in its log/],
      [503, rpc, /503, AWS fails or throttles, or time ran out: some sessions may be left/],
      [301, '', /301, but not in JSON-RPC/],
    ] as const) {
      gateway.faults.set('n', [{ status, body, headers: { location: `${gateway.url}/auth/logout_user/o` } }]);
      const { code, stderr } = await logout(['n']);
      assert.equal(code, 1);
      assert.match(stderr, hint);
    }
    assert.ok(!arrived().includes('o'), 'a token does not follow a redirection');
  });

  test('sends a token over https alone, loopback apart, and takes no password in an address', async () => {
    for (const url of ['http://logout.example.com', 'http://10.0.0.1:8069', 'https://u:p@logout.example.com']) {
      const { code, stderr } = await command(['a', '--url', url]);
      assert.equal(code, 2);
      assert.match(stderr, /^--url (must begin with https:|has a user or a password)/);
    }
  });

  test('names the address of the Secrets Manager that does not answer', async () => {
    const { code, stderr } = await command(['a', '--url', gateway.url, '--secrets-manager', 'http://127.0.0.1:9']);
    assert.equal(code, 1);
    assert.match(stderr, /^No answer from http:\/\/127\.0\.0\.1:9, .* ECONNREFUSED/);
  });

  test('exits with 2 for users and a file, for neither, and for what is no rate', async () => {
    for (const words of [
      ['a', '--from', newFile('b')],
      [],
      ['a', 'b', '--rate', '0'],
      ['--from', join(folder, 'none')],
    ])
      assert.equal((await command([...words, '--url', gateway.url])).code, 2, words.join(' '));
  });
});
