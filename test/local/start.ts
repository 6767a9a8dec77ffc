// `npm start`: a local AWS, and the routes on it under serverless-offline. Ctrl-C ends all of it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { recordName } from '../../lib/deploy/role.ts';
import { fail, readCommand, readUrl, refuseUsage } from '../../lib/operator/command.ts';

const USAGE = `Serves the routes on a local AWS, until Ctrl-C.

  npm start [-- options]

  --param name=value   any parameter of serverless.yml, more than once too; with
                       --param table=NAME it serves a table that your application makes in
                       the local DynamoDB, in the layout of --param layout=...
  --dynamodb URL       with --param table=NAME: the table is in a DynamoDB that runs already,
                       where nothing is created or changed
  --show revocation    also serves the route for revocations, and prints a request to copy;
                       --show events does so for security events
  --port 8069          takes this port and the three above it: local DynamoDB, local Secrets
                       Manager, functions
  --help               this text

Exit code: 0 ended by Ctrl-C, 1 an error, 2 wrong usage.`;
const READY_MS = 60_000;
const STOP_MS = 2000;

const { option, lists } = readCommand(USAGE, ['port', 'param', 'dynamodb', 'show'], 0);
const given = readParameters(lists.get('param') ?? []);
const table = given.table === 'own' ? undefined : given.table; // an application's own
const dynamodbUrl = readDynamodb();
const port = await readPort();
const url = `http://localhost:${port}`;

console.log(`Starting at ${url} ...`);

// Only now, since loading the SDK takes a while.
const { startLocalAws } = await import('./aws.ts');
const { LOCAL_PARAMETERS, SECRET_ID, SEEDED_PARAMETERS, seedRecord, seedSessions, signToken, TABLE } = await import(
  './seed.ts'
);
const { SENDERS, seedSender } = await import('./senders.ts');
const { lookFor } = await import('./own_table.ts');
const parameters: Record<string, string> = {
  ...LOCAL_PARAMETERS,
  ...Object.fromEntries(shownSenders().map(({ parameter, secretId }) => [parameter, secretId])),
  ...(table === undefined && SEEDED_PARAMETERS),
  ...given,
};
const records = parameters.records === 'own' ? [SECRET_ID] : namesIn(parameters.records);
const senders = SENDERS.map((sender) => ({ ...sender, records: namesIn(parameters[sender.parameter]) }));
const named = [...records, ...senders.flatMap((sender) => sender.records)];
const twice = named.find((name, n) => named.indexOf(name) !== n);
if (twice !== undefined) fail(`The parameters name ${twice} twice: each needs its own record.`);
const aws = await startLocalAws(dynamodbUrl ?? port + 1, port + 2);
const tableState = table === undefined ? '' : await lookFor(table, dynamodbUrl).catch((error) => fail(error.message));
if (table === undefined) await seedSessions();
for (const name of records) await seedRecord(name);
const requests = await Promise.all(senders.map(seedRequest));

const serverless = [
  fileURLToPath(import.meta.resolve('serverless/bin/serverless.js')),
  'offline',
  '--httpPort',
  `${port}`,
  '--lambdaPort',
  `${port + 3}`,
  '--stage',
  'dev',
  ...Object.entries(parameters).flatMap(([name, value]) => ['--param', `${name}=${value}`]),
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
// Of a refusal by the framework only its line counts, not the heading above it.
offline.once('exit', () => stop(1, output.replace(/^.*?\nError:\n/s, '').trim()));
let stopping: Promise<never> | undefined; // Ctrl-C comes twice: from the terminal and from npm
const stopOnce = () => (stopping ??= stop(0));
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stopOnce);
const npm = process.ppid;
setInterval(() => process.ppid === npm || stopOnce(), 500).unref(); // a signal to npm alone gets no further than its shell

await ready();
offline.stdout.off('data', hold).pipe(process.stdout);
offline.stderr.off('data', hold).pipe(process.stderr);
console.log(`
local DynamoDB         ${aws.environment.AWS_ENDPOINT_URL_DYNAMODB}  table ${table ?? TABLE}${tableState}
local Secrets Manager  ${aws.environment.AWS_ENDPOINT_URL_SECRETS_MANAGER}  secrets ${named.join(', ')}

${table === undefined ? await seededHints() : ownHints(table)}

ready ${url}`);

