import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { registerHooks } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';
import type { APIGatewayProxyStructuredResultV2, Context } from 'aws-lambda';
import { gatewayEvent, type Request } from './events.ts';
import { functionFile } from './function.ts';
import { contractViolations } from './openapi.ts';

const TIMEOUT_MS = 25_000; // as in serverless.yml

export type AuditLine = Record<string, unknown>;
/** What a function answers, and its audit record. */
export type Answer = {
  status: number;
  headers: Record<string, unknown>;
  text: string;
  json: Record<string, unknown>;
  audit: AuditLine;
};
/** A function that has started; Lambda leaves it so much time for a request, and then ends it. */
export type Lambda = {
  invoke: (request?: Request, remainingMs?: number) => Promise<Answer>;
  send: (event: unknown, remainingMs?: number) => Promise<Answer>;
};

type LambdaContext = Pick<Context, 'awsRequestId' | 'functionName' | 'getRemainingTimeInMillis'>;
type Handler = (event: unknown, context: LambdaContext) => Promise<APIGatewayProxyStructuredResultV2>;

let coldStarts = 0;

// A module of ours, imported by one with ?cold=n, is loaded again for that n: fresh caches, as in a new Lambda.
registerHooks({
  resolve(specifier, context, next) {
    const resolved = next(specifier, context);
    const cold = context.parentURL?.match(/\?cold=\d+$/)?.[0];
    return cold && !resolved.url.includes('/node_modules/') && resolved.url.startsWith('file:')
      ? { ...resolved, url: resolved.url + cold }
      : resolved;
  },
});

// Audit records are kept here; all other output passes through.
const written: AuditLine[] = [];
const write = process.stdout.write.bind(process.stdout);
process.stdout.write = (chunk: string | Uint8Array, ...rest: never[]) => {
  if (typeof chunk !== 'string' || !chunk.includes('"_aws"')) return write(chunk, ...rest);
  written.push(JSON.parse(chunk));
  return true;
};

/** Each function: the path of its route, as docs/openapi.yaml has it, and the setting that names its records. */
export const FUNCTIONS = {
  logout_user: { path: '/auth/logout_user/{user_id}', records: 'VALIDATOR_SECRET_IDS' },
  backchannel_logout: { path: '/auth/backchannel_logout', records: 'OPENID_PROVIDER_SECRET_IDS' },
  global_token_revocation: { path: '/auth/global_token_revocation', records: 'REVOCATION_ISSUER_SECRET_IDS' },
  security_events: { path: '/auth/security_events', records: 'EVENT_TRANSMITTER_SECRET_IDS' },
};
export type FunctionName = keyof typeof FUNCTIONS;
const SETTINGS = [
  'SESSIONS_TABLE',
  'SESSION_LAYOUT',
  'MORE_STORES',
  'USER_ID_PATTERN',
  'SETTLE_SECONDS',
  'VALIDATOR_MAX_AGE_SECONDS',
  ...Object.values(FUNCTIONS).map(({ records }) => records),
];

/** Loads the real function in this environment, as Lambda does: settings are read and checked now, caches are empty. */
export async function coldStart(
  environment: Record<string, string>,
  name: FunctionName = 'logout_user',
  file = functionFile(name),
): Promise<Lambda> {
  for (const setting of SETTINGS) delete process.env[setting];
  Object.assign(process.env, environment, { AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: 'false' }); // AWS is local, whatever the template says
  const { handler }: { handler: Handler } = await import(`${file}?cold=${coldStarts++}`);

  const send = async (event: unknown, remainingMs = TIMEOUT_MS) => {
    const context = lambdaContext(name, remainingMs);
    const before = written.length;
    const timeUp = new AbortController();
    const ended = sleep(remainingMs, undefined, { signal: timeUp.signal }).then(() => assert.fail('Task timed out'));
    const answer = await Promise.race([handler(event, context), ended]).finally(() => timeUp.abort());
    const { statusCode: status = 0, headers = {}, body: text = '' } = answer;
    const faults = contractViolations(FUNCTIONS[name].path, status, headers, text);
    assert.deepEqual(faults, [], 'every answer is as docs/openapi.yaml describes it');
    const lines = written.slice(before).filter(({ request_id }) => request_id === context.awsRequestId);
    assert.equal(lines.length, 1, 'one audit record for one request');
    return { status, headers, text, json: JSON.parse(text || '{}'), audit: lines[0] ?? {} };
  };
  return { send, invoke: (request = {}, remainingMs) => send(gatewayEvent(request), remainingMs) };
}

/** The audit lines that were written while the work ran. */
export async function auditLines(work: () => Promise<unknown>): Promise<AuditLine[]> {
  const before = written.length;
  await work();
  return written.slice(before);
}

function lambdaContext(functionName: string, remainingMs: number): LambdaContext {
  const end = performance.now() + remainingMs;
  return {
    awsRequestId: randomUUID(),
    functionName,
    getRemainingTimeInMillis: () => Math.floor(end - performance.now()),
  };
}
