// `npm start`: a local AWS, and both routes on it under serverless-offline. Ctrl-C ends all of it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fail, readCommand } from '../../lib/operator/command.ts';

const USAGE = `Serves both routes on a local AWS, until Ctrl-C.

  npm start [-- --port 8069]   takes this port and the three above it`;
const READY_MS = 60_000;
const STOP_MS = 2000;

const port = await readPort();
const url = `http://localhost:${port}`;

console.log(`Starting at ${url} ...`);

// Only now, since loading the SDK takes a while.
const { startLocalAws } = await import('./aws.ts');
const { PARAMETERS, SECRET_ID, seed, signToken, TABLE } = await import('./seed.ts');
const { PROVIDER_SECRET_ID, seedProvider } = await import('./provider.ts');
const aws = await startLocalAws(port + 1, port + 2);
await seed();
const signLogoutToken = await seedProvider();

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
const home = mkdtempSync(join(tmpdir(), `auth-logout-user-${port}-`));
const environment = {
  HOME: home,
  NODE_USE_ENV_PROXY: undefined,
  SLS_TELEMETRY_DISABLED: '1',
  SLS_NOTIFICATIONS_MODE: 'off',
};
// In a process group of its own, so that Ctrl-C reaches only this process: otherwise esbuild panics before it is ended.
const offline = spawn(process.execPath, serverless, {
  stdio: ['ignore', 'pipe', 'pipe'],
  env: { ...process.env, ...environment },
  detached: true,
});
let output = '';
const hold = (text: Buffer) => (output += text);
offline.stdout.on('data', hold);
offline.stderr.on('data', hold);
offline.once('exit', () => stop(1, output));
let stopping: Promise<never> | undefined; // Ctrl-C comes twice: from the terminal and from npm
const stopOnce = () => (stopping ??= stop(0));
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stopOnce);
const npm = process.ppid;
setInterval(() => process.ppid === npm || stopOnce(), 500).unref(); // a signal to npm alone gets no further than its shell

await ready();
offline.stdout.off('data', hold).pipe(process.stdout);
offline.stderr.off('data', hold).pipe(process.stderr);
console.log(`
local DynamoDB         ${aws.environment.AWS_ENDPOINT_URL_DYNAMODB}  table ${TABLE}
local Secrets Manager  ${aws.environment.AWS_ENDPOINT_URL_SECRETS_MANAGER}  secrets ${SECRET_ID}, ${PROVIDER_SECRET_ID}

Users 1, 2 and 3 have three sessions each. To log user 2 out, in another terminal:

curl -X POST ${url}/auth/logout_user/2 -H 'authorization: Bearer ${await signToken(3600)}'

Or user 3, as an OpenID provider does:

curl -i ${url}/auth/backchannel_logout -d 'logout_token=${await signLogoutToken('3')}'

Or user 1: npm run logout -- 1${port === 8069 ? '' : ` --url ${url}`}

ready ${url}`);

async function readPort(): Promise<number> {
  const { option } = readCommand(USAGE, ['port'], 0);
  const first = Number(option.get('port') ?? '8069');
  if (!Number.isInteger(first) || first < 1024 || first > 65_532) fail('--port must be a number from 1024 to 65532.');
  for (const port of [first, first + 1, first + 2, first + 3]) {
    const probe = createServer().listen(port, 'localhost');
    await once(probe, 'listening').catch(() =>
      fail(`Port ${port} is in use. End what uses it, or choose another port: npm start -- --port 9069`),
    );
    await once(probe.close(), 'close');
  }
  return first;
}

/** Waits until both routes answer; a request without credentials is the cheapest proof that a function has loaded. */
async function ready(): Promise<void> {
  for (const end = Date.now() + READY_MS; Date.now() < end; await sleep(100)) {
    const statuses = await Promise.all(['logout_user/0', 'backchannel_logout'].map(statusOf));
    if (statuses.join() === '401,400') return;
  }
  await stop(1, `${output}\nThe service did not answer within ${READY_MS / 1000} s.`);
}

async function statusOf(path: string): Promise<number | undefined> {
  const response = await fetch(`${url}/auth/${path}`, { method: 'POST' }).catch(() => undefined);
  return response?.status;
}

/** Ends the children, the local AWS and the process; leaves no process, port or file behind. */
async function stop(exitCode: number, message = ''): Promise<never> {
  if (message) console.error(message);
  for (const stream of [offline.stdout, offline.stderr]) stream.unpipe().resume(); // nobody needs what it prints while it ends
  offline.removeAllListeners('exit').kill('SIGINT');
  const kill = setTimeout(() => offline.kill('SIGKILL'), STOP_MS);
  if (offline.exitCode === null && offline.signalCode === null) await once(offline, 'exit');
  clearTimeout(kill);
  endGroup();
  aws.close();
  rmSync(home, { recursive: true, force: true });
  rmSync(`.esbuild-${port}`, { recursive: true, force: true });
  process.exit(exitCode);
}

function endGroup(): void {
  try {
    if (offline.pid !== undefined) process.kill(-offline.pid, 'SIGKILL');
  } catch {
    // the group has already ended
  }
}
