// Lambda's part, in its own process: loads the function, sends it events, and writes what each cost, a line of JSON,
// to file descriptor 3. The first line is the load; then orders come on standard input. An ES module that loads Node's
// own modules by `require`, as AWS's runtime client does (aws-lambda-ric).
import { createRequire } from 'node:module';

/** What to load, the token to send, and the time that Lambda gives each event. */
export type Plan = { file: string; token: string; timeoutMs: number };
/** This many events, one after another, for the users from this id on. */
export type Order = { user: number; events: number };
/** CPU (user and system, all threads) and median wall time of a load or an event, how many were answered true, memory so far. */
export type Usage = { cpuMs: number; wallMs: number; answered: number; peakMB: number };

type Handler = (event: unknown, context: unknown) => Promise<{ statusCode?: number; body?: string }>;

const require = createRequire(import.meta.url);
const { writeSync }: typeof import('node:fs') = require('node:fs');
// On Lambda the runtime client has loaded these already.
for (const name of ['net', 'http', 'os', 'path', 'util', 'worker_threads']) require(`node:${name}`);

const { file, token, timeoutMs }: Plan = JSON.parse(process.argv[2] ?? '');
const load = stopwatch();
const { handler }: { handler: Handler } = file.endsWith('.cjs') ? require(file) : await import(file);
report({ ...load(), answered: 0, peakMB: peakMB() });
process.stdin.on('data', async (line) => report(await carryOut(JSON.parse(String(line)))));

async function carryOut({ user, events }: Order): Promise<Usage> {
  const walls: number[] = [];
  let answered = 0;
  const all = stopwatch();
  for (let n = 0; n < events; n++) {
    const one = stopwatch();
    if (await invoke(user + n)) answered++;
    walls.push(one().wallMs);
  }
  const { cpuMs } = all();
  const wallMs = walls.sort((a, b) => a - b)[events >> 1] ?? Number.NaN;
  return { cpuMs: cpuMs / events, wallMs, answered, peakMB: peakMB() };
}

function stopwatch() {
  const started = performance.now();
  const before = process.cpuUsage();
  return () => {
    const { user, system } = process.cpuUsage(before);
    return { cpuMs: (user + system) / 1000, wallMs: performance.now() - started };
  };
}

function peakMB(): number {
  return process.resourceUsage().maxRSS / 1024;
}

function report(usage: Usage): void {
  writeSync(3, `${JSON.stringify(usage)}\n`);
}

/** One event of API Gateway, payload format 2.0; whether it was answered true. */
async function invoke(user: number): Promise<boolean> {
  const path = `/auth/logout_user/${user}`;
  const event = {
    version: '2.0',
    routeKey: 'POST /auth/logout_user/{user_id}',
    rawPath: path,
    rawQueryString: '',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', host: 'api.example' },
    requestContext: {
      domainName: 'api.example',
      http: { method: 'POST', path, protocol: 'HTTP/1.1', sourceIp: '192.0.2.1', userAgent: 'bench' },
      requestId: 'bench',
      routeKey: 'POST /auth/logout_user/{user_id}',
      stage: '$default',
    },
    pathParameters: { user_id: String(user) },
    body: '{"jsonrpc":"2.0","id":1}',
    isBase64Encoded: false,
  };
  const end = performance.now() + timeoutMs;
  const getRemainingTimeInMillis = () => end - performance.now();
  try {
    const { statusCode, body } = await handler(event, { awsRequestId: 'bench', getRemainingTimeInMillis });
    return statusCode === 200 && body === '{"jsonrpc":"2.0","id":1,"result":true}';
  } catch {
    return false; // as Lambda's 500 would be; the caller counts
  }
}
