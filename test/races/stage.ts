// What races are run on: a local AWS, functions whose requests are held, and a clock that only we move.
import { once } from 'node:events';
import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { syncBuiltinESMExports } from 'node:module';
import { Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { mock } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import type { Layout } from '../../lib/sessions/layout.ts';
import { startLocalAws } from '../local/aws.ts';
import { listen } from '../local/listen.ts';
import { gatewayEvent } from '../setup/events.ts';
import { type Answer, coldStart } from '../setup/lambda.ts';
import { AWS_JSON } from '../setup/proxy.ts';
import { createTable, type Index } from '../setup/tables.ts';
import { newRecord, signToken, storeRecord } from '../setup/tokens.ts';
import { type Scenario, STORES } from './scenario.ts';

const TURNS = 12; // of the event loop: by then whatever happens without us has happened
const SIGNED = 'AWS4-HMAC-SHA256 Credential=a/b/c/d/e, SignedHeaders=host, Signature=0';
const HEADERS = { ...AWS_JSON, authorization: SIGNED, 'x-amz-date': '20260101T000000Z' };

type Reply = { status: number; text: string };
/** A request of a logout that waits for its turn. */
export type Held = { logout: number; operation: string; body: string; response: ServerResponse };
/** Logs the user out, but for the sessions with these keys. */
export type Logout = (userId: string, except?: string[]) => Promise<Answer>;

export type Stage = {
  tableOf: (layout: string) => string;
  /** Two logouts by functions that are warm, each with its own way to DynamoDB. */
  logoutsOf: (scenario: Scenario) => Promise<[Logout, Logout]>;
  /** The requests that have arrived since the last call. From `hold` to `release` none is answered. */
  arrived: () => Held[];
  /** How many have arrived in all. */
  arrivals: () => number;
  hold: () => void;
  release: () => void;
  /** Waits until nothing more happens by itself. */
  idle: () => Promise<void>;
  /** Asks DynamoDB itself. */
  call: (operation: string, input: unknown) => Promise<Reply>;
};

/** Starts the local AWS and the clock, for as long as the process lives. */
export async function startStage(): Promise<Stage> {
  const { AWS_ENDPOINT_URL_DYNAMODB: target = '' } = (await startLocalAws()).environment;
  const agent = new Agent({ keepAlive: true });
  const record = newRecord({ max_token_age_seconds: 1e10 });
  const secretId = await storeRecord(record);
  const token = await signToken(record.secret_key, { aud: record.audience, iss: record.issuer, exp: 4e9 });
  const tables = new Map<string, string>();
  for (const [name, stores] of Object.entries(STORES)) {
    tables.set(name, await createTable(stores[0], { indexes: stores.flatMap(indexesOf) }));
  }

  let events = 0; // of the network: a sign that something still happens
  let arrivals = 0;
  let held: Held[] | undefined;
  const gates = [0, 1].map((logout) =>
    createServer(async (incoming, response) => {
      events++;
      response.once('close', () => events++);
      const operation = String(incoming.headers['x-amz-target']).replace(/^.*\./, '');
      const body = await text(incoming);
      events++;
      arrivals++;
      if (held) held.push({ logout, operation, body, response });
      else relay(response, await call(operation, body));
    }),
  );
  const urls: string[] = [];
  for (const gate of gates) {
    gate.keepAliveTimeout = 0; // a connection that is closed by the real clock would be a fault that nobody has chosen
    urls.push((await listen(gate)).url);
  }

  // Not by fetch, which takes twice the time.
  async function call(operation: string, input: unknown): Promise<Reply> {
    const headers = { ...HEADERS, 'x-amz-target': `DynamoDB_20120810.${operation}` };
    const sent = request(target, { method: 'POST', agent, headers });
    sent.end(typeof input === 'string' ? input : JSON.stringify(input));
    const [answer]: IncomingMessage[] = await once(sent, 'response');
    if (!answer) throw new Error('DynamoDB does not answer');
    return { status: answer.statusCode ?? 0, text: await text(answer) };
  }

  mock.timers.enable({ apis: ['Date', 'setTimeout'], now: Date.now() });
  mock.method(AbortSignal, 'timeout', timeout); // it would go by the real clock
  syncBuiltinESMExports(); // for those who import setTimeout by name
  mock.method(Socket.prototype, 'setTimeout', doNothing); // which goes by the real clock
  const logouts = new Map<string, Logout>();

  async function logoutOf({ layout, settle }: Scenario, way: number): Promise<Logout> {
    const name = `${layout} ${settle} ${way}`;
    const known = logouts.get(name);
    if (known) return known;
    process.env.AWS_ENDPOINT_URL_DYNAMODB = urls[way];
    const [main, ...more] = STORES[layout] ?? [];
    const table = tables.get(layout) ?? '';
    const lambda = await coldStart({
      VALIDATOR_SECRET_IDS: secretId,
      SESSIONS_TABLE: table,
      SESSION_LAYOUT: JSON.stringify(main),
      MORE_STORES: JSON.stringify(more.map((layout) => ({ table, layout }))),
      USER_ID_PATTERN: '.+',
      SETTLE_SECONDS: String(settle),
    });
    const headers = { 'content-type': 'application/json' };
    const logout: Logout = (userId, except = []) =>
      lambda.send(gatewayEvent({ userId, token, headers, body: JSON.stringify({ params: { except } }) }));
    await logout('nobody'); // from now on it knows its way to DynamoDB
    logouts.set(name, logout);
    return logout;
  }

  return {
    tableOf: (layout) => tables.get(layout) ?? '',
    logoutsOf: async (scenario) => [await logoutOf(scenario, 0), await logoutOf(scenario, 1)],
    arrived: () => held?.splice(0) ?? [],
    arrivals: () => arrivals,
    hold: () => {
      held = [];
    },
    release: () => {
      held = undefined;
    },
    idle: async () => {
      for (let quiet = 0; quiet < TURNS; quiet++) {
        const before = events;
        await setImmediate();
        if (events !== before) quiet = -1;
      }
    },
    call,
  };
}

function doNothing(this: Socket): Socket {
  return this;
}

/** Answers a request of a logout. */
export function relay(response: ServerResponse, { status, text }: Reply): void {
  response.writeHead(status, AWS_JSON).end(text);
}

function indexesOf({ index, userKey, sortKey }: Layout): Index[] {
  return index === null ? [] : [{ name: index, key: [userKey.name, ...(sortKey ? [sortKey.name] : [])] }];
}

/** As AbortSignal.timeout, by the clock of the races. */
function timeout(ms: number): AbortSignal {
  const end = new AbortController();
  setTimeout(() => end.abort(), ms);
  return end.signal;
}
