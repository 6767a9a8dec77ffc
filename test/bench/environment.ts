import { type ChildProcess, execFileSync, fork, spawn } from 'node:child_process';
import { createHmac, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { newCertificate } from '../setup/certificate.ts';
import type { Answer, Orders } from './aws.ts';
import type { Order, Plan, Usage } from './runtime.ts';

const TIMEOUT_MS = 25_000; // as in serverless.yml
const PERIOD_MS = 20; // of which Lambda grants a share
const PINNED = pinningWorks();

/** Where a function finds AWS, what it verifies, and the token it is sent. */
export type World = { env: Record<string, string>; token: string; secretString: string };

/** A record with a new key, and a token it accepts. */
export function newWorld(env: Record<string, string>): World {
  const secret_key = randomBytes(48).toString('base64url');
  const record = {
    name: 'bench',
    signature_type: 'secret',
    secret_algorithm: 'HS256',
    audience: 'bench',
    issuer: 'bench',
  };
  const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url');
  const exp = Math.floor(Date.now() / 1000) + 3600;
  const signed = `${encode({ alg: 'HS256' })}.${encode({ aud: 'bench', iss: 'bench', email: 'bench', exp })}`;
  const token = `${signed}.${createHmac('sha256', secret_key).update(signed).digest('base64url')}`;
  // As the template sets it, except that addresses are read here: no contestant looks for them in files.
  const lambda = {
    AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: 'false',
    AWS_REGION: 'us-east-1',
    AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x',
    SESSIONS_TABLE: 'sessions',
  };
  const keys = { AWS_ACCESS_KEY_ID: 'bench', AWS_SECRET_ACCESS_KEY: 'bench', AWS_SESSION_TOKEN: 'bench'.repeat(100) };
  return {
    env: { VALIDATOR_SECRET_IDS: 'validator', ...lambda, ...keys, ...env },
    token,
    secretString: JSON.stringify({ ...record, secret_key }),
  };
}

/** AWS over TLS; see aws.ts. */
export class Aws {
  readonly world: World;
  readonly #process: ChildProcess;
  #serial = 0;

  static async start(folder: string): Promise<Aws> {
    const { key, cert } = await newCertificate();
    writeFileSync(join(folder, 'ca.pem'), cert);
    const child = fork('test/bench/aws.ts', { env: { ...process.env, TLS_KEY: key, TLS_CERT: cert } });
    if (PINNED) execFileSync('taskset', ['-a', '-p', '-c', '0', String(child.pid)], { stdio: 'ignore' });
    const [{ secretsManager = '', dynamodb = '' } = {}]: Answer[] = await once(child, 'message');
    return new Aws(child, join(folder, 'ca.pem'), secretsManager, dynamodb);
  }

  constructor(child: ChildProcess, ca: string, secretsManager: string, dynamodb: string) {
    this.#process = child;
    const addresses = { AWS_ENDPOINT_URL_SECRETS_MANAGER: secretsManager, AWS_ENDPOINT_URL_DYNAMODB: dynamodb };
    this.world = newWorld({ NODE_EXTRA_CA_CERTS: ca, ...addresses });
  }

  /** From now on each answer takes this long, and a partition deletes this much. */
  behave({ latencyMs = 0, deletesPerSecond = 1e9 }: Partial<Orders> = {}): void {
    const orders: Orders = { secretString: this.world.secretString, latencyMs, deletesPerSecond };
    this.#process.send({ orders });
  }

  /** The first of this many consecutive ids of new users, who have this many sessions each. */
  newUsers(sessions: number, count = 1): number {
    this.#serial += count;
    return sessions * 1e6 + this.#serial - count;
  }

  /** How many sessions are left of all users since the last question. */
  async left(): Promise<number> {
    this.#process.send({ report: true });
    const [{ left = Number.NaN } = {}]: Answer[] = await once(this.#process, 'message');
    return left;
  }

  close(): void {
    this.#process.kill();
  }
}

/** An execution environment of Lambda with its function: loaded cold, then kept warm. */
export class Environment {
  readonly #process: ChildProcess;
  #errors = '';
  readonly #lines: NodeJS.AsyncIterator<string>;

  constructor(file: string, { env, token }: World) {
    const plan: Plan = { file, token, timeoutMs: TIMEOUT_MS };
    const words = [process.execPath, join(file, '../runtime.mjs'), JSON.stringify(plan)];
    const [command = '', ...rest] = PINNED ? ['taskset', '-c', '1', ...words] : words;
    this.#process = spawn(command, rest, {
      env: { PATH: process.env.PATH, ...env },
      stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
    });
    this.#process.stdout?.resume();
    this.#process.stderr?.on('data', (text) => (this.#errors += text));
    const output = this.#process.stdio[3];
    if (!output || !('read' in output)) throw new Error('the pipe is missing');
    this.#lines = createInterface({ input: output })[Symbol.asyncIterator]();
  }

  /** What the load cost; call this first, and once. Lambda gives the load a whole core. */
  async loaded(): Promise<Usage> {
    const { value, done } = await this.#lines.next();
    if (done) throw new Error(`the function ended: ${this.#errors}`);
    return JSON.parse(value);
  }

  /** Events for the users from that id on, on a share of a core. */
  async invoke(user: number, events = 1, share = 1): Promise<Usage> {
    const order: Order = { user, events };
    this.#process.stdin?.write(JSON.stringify(order));
    const answered = new AbortController();
    const held = share < 1 ? this.#hold(share, answered.signal) : undefined;
    const usage = await this.loaded().finally(() => answered.abort());
    await held;
    return usage;
  }

  /** Stops the process each time that it has run for a while, long enough to hold it to its share. */
  async #hold(share: number, until: AbortSignal): Promise<void> {
    let left = Math.random(); // of the period in which the event arrives; without it times would rise in steps
    while (!until.aborted) {
      const continued = performance.now();
      await sleep(PERIOD_MS * share);
      if (until.aborted) return;
      this.#process.kill('SIGSTOP');
      const ranMs = performance.now() - continued;
      await sleep(((ranMs * (1 - share)) / share) * left);
      this.#process.kill('SIGCONT');
      left = 1;
    }
  }

  close(): void {
    this.#process.kill('SIGKILL');
  }
}

/** One core for the functions, another for AWS, where the machine lets us. */
function pinningWorks(): boolean {
  try {
    execFileSync('taskset', ['-c', '1', 'true'], { stdio: 'ignore' });
    return availableParallelism() > 1;
  } catch {
    return false;
  }
}
