// `npm start`: a local AWS, and the service on it under serverless-offline. Ctrl-C ends all of it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { fail, readCommand } from '../../lib/operator/command.ts';
import { startLocalAws } from './aws.ts';
import { PARAMETERS, SECRET_ID, seed, signToken, TABLE } from './seed.ts';

const USAGE = `Serves the route on a local AWS, until Ctrl-C.

  npm start [-- --port 8069]   takes this port and the three above it`;
const READY_MS = 60_000;
const STOP_MS = 2000;

const port = await readPort();
const url = `http://localhost:${port}`;

// Nothing of the operator's own AWS reaches a local run.
for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) delete process.env[name];
const aws = await startLocalAws(port + 1, port + 2);
Object.assign(process.env, aws.environment, { SLS_TELEMETRY_DISABLED: '1', SLS_NOTIFICATIONS_MODE: 'off' });
await seed();

const serverless = [
  'node_modules/serverless/bin/serverless.js',
  'offline',
  '--httpPort',
  `${port}`,
  '--lambdaPort',
  `${port + 3}`,
  '--stage',
  'dev',
  ...PARAMETERS.flatMap((parameter) => ['--param', parameter]),
];
const offline = spawn(process.execPath, serverless, { stdio: ['ignore', 'pipe', 'pipe'] });
let output = '';
const hold = (text: Buffer) => (output += text);
offline.stdout.on('data', hold);
offline.stderr.on('data', hold);
offline.once('exit', () => stop(1, output));
let stopping: Promise<never> | undefined; // Ctrl-C comes twice: from the terminal and from npm
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => (stopping ??= stop(0)));

await ready();
offline.stdout.off('data', hold).pipe(process.stdout);
offline.stderr.off('data', hold).pipe(process.stderr);
console.log(`
local DynamoDB         ${aws.environment.AWS_ENDPOINT_URL_DYNAMODB}  table ${TABLE}
local Secrets Manager  ${aws.environment.AWS_ENDPOINT_URL_SECRETS_MANAGER}  secret ${SECRET_ID}

Users 1, 2 and 3 have three sessions each. To log user 2 out, in another terminal:

curl -X POST ${url}/auth/logout_user/2 -H 'authorization: Bearer ${await signToken(3600)}'

ready ${url}`);

async function readPort(): Promise<number> {
  const { option } = readCommand(USAGE, ['port'], 0);
  const first = Number(option.get('port') ?? '8069');
  if (!Number.isInteger(first) || first < 1024 || first > 65_532) fail('--port must be a number from 1024 to 65532.');
  for (const port of [first, first + 1, first + 2, first + 3]) {
    const probe = createServer().listen(port, 'localhost');
    await once(probe, 'listening').catch(() =>
      fail(`Port ${port} is in use. End what uses it, or choose four others: npm start -- --port 9069`),
    );
    await once(probe.close(), 'close');
  }
  return first;
}

/** Waits until the route answers; a request without credentials is the cheapest proof that the function has loaded. */
async function ready(): Promise<void> {
  for (const end = Date.now() + READY_MS; Date.now() < end; await sleep(100)) {
    const response = await fetch(`${url}/auth/logout_user/0`, { method: 'POST' }).catch(() => undefined);
    if (response?.status === 401) return;
  }
  await stop(1, `${output}\nThe service did not answer within ${READY_MS / 1000} s.`);
}

/** Ends the children, the local AWS and the process; leaves no process, port or file behind. */
async function stop(exitCode: number, message = ''): Promise<never> {
  if (message) console.error(message);
  offline.removeAllListeners('exit').kill('SIGINT');
  const kill = setTimeout(() => offline.kill('SIGKILL'), STOP_MS);
  if (offline.exitCode === null && offline.signalCode === null) await once(offline, 'exit');
  clearTimeout(kill);
  aws.close();
  rmSync(`.esbuild-${port}`, { recursive: true, force: true });
  process.exit(exitCode);
}