async function seededHints(): Promise<string> {
  return `Users 1, 2 and 3 have three sessions each. To log user 2 out, in another terminal:

curl -X POST ${url}/auth/logout_user/2 -H 'authorization: Bearer ${await signToken(3600)}'
${requests.join('')}
Or user 1: npm run logout -- 1${otherPort()}`;
}

/** The senders that this run serves unless its parameters say otherwise. */
function shownSenders() {
  const names = (lists.get('show') ?? []).flatMap((list) => list.split(',')).map((name) => name.trim());
  const unknown = names.find((name) => !SENDERS.some(({ shown }) => shown === name));
  if (unknown !== undefined)
    refuseUsage(`--show is revocation, events, or both with a comma, and not ${JSON.stringify(unknown)}`);
  return SENDERS.filter(({ shown }) => shown === undefined || names.includes(shown));
}

/** Stores the records of a sender. Returns a request to copy by the first of them. */
async function seedRequest(sender: (typeof senders)[number]): Promise<string> {
  const [token] = await Promise.all(sender.records.map((name) => seedSender(sender, name)));
  if (token === undefined) return '';
  return `
Or user 3, as ${sender.who} does:

curl -i ${sender.curl(`${url}/${sender.path}`, token)}
`;
}

function ownHints(table: string): string {
  return `Whose sessions are in it: npm run table -- ${table} --dynamodb ${aws.environment.AWS_ENDPOINT_URL_DYNAMODB}
To log a user out: npm run logout -- <user id>${otherPort()}`;
}

function otherPort(): string {
  return port === 8069 ? '' : ` --url ${url}`;
}

/** The parameters on the command line; serverless.yml knows which ones there are. */
function readParameters(params: string[]): Record<string, string> {
  const parameters = Object.fromEntries(
    params.map((param) => {
      const [, name, value] = param.match(/^(\w+)=(.*)$/s) ?? refuseUsage(`--param is name=value, and not ${param}`);
      return [name, value];
    }),
  );
  if ((parameters.table ?? 'own') === 'own' && (parameters.layout ?? 'default') !== 'default')
    refuseUsage('--param layout needs --param table=NAME: the table that npm start makes has the layout default.');
  return parameters;
}

function readDynamodb(): string | undefined {
  if (!option.has('dynamodb')) return undefined;
  if (table === undefined) refuseUsage('--dynamodb needs --param table=NAME, the table there.');
  return readUrl(option.get('dynamodb'), '--dynamodb').href.replace(/\/$/, '');
}

/** The names of the records in a comma-separated list; `none` is an empty one. */
function namesIn(list = 'none'): string[] {
  return list === 'none' ? [] : list.split(',').map((id) => recordName(id.trim()));
}

async function readPort(): Promise<number> {
  const first = Number(option.get('port') ?? '8069');
  if (!Number.isInteger(first) || first < 1024 || first > 65_532) fail('--port must be a number from 1024 to 65532.');
  for (const port of [first, ...(dynamodbUrl ? [] : [first + 1]), first + 2, first + 3]) {
    const probe = createServer().listen(port, 'localhost');
    await once(probe, 'listening').catch(() =>
      fail(`Port ${port} is in use. End what uses it, or choose another port: npm start -- --port 9069`),
    );
    await once(probe.close(), 'close');
  }
  return first;
}

/** Waits until the routes answer; a request without credentials is the cheapest proof that a function has loaded. */
async function ready(): Promise<void> {
  const served = senders.filter(({ records }) => records.length > 0);
  const routes = [{ path: 'auth/logout_user/0', unauthenticated: 401 }, ...served];
  for (const end = Date.now() + READY_MS; Date.now() < end; await sleep(100)) {
    const statuses = await Promise.all(routes.map(({ path }) => statusOf(path)));
    if (routes.every(({ unauthenticated }, n) => statuses[n] === unauthenticated)) return;
  }
  await stop(1, `${output}\nThe service did not answer within ${READY_MS / 1000} s.`);
}

async function statusOf(path: string): Promise<number | undefined> {
  const response = await fetch(`${url}/${path}`, { method: 'POST' }).catch(() => undefined);
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
