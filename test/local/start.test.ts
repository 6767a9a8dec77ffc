// `npm start` and the other commands, as a newcomer runs them.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { useLocalAws } from '../../lib/operator/local_aws.ts';
import { newSessions, putItems, sessionsLeft } from '../setup/tables.ts';
import { storeRecord } from '../setup/tokens.ts';
import { PUBLISHED_RECORD, TABLE } from './seed.ts';
import { fourFreePorts, startService } from './service.ts';

// Somebody's shell: its settings for AWS, proxies and a home affect neither npm start, nor a logout, nor a test.
const nowhere = 'http://127.0.0.1:9';
const folder = mkdtempSync(join(tmpdir(), 'shell-'));
writeFileSync(join(folder, 'config'), '[profile work]\nuse_fips_endpoint = true\nregion = eu-west-9\n');
after(() => rmSync(folder, { recursive: true }));
const SHELL = {
  AWS_PROFILE: 'work',
  AWS_REGION: 'eu-west-9',
  AWS_DEFAULT_REGION: 'eu-west-9',
  AWS_CONFIG_FILE: join(folder, 'config'),
  AWS_CA_BUNDLE: join(folder, 'none.pem'),
  AWS_ENDPOINT_URL: nowhere,
  AWS_ENDPOINT_URL_DYNAMODB: nowhere,
  AWS_ENDPOINT_URL_SECRETS_MANAGER: nowhere,
  AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: 'true',
  AWS_USE_FIPS_ENDPOINT: 'true',
  AWS_SESSION_TOKEN: 'foreign',
  HTTP_PROXY: nowhere,
  http_proxy: nowhere,
  HTTPS_PROXY: nowhere,
  NODE_USE_ENV_PROXY: '1',
  HOME: '/dev/null',
};
Object.assign(process.env, SHELL);

const service = await startService();
const { port, url, output } = service;
after(() => service.process.exitCode ?? service.stop());
const addressOf = (name: string) => output().match(new RegExp(`local ${name} +(\\S+)`))?.[1];
useLocalAws({ dynamodb: addressOf('DynamoDB'), secretsManager: addressOf('Secrets Manager') });

type Outcome = { code: number | null; stdout: string; stderr: string };

/** Runs one of the commands to its end, in that shell. */
function run(words: string[], more: NodeJS.ProcessEnv = {}, cwd = '.'): Promise<Outcome> {
  const env = { ...process.env, ...SHELL, ...more };
  return new Promise((resolve) => {
    const child = execFile(process.execPath, words, { env, cwd }, (_, stdout, stderr) =>
      resolve({ code: child.exitCode, stdout, stderr }),
    );
  });
}

const start = (...words: string[]) => run(['test/local/start.ts', ...words]);
const logout = (...words: string[]) => run(['lib/operator/logout.ts', ...words]);
const table = (...words: string[]) => run(['lib/operator/table.ts', ...words]);
const smoke = (...words: string[]) => run(['lib/operator/smoke.ts', ...words]);

