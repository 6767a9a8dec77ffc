// `npm start` and the commands beside it, as a newcomer runs them.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { describe, test } from 'node:test';
import { sessionsLeft } from '../setup/tables.ts';
import { storeRecord } from '../setup/tokens.ts';
import { PUBLISHED_RECORD, TABLE } from './seed.ts';
import { startService } from './service.ts';

const service = await startService();
const { port, url, output } = service;
const addressOf = (name: string) => output().match(new RegExp(`local ${name} +(\\S+)`))?.[1];
Object.assign(process.env, {
  AWS_ENDPOINT_URL_DYNAMODB: addressOf('DynamoDB'),
  AWS_ENDPOINT_URL_SECRETS_MANAGER: addressOf('Secrets Manager'),
  AWS_REGION: 'us-east-1',
  AWS_ACCESS_KEY_ID: 'local',
  AWS_SECRET_ACCESS_KEY: 'local',
});

type Outcome = { code: number | null; stdout: string; stderr: string };

/** Runs one of the commands to its end. */
function run(...words: string[]): Promise<Outcome> {
  return new Promise((resolve) => {
    const child = execFile(process.execPath, words, (_, stdout, stderr) =>
      resolve({ code: child.exitCode, stdout, stderr }),
    );
  });
}

const start = (...words: string[]) => run('test/local/start.ts', ...words);
const logout = (...words: string[]) => run('lib/operator/logout.ts', ...words);
const smoke = (...words: string[]) => run('lib/operator/smoke.ts', ...words);

describe('npm start', () => {
  test('seeds three sessions each for users 1, 2 and 3', async () => {
    assert.deepEqual(await Promise.all(['1', '2', '3'].map((user) => sessionsLeft(TABLE, user))), [3, 3, 3]);
  });

  test('prints a request that logs user 2 out, word for word', async () => {
    const request = output().match(/^curl .*$/m)?.[0] ?? '';
    const [, url = '', authorization = ''] = request.match(/^curl -X POST (\S+) -H 'authorization: (.*)'$/) ?? [];
    const answer = async () => (await fetch(url, { method: 'POST', headers: { authorization } })).text();
    assert.equal(await answer(), '{"jsonrpc":"2.0","id":null,"result":true}');
    assert.equal(await answer(), '{"jsonrpc":"2.0","id":null,"result":false}');
    assert.equal(await sessionsLeft(TABLE, '2'), 0);
    assert.equal(await sessionsLeft(TABLE, '3'), 3);
  });

  test('is answered by npm run logout with true, then false, in words too', async () => {
    const first = await logout('1', '--url', url);
    assert.deepEqual(first, {
      code: 0,
      stdout: '{"jsonrpc":"2.0","id":1,"result":true}\nUser 1 is logged out: no session is left.\n',
      stderr: '',
    });
    const second = await logout('1', '--url', url, '--email', 'a@example', '--reason', 'a test');
    assert.deepEqual(second, {
      code: 0,
      stdout: '{"jsonrpc":"2.0","id":1,"result":false}\nUser 1 had no live session.\n',
      stderr: '',
    });
    assert.match(output(), /"caller_reason":"a test","actor":"a@example"/);
  });

  test('is told apart by npm run logout: 1 for an error, 2 for wrong usage', async () => {
    for (const words of [
      ['abc'],
      ['1', '--audience', 'another'],
      ['1', '--issuer', 'another'],
      ['1', '--secret-id', 'none'],
    ]) {
      assert.equal((await logout(...words, '--url', url)).code, 1, words.join(' '));
    }
    assert.equal((await logout('1', '--url', 'http://localhost:9')).code, 1);
    for (const words of [[], ['1', '2'], ['1', '--color', 'red'], ['1', '--url', 'nowhere']]) {
      assert.equal((await logout(...words)).code, 2, words.join(' '));
    }
  });

  test('is asked by npm run logout with a record whose list is text, too', async () => {
    const record = { ...PUBLISHED_RECORD, audience: '["auth_logout_user_jwt", "b"]', allow_short_key: 'true' };
    const secretId = await storeRecord(`\ufeff${JSON.stringify(record)}`);
    assert.equal((await logout('0', '--url', url, '--secret-id', secretId)).code, 0);
  });

  test('is not asked by npm run logout with a broken record, and no part of the record is shown', async () => {
    for (const [text, mend] of Object.entries({
      '{"secret_key": topsecret}': 'the secret is not valid JSON',
      '{"name": "a", "audience": "a", "issuer": "i", "signature_type": "secret", "secret_algorithm": "HS256"}':
        'secret_key is missing',
    })) {
      const broken = await storeRecord(text);
      assert.deepEqual(await logout('1', '--url', url, '--secret-id', broken), {
        code: 1,
        stdout: '',
        stderr: `validator record ${broken}: ${mend}\n`,
      });
    }
  });

  test('passes npm run smoke, which touches no session', async () => {
    const { code, stdout } = await smoke('--url', url);
    assert.equal(code, 0, stdout);
    assert.match(stdout, /^ok .* without a token .*\nok .* forged token .*\n$/);
    assert.equal(await sessionsLeft(TABLE, '3'), 3);
  });

  test('says in one line which port is in use', async () => {
    const { code, stderr } = await start('--port', `${port}`);
    assert.equal(code, 1);
    assert.match(stderr, new RegExp(`^Port ${port} is in use\\. .*\\n$`));
  });

  test('leaves no process, no port and no file behind after Ctrl-C', async () => {
    service.process.kill('SIGINT'); // the terminal sends one, npm another
    await service.stop();
    assert.equal(service.process.exitCode, 0);
    for (const used of [port, port + 1, port + 2, port + 3]) {
      await assert.rejects(once(connect(used, 'localhost'), 'connect'), { code: 'ECONNREFUSED' });
    }
    assert.equal(existsSync(`.esbuild-${port}`), false);
  });
});

describe('without a service', () => {
  test('npm run smoke fails', async () => {
    const { code, stdout } = await smoke('--url', 'http://localhost:9');
    assert.equal(code, 1);
    assert.match(stdout, /^FAIL .*\nFAIL .*\n$/);
  });

  test('npm run smoke fails where the door stands open', async () => {
    const server = createServer((socket) =>
      socket.end('HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}'),
    );
    await once(server.listen(0, 'localhost'), 'listening');
    const address = server.address();
    const port = typeof address === 'object' ? address?.port : undefined;
    assert.equal((await smoke('--url', `http://localhost:${port}`)).code, 1);
    server.close();
  });

  test('every command explains itself', async () => {
    for (const command of [start, logout, smoke]) {
      const { code, stdout } = await command('--help');
      assert.equal(code, 0);
      assert.match(stdout, /npm (start|run \w+)/);
    }
  });
});
