// The packaged function under AWS's own runtime client for Node.js (aws-lambda-ric), against a small Runtime API.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { createServer, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { after, test } from 'node:test';
import { listen } from '../local/listen.ts';
import { gatewayEvent } from '../setup/events.ts';
import { packageService } from '../setup/package.ts';
import { startAws } from '../setup/route.ts';
import { createTable, newSessions, putItems, sessionsLeft } from '../setup/tables.ts';
import { newRecord, signToken, storeRecord } from '../setup/tokens.ts';
import { unpack } from '../setup/zip.ts';

const { archives } = await packageService();
const taskRoot = unpack(archives.logout_user ?? assert.fail());
const aws = await startAws();
const record = newRecord();
const token = await signToken(record.secret_key);
const table = await createTable('default');
const settings = { SESSIONS_TABLE: table, VALIDATOR_SECRET_IDS: await storeRecord(record) };

/** Starts the runtime client on the packaged function. `invoke` has it handle an event, `initError` is what stopped it. */
async function startRuntime(environment: Record<string, string>) {
  const waiting: ServerResponse[] = [];
  const events: { id: string; event: unknown }[] = [];
  const answers = new Map<string, (answer: string) => void>();
  const initError = Promise.withResolvers<string>();

  const hand = () => {
    while (waiting.length > 0 && events.length > 0) {
      const { id, event } = events.shift() ?? assert.fail();
      const headers = {
        'lambda-runtime-aws-request-id': id,
        'lambda-runtime-deadline-ms': String(Date.now() + 25_000),
        'lambda-runtime-invoked-function-arn': 'arn:aws:lambda:us-east-1:000000000000:function:logout_user',
      };
      waiting.shift()?.writeHead(200, headers).end(JSON.stringify(event));
    }
  };
  const server = createServer(async (request, response) => {
    const path = request.url?.replace('/2018-06-01/runtime/', '') ?? '';
    if (path === 'invocation/next') {
      waiting.push(response);
      return hand();
    }
    const body = await text(request);
    response.writeHead(202).end('{}');
    if (path === 'init/error') return initError.resolve(body);
    answers.get(path.split('/')[1] ?? '')?.(body);
  });
  const { url, close } = await listen(server);
  const words = ['--import', './test/setup/native_client.ts', 'node_modules/aws-lambda-ric/index.mjs'];
  const runtime: ChildProcess = spawn(process.execPath, words, {
    stdio: 'ignore',
    env: {
      ...aws,
      AWS_LAMBDA_RUNTIME_API: url.replace('http://', ''),
      AWS_LAMBDA_NODEJS_USE_ALTERNATIVE_CLIENT_1: 'true',
      AWS_LAMBDA_FUNCTION_NAME: 'logout_user',
      AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '512',
      AWS_LAMBDA_LOG_GROUP_NAME: '/aws/lambda/logout_user',
      AWS_LAMBDA_LOG_STREAM_NAME: 'test',
      LAMBDA_TASK_ROOT: taskRoot,
      _HANDLER: 'functions/logout_user.handler',
      ...environment,
    },
  });
  after(() => {
    runtime.kill('SIGKILL');
    close();
  });
  const invoke = (event: unknown): Promise<string> =>
    new Promise((resolve) => {
      const id = randomUUID();
      answers.set(id, resolve);
      events.push({ id, event });
      hand();
    });
  return { invoke, initError: initError.promise };
}

const bodyOf = (answer: string): unknown => JSON.parse(answer).body;

test('the packaged function answers true, then false, under AWS’s runtime client', { timeout: 30_000 }, async () => {
  const { invoke } = await startRuntime(settings);
  await putItems(table, newSessions('2', 3));
  const event = gatewayEvent({ userId: '2', token });
  assert.equal(bodyOf(await invoke(event)), '{"jsonrpc":"2.0","id":null,"result":true}');
  assert.equal(bodyOf(await invoke(event)), '{"jsonrpc":"2.0","id":null,"result":false}');
  assert.equal(await sessionsLeft(table, '2'), 0);
});

test('a 401 is returned for an event of another service under AWS’s runtime client', { timeout: 30_000 }, async () => {
  const { invoke } = await startRuntime(settings);
  const foreign = { Records: [{ eventSource: 'aws:sqs', body: '{}' }] };
  assert.equal(JSON.parse(await invoke(foreign)).statusCode, 401);
});

test('AWS’s runtime client reports a bad setting at the start, with its one-line error', {
  timeout: 30_000,
}, async () => {
  const { initError } = await startRuntime({ ...settings, SETTLE_SECONDS: '11' });
  const { errorMessage }: { errorMessage: string } = JSON.parse(await initError);
  assert.equal(errorMessage, 'SETTLE_SECONDS is "11": set it to a number of seconds from 0 to 10');
});

test('eight events at once are answered in one worker, when Lambda runs several in one environment', {
  timeout: 30_000,
}, async () => {
  const concurrency = { AWS_LAMBDA_MAX_CONCURRENCY: '8', AWS_LAMBDA_NODEJS_WORKER_COUNT: '1' };
  const { invoke } = await startRuntime({ ...settings, ...concurrency });
  const users = Array.from({ length: 8 }, (_, n) => String(100 + n));
  await putItems(
    table,
    users.flatMap((user) => newSessions(user, 2)),
  );
  const answers = await Promise.all(users.map((userId) => invoke(gatewayEvent({ userId, token }))));
  assert.deepEqual(new Set(answers.map(bodyOf)), new Set(['{"jsonrpc":"2.0","id":null,"result":true}']));
});
