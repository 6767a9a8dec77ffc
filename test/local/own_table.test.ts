// `npm start` on an application's own table.
import assert from 'node:assert/strict';
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, test } from 'node:test';
import { snippet } from '../layouts/guide.ts';
import { LIBRARIES } from '../layouts/libraries.ts';
import { startAws } from '../setup/route.ts';
import { allItems, createTable, putItems } from '../setup/tables.ts';
import { run } from './command.ts';
import { startService } from './service.ts';

const folder = mkdtempSync(join(tmpdir(), 'application-'));
symlinkSync(resolve('node_modules'), join(folder, 'node_modules'));
const children: ChildProcess[] = [];
after(async () => {
  for (const child of children.reverse()) {
    if (child.exitCode !== null || child.pid === undefined) continue;
    const closed = once(child, 'close');
    process.kill(-child.pid, 'SIGINT');
    await closed;
  }
  rmSync(folder, { recursive: true });
});

/** Runs the line in a terminal of its own, until it has printed this. */
async function open(line: string, cwd: string, printed: string): Promise<void> {
  const child = spawn('sh', ['-c', `${line} 2>&1`], { cwd, stdio: ['ignore', 'pipe', 'inherit'], detached: true });
  children.push(child);
  let output = '';
  for await (const chunk of child.stdout.iterator({ destroyOnReturn: false })) {
    output += chunk;
    if (output.includes(printed)) return void child.stdout.resume();
  }
  assert.fail(`${line} has ended:\n${output}`);
}

/** What the line prints. */
function outputOf(line: string, cwd: string): Promise<string> {
  return new Promise(
    (resolve) => void execFile('sh', ['-c', line], { cwd }, (_, stdout, stderr) => resolve(stdout + stderr)),
  );
}

test('the guide’s application loses its login by npm run logout, with the commands and ports of the guide', async () => {
  writeFileSync(join(folder, 'app.mjs'), snippet('js', 'app.listen(3000'));
  const [start = '', app = '', ...others] = snippet('sh', 'npm start -- --param').trim().split('\n');
  await open(start, '.', 'ready http://localhost:8069\n');
  await open(app, folder, 'http://localhost:3000\n');
  assert.equal(others.length, 5);
  for (const line of others) {
    const [, command = '', says = assert.fail(line)] = line.match(/^(.*?) +# (.*)$/) ?? [];
    const output = await outputOf(command, command.startsWith('npm') ? '.' : folder);
    assert.ok(output.split('\n').includes(says), `${command}\n${output}`);
  }
});

test('npm start serves a table in a DynamoDB that runs already, and creates and changes nothing there', async () => {
  const { AWS_ENDPOINT_URL_DYNAMODB: dynamodb = '' } = await startAws();
  const { session, index } = LIBRARIES.architect ?? assert.fail();
  const table = await createTable('architect', { indexes: index && [index] });
  const kept = session('12', new Date(Date.now() + 3_600_000));
  await putItems(table, [session('1', new Date(Date.now() + 3_600_000)), kept]);
  const parameters = [`table=${table}`, 'layout=architect', 'openidProviders=none', 'settleSeconds=1'];
  const service = await startService([
    '--dynamodb',
    dynamodb,
    ...parameters.flatMap((parameter) => ['--param', parameter]),
  ]);
  assert.match(service.output(), new RegExp(`^local DynamoDB +${dynamodb} +table ${table}$`, 'm'));
  assert.doesNotMatch(service.output(), /Users 1, 2 and 3|backchannel_logout/);
  assert.equal((await allItems(table)).length, 2);
  const { code, stdout } = await run(['lib/operator/logout.ts', '1', '--url', service.url]);
  assert.deepEqual([code, stdout.split('\n')[0]], [0, '{"jsonrpc":"2.0","id":1,"result":true}']);
  assert.deepEqual(await allItems(table), [kept]);
  await service.stop();
});

test('npm start says for which access key and region a table is not there', async () => {
  const { AWS_ENDPOINT_URL_DYNAMODB: dynamodb = '' } = await startAws();
  const service = await startService([
    '--dynamodb',
    dynamodb,
    '--param',
    'table=not-there',
    '--param',
    'layout=architect',
  ]);
  assert.match(
    service.output(),
    /table not-there, which is not there for the access key local and the region us-east-1/,
  );
  await service.stop();
});

test('npm start refuses a setting in one line', async () => {
  const start = (...words: string[]) => run(['test/local/start.ts', '--port', '18069', ...words]);
  for (const [words, code, line] of [
    [
      ['--param', 'table=app', '--param', 'layout=nope'],
      1,
      /^SESSION_LAYOUT: no layout is called "nope".*\(parameter layout\)\n$/,
    ],
    [['--param', 'tabel=app'], 1, /^There is no parameter tabel: .*\n$/],
    [
      ['--param', 'table=app', '--dynamodb', 'http://127.0.0.1:9'],
      1,
      /^The table app cannot be looked for at http:\/\/127\.0\.0\.1:9: .*ECONNREFUSED.*\n$/,
    ],
    [['--param', 'layout=authjs'], 2, /^--param layout needs --param table=NAME: .*\n$/],
    [['--param', 'table'], 2, /^--param is name=value, .*\n$/],
    [['--dynamodb', 'http://127.0.0.1:9'], 2, /^--dynamodb needs --param table=NAME, .*\n$/],
  ] as const) {
    const outcome = await start(...words);
    assert.equal(outcome.code, code, words.join(' '));
    assert.match(outcome.stderr, line);
  }
});