describe('npm start', () => {
  test('npm start says first that it is starting, and where', () => {
    assert.equal(output().split('\n')[0], `Starting at ${url} ...`);
  });

  test('npm start seeds three sessions each for users 1, 2 and 3', async () => {
    assert.deepEqual(await Promise.all(['1', '2', '3'].map((user) => sessionsLeft(TABLE, user))), [3, 3, 3]);
  });

  test('npm start prints a request that logs user 2 out, word for word', async () => {
    const request = output().match(/^curl .*$/m)?.[0] ?? '';
    const [, url = '', authorization = ''] = request.match(/^curl -X POST (\S+) -H 'authorization: (.*)'$/) ?? [];
    const answer = async () => (await fetch(url, { method: 'POST', headers: { authorization } })).text();
    assert.equal(await answer(), '{"jsonrpc":"2.0","id":null,"result":true}');
    assert.equal(await answer(), '{"jsonrpc":"2.0","id":null,"result":false}');
    assert.equal(await sessionsLeft(TABLE, '2'), 0);
    assert.equal(await sessionsLeft(TABLE, '3'), 3);
  });

  test('the call in the README runs against npm start as it stands there', async () => {
    const [, code = assert.fail()] = readFileSync('README.md', 'utf8').match(/^```js\n(import .*?)^```/ms) ?? [];
    assert.match(code, /http:\/\/localhost:8069'/);
    await putItems(TABLE, newSessions('1', 1));
    const words = ['--input-type=module', '--eval', code.replace('http://localhost:8069', url)];
    assert.deepEqual(await run(words, { NODE_USE_ENV_PROXY: undefined }), { code: 0, stdout: 'true\n', stderr: '' });
    await putItems(TABLE, newSessions('1', 3));
  });

  test('npm run logout prints true, then false, and says both in words too', async () => {
    const first = await logout('1', '--url', url);
    assert.deepEqual(first, {
      code: 0,
      stdout: `{"jsonrpc":"2.0","id":1,"result":true}\nUser 1 is logged out at ${url}: no session is left.\n`,
      stderr: '',
    });
    const second = await logout('1', '--url', url, '--email', 'a@example', '--reason', 'a test');
    assert.deepEqual(second, {
      code: 0,
      stdout: `{"jsonrpc":"2.0","id":1,"result":false}\nUser 1 had no live session at ${url}.\n`,
      stderr: '',
    });
    assert.match(output(), /"caller_reason":"a test","actor":"a@example"/);
  });

  test('npm run logout exits with 1 after an error, and with 2 after wrong usage', async () => {
    for (const words of [
      ['abc'],
      ['1', '--audience', 'another'],
      ['1', '--issuer', 'another'],
      ['1', '--secret-id', 'none'],
    ]) {
      const { code, stderr } = await logout(...words, '--url', url);
      assert.equal(code, 1, words.join(' '));
      assert.ok(stderr.includes(url), stderr);
    }
    const { code, stderr } = await logout('1', '--url', `${url}/elsewhere`);
    assert.equal(code, 1);
    assert.match(stderr, /\/elsewhere answered 404, but not in JSON-RPC: is it the address of this service\?\n$/);
    for (const words of [[], ['1', '--from', '-'], ['1', '--color', 'red'], ['1', '--url', 'nowhere']]) {
      assert.equal((await logout(...words)).code, 2, words.join(' '));
    }
  });

  test('npm run logout keeps the sessions whose keys are in the file, and prints none of them', async () => {
    const [mine = assert.fail(), ...others] = newSessions('7', 3);
    await putItems(TABLE, [mine, ...others]);
    const file = join(folder, 'keys');
    const key = mine.session_id?.S ?? '';
    writeFileSync(file, `${key}\r\nnone\n`);
    const { code, stdout } = await logout('7', '--url', url, '--except-from', file);
    assert.deepEqual([code, await sessionsLeft(TABLE, '7')], [0, 1]);
    assert.match(
      stdout,
      /^\{.*"result":true\}\nUser 7 is logged out at \S+: no session is left but those to keep\.\n$/,
    );
    assert.ok(!output().includes(key));

    writeFileSync(join(folder, 'many'), `${key}\n`.repeat(11));
    writeFileSync(join(folder, 'none'), '\n');
    for (const words of [
      ['7', '--except-from', join(folder, 'many')],
      ['7', '--except-from', join(folder, 'none')],
      ['7', '--except-from', join(folder, 'absent')],
      ['7', '8', '--except-from', file],
    ]) {
      const wrong = await logout(...words, '--url', url);
      assert.equal(wrong.code, 2, words.join(' '));
      assert.ok(!(wrong.stdout + wrong.stderr).includes(key));
    }
    assert.equal(await sessionsLeft(TABLE, '7'), 1);
  });

  test('npm run logout accepts a record whose list is text', async () => {
    const record = { ...PUBLISHED_RECORD, audience: '["auth_logout_user_jwt", "b"]', allow_short_key: 'true' };
    const secretId = await storeRecord(`\ufeff${JSON.stringify(record)}`);
    assert.equal((await logout('0', '--url', url, '--secret-id', secretId)).code, 0);
  });

  test('npm run logout does nothing when npm kept its options for itself', async () => {
    const kept = { npm_config_url: 'https://prod.example.invalid', npm_config_secret_id: 'x' };
    const { code, stdout, stderr } = await run(['lib/operator/logout.ts', '3'], kept);
    assert.deepEqual([code, stdout], [2, '']);
    assert.match(
      stderr,
      /^npm kept --(url|secret-id) for itself, and nothing was done: write -- before the options\.\n/,
    );
    const { code: second } = await run(['lib/operator/logout.ts', '3'], { npm_config_email: 'a@example' });
    assert.equal(second, 2);
    assert.equal(await sessionsLeft(TABLE, '3'), 3);
  });

  test('npm run logout works where an .npmrc has an email', async () => {
    writeFileSync(join(folder, 'npmrc'), 'email = a@example\n');
    const words = ['lib/operator/logout.ts', '0', '--url', url];
    const npm = { npm_config_email: 'a@example', npm_config_userconfig: join(folder, 'npmrc') };
    assert.equal((await run(words, npm)).code, 0);
  });

  test('npm run logout stops at a broken record, and shows no part of it', async () => {
    for (const [text, fault] of Object.entries({
      '{"secret_key": topsecret}': 'the secret is not valid JSON',
      '{"name": "a", "audience": "a", "issuer": "i", "signature_type": "secret", "secret_algorithm": "HS256"}':
        'secret_key is missing',
    })) {
      const broken = await storeRecord(text);
      assert.deepEqual(await logout('1', '--url', url, '--secret-id', broken), {
        code: 1,
        stdout: '',
        stderr: `validator record ${broken}: ${fault}\n`,
      });
    }
  });

  test('npm run smoke passes against npm start, and touches no session', async () => {
    const { code, stdout } = await smoke('--url', url);
    assert.equal(code, 0, stdout);
    assert.match(stdout, /^ok .* without a token .*\nok .* forged token .*\n$/);
    assert.equal(await sessionsLeft(TABLE, '3'), 3);
  });

  test('npm run smoke passes against npm start with the route for OpenID providers, too', async () => {
    const { code, stdout } = await smoke('--url', url, '--openid-providers');
    assert.equal(code, 0, stdout);
    assert.match(
      stdout,
      /^(ok .* \(401, .*\n){2}ok .* without a logout token \(400, .*\nok .* forged logout token .*\n$/,
    );
  });

  test('npm start serves and prints nothing of the further routes unless it is told to', async () => {
    assert.doesNotMatch(output().split('\nready ')[0] ?? '', /revocation|security_events/);
    for (const path of ['global_token_revocation', 'security_events'])
      assert.equal((await fetch(`${url}/auth/${path}`, { method: 'POST' })).status, 404);
  });

  test('npm start prints a request of an OpenID provider that logs user 3 out, word for word', async () => {
    const request = output().match(/^curl -i .*$/m)?.[0] ?? '';
    const [, url = '', form = ''] = request.match(/^curl -i (\S+) -d '(.*)'$/) ?? [];
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }; // as -d has it
    const answer = await fetch(url, { method: 'POST', headers, body: form });
    assert.deepEqual([answer.status, await answer.text()], [200, '']);
    assert.equal(await sessionsLeft(TABLE, '3'), 0);
  });

  test('npm start says in one line which port is in use', async () => {
    const { code, stderr } = await start('--port', `${port}`);
    assert.equal(code, 1);
    assert.match(stderr, new RegExp(`^Port ${port} is in use\\. .*\\n$`));
  });

  test('npm start leaves no process, no port and no file behind after Ctrl-C', async () => {
    service.process.kill('SIGINT'); // the terminal sends one, npm another
    await service.stop();
    assert.equal(service.process.exitCode, 0);
    assert.doesNotMatch(output(), /panic|goroutine|Error/, 'esbuild and the framework end quietly');
    for (const used of [port, port + 1, port + 2, port + 3]) {
      await assert.rejects(once(connect(used, 'localhost'), 'connect'), { code: 'ECONNREFUSED' });
    }
    assert.equal(existsSync(`.esbuild-${port}`), false);
    assert.deepEqual(
      readdirSync(tmpdir()).filter((name) => name.startsWith(`auth-logout-user-${port}-`)),
      [],
    );
  });

  test('npm start leaves no port behind when only npm is ended', async () => {
    const port = await fourFreePorts();
    const npm = spawn('npm', ['start', '--', '--port', `${port}`], { stdio: ['ignore', 'pipe', 'inherit'] });
    let printed = '';
    for await (const chunk of npm.stdout.iterator({ destroyOnReturn: false })) {
      printed += chunk;
      if (printed.includes(`ready http://localhost:${port}\n`)) break;
    }
    npm.kill('SIGTERM');
    npm.stdout.resume();
    await once(npm, 'close'); // the last process that could print has ended
    await assert.rejects(once(connect(port, 'localhost'), 'connect'), { code: 'ECONNREFUSED' });
  });
});

describe('npm start -- --show', async () => {
  const shown = await startService(['--show', 'revocation,events']);
  after(shown.stop);

  /** Sends the printed request for the path, word for word; the status and how many sessions of user 3 are left. */
  async function copied(path: string): Promise<[number, number]> {
    await putItems(TABLE, newSessions('3', 3));
    const line =
      shown
        .output()
        .split('\n')
        .find((line) => line.startsWith(`curl -i ${shown.url}${path} `)) ?? '';
    const { stdout } = await promisify(execFile)('sh', [
      '-c',
      line.replace('curl -i', "curl -s -o /dev/null -w '%{http_code}'"),
    ]);
    return [Number(stdout), await sessionsLeft(TABLE, '3')];
  }
  const own = (name: string) => shown.output().match(new RegExp(`local ${name} +(\\S+)`))?.[1];

  test('a request for each further route is printed, and each logs user 3 out, word for word', async () => {
    useLocalAws({ dynamodb: own('DynamoDB'), secretsManager: own('Secrets Manager') });
    assert.deepEqual(await copied('/auth/backchannel_logout'), [200, 0]);
    assert.deepEqual(await copied('/auth/global_token_revocation'), [204, 0]);
    assert.deepEqual(await copied('/auth/security_events'), [202, 0]);
    useLocalAws({ dynamodb: addressOf('DynamoDB'), secretsManager: addressOf('Secrets Manager') });
  });

  test('npm run smoke looks at each route that it is told is there', async () => {
    const flags = ['--openid-providers', '--revocation-issuers', '--event-transmitters'];
    const { code, stdout } = await smoke('--url', shown.url, ...flags);
    assert.equal(code, 0, stdout);
    const statuses = [...stdout.matchAll(/^ok .*\((\d+), \d+ ms\)$/gm)].map(([, status]) => status);
    assert.deepEqual(statuses, ['401', '401', '400', '400', '401', '401', '400', '400']);
  });

  test('npm start says in one line that two parameters name one record', async () => {
    const params = ['revocationIssuers=kc', 'eventTransmitters=kc'].flatMap((param) => ['--param', param]);
    const { code, stderr } = await start('--port', String(await fourFreePorts()), ...params);
    assert.deepEqual([code, stderr], [1, 'The parameters name kc twice: each needs its own record.\n']);
  });

  test('npm start says in one line what --show takes', async () => {
    const { code, stderr } = await start('--show', 'okta');
    assert.deepEqual([code, stderr], [2, '--show is revocation, events, or both with a comma, and not "okta"\n']);
  });
});

/** What npm run smoke prints about a service that answers every request like this. */
async function smokeOf(status: string, body: string): Promise<Outcome> {
  const head = `HTTP/1.1 ${status}\r\ncontent-length: ${body.length}\r\nconnection: close\r\n\r\n`;
  const server = createServer((socket) => socket.end(head + body));
  await once(server.listen(0, 'localhost'), 'listening');
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  const outcome = await smoke('--url', `http://localhost:${port}`, '--openid-providers');
  server.close();
  return outcome;
}

describe('without a service', () => {
  test('npm run logout names the address that does not answer, and asks whether npm start is running', async () => {
    const { code, stderr } = await logout('1', '--url', 'http://localhost:9');
    assert.equal(code, 1);
    assert.match(stderr, /^No answer from http:\/\/127\.0\.0\.1:11, .*: .*\. Is npm start running\?\n$/);
  });

  test('npm run smoke fails when nobody answers', async () => {
    const { code, stdout } = await smoke('--url', 'http://localhost:9');
    assert.equal(code, 1);
    assert.match(stdout, /^FAIL .*\nFAIL .*\n$/);
  });

  test('npm run smoke fails when a service answers 200 to everybody', async () => {
    const { code, stdout } = await smokeOf('200 OK', '{}');
    assert.equal(code, 1);
    assert.match(stdout, /^(FAIL .*: status 200, .*no cache-control: no-store, body {}\n){4}$/);
  });

  test('npm run smoke says in one line that a route is not deployed, and what to set', async () => {
    const { code, stdout } = await smokeOf('404 Not Found', '{"message":"Not Found"}');
    assert.equal(code, 1);
    assert.match(
      stdout,
      /^(FAIL .*: status 404, is it .*\n){2}(FAIL .*: status 404, the route is not deployed: .* openidProviders\n){2}$/,
    );
  });

  test('a test passes in a shell with settings for another AWS, for proxies and for another home', async () => {
    const { code, stdout } = await run(['--test', 'test/validator/rotation.test.ts'], { NODE_TEST_CONTEXT: undefined });
    assert.equal(code, 0, stdout);
  });

  test('npm start says in one line what to do in a clone that lacks something', async () => {
    const preflight = resolve('lib/operator/preflight.mjs');
    const { code, stdout, stderr } = await run([preflight]);
    assert.deepEqual({ code, stdout, stderr }, { code: 0, stdout: '', stderr: '' });

    const nothing = await run([preflight], {}, folder);
    assert.deepEqual([nothing.code, nothing.stderr], [1, 'Nothing is installed yet: run npm ci.\n']);

    mkdirSync(join(folder, 'node_modules'));
    const production = await run([preflight], { NODE_ENV: 'production' }, folder);
    assert.equal(production.code, 1);
    assert.match(production.stderr, /^The dev dependencies are not installed, .*: run npm ci --include=dev\.\n$/);

    const older = 'data:text/javascript,Object.defineProperty(process, "versions", { value: { node: "20.20.2" } })';
    const old = await run(['--import', older, preflight]);
    assert.equal(old.code, 1);
    assert.match(old.stderr, /^Node\.js 24 is needed, and this is 20\.20\.2: run npm ci --ignore-scripts=false, .*\n$/);
  });

  test('an npm workspace, whose modules are in a folder above, is an installed clone', async () => {
    const project = join(folder, 'workspace/packages/auth-logout-user');
    mkdirSync(project, { recursive: true });
    for (const name of ['serverless', 'dynalite'])
      mkdirSync(join(folder, 'workspace/node_modules', name), { recursive: true });
    const outcome = await run([resolve('lib/operator/preflight.mjs')], {}, project);
    assert.deepEqual(outcome, { code: 0, stdout: '', stderr: '' });
  });

  test('every command explains itself with --help', async () => {
    for (const command of [start, logout, smoke, table]) {
      const { code, stdout } = await command('--help');
      assert.equal(code, 0);
      assert.match(stdout, /npm (start|run \w+)/);
    }
  });
});
