import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { registerHooks } from 'node:module';
import type { APIGatewayProxyStructuredResultV2, Context } from 'aws-lambda';
import { functionFile } from './function.ts';
import { departures } from './openapi.ts';

/** What a test sends: the parts of an API Gateway event that matter, and the time that Lambda has left. */
export type Request = {
  userId?: unknown;
  token?: string;
  headers?: Record<string, string>;
  body?: string;
  base64?: boolean;
  remainingMs?: number;
};
export type Answer = { status: number; headers: Record<string, unknown>; text: string; json: Record<string, unknown> };
export type AuditLine = Record<string, unknown>;
export type Lambda = {
  invoke: (request?: Request) => Promise<Answer>;
  send: (event: unknown, remainingMs?: number) => Promise<Answer>;
};

let coldStarts = 0;

// A module of ours that is imported by one with ?cold=n is loaded anew for that n: fresh caches, as in a new Lambda.
registerHooks({
  resolve(specifier, context, next) {
    const resolved = next(specifier, context);
    const cold = context.parentURL?.match(/\?cold=\d+$/)?.[0];
    return cold && !resolved.url.includes('/node_modules/') && resolved.url.startsWith('file:')
      ? { ...resolved, url: resolved.url + cold }
      : resolved;
  },
});

/** The path of each function's route, as docs/openapi.yaml has it. */
const PATHS = { logout_user: '/auth/logout_user/{user_id}', backchannel_logout: '/auth/backchannel_logout' };
export type FunctionName = keyof typeof PATHS;

/** Loads the real function in this environment, as Lambda does: settings are read and checked now, caches are empty. */
export async function coldStart(
  environment: Record<string, string>,
  name: FunctionName = 'logout_user',
): Promise<Lambda> {
  for (const name of ['SESSIONS_TABLE', 'SESSION_LAYOUT', 'MORE_STORES', 'USER_ID_PATTERN', 'SETTLE_SECONDS'])
    delete process.env[name];
  for (const name of ['VALIDATOR_SECRET_IDS', 'OPENID_PROVIDER_SECRET_IDS', 'VALIDATOR_MAX_AGE_SECONDS'])
    delete process.env[name];
  Object.assign(process.env, environment, { AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: 'false' }); // AWS is local, whatever the template says
  const { handler }: { handler: (event: unknown, context: Context) => Promise<APIGatewayProxyStructuredResultV2> } =
    await import(`${functionFile(name)}?cold=${coldStarts++}`);

  const send = async (event: unknown, remainingMs = 10_000) => {
    const {
      statusCode: status = 0,
      headers = {},
      body: text = '',
    } = await handler(event, lambdaContext(name, remainingMs));
    const json = JSON.parse(text || '{}');
    assert.deepEqual(
      departures(PATHS[name], status, headers, text),
      [],
      'every answer is as docs/openapi.yaml describes it',
    );
    return { status, headers, text, json };
  };
  return { send, invoke: ({ remainingMs, ...request } = {}) => send(gatewayEvent(request), remainingMs) };
}

/** The audit lines that were written while the work ran. */
export async function auditLines(work: () => Promise<unknown>): Promise<AuditLine[]> {
  const lines: AuditLine[] = [];
  listeners.add(lines);
  await work().finally(() => listeners.delete(lines));
  return lines;
}

const listeners = new Set<AuditLine[]>();
const write = process.stdout.write.bind(process.stdout);
process.stdout.write = (chunk: string | Uint8Array, ...rest: never[]) => {
  if (typeof chunk !== 'string' || !chunk.includes('"_aws"')) return write(chunk, ...rest);
  for (const lines of listeners) lines.push(JSON.parse(chunk));
  return true;
};

/** An event of API Gateway's HTTP API, payload format 2.0. */
export function gatewayEvent({
  userId = '2',
  token,
  headers = {},
  body,
  base64 = false,
}: Omit<Request, 'remainingMs'>) {
  const path = `/auth/logout_user/${userId}`;
  return {
    version: '2.0',
    routeKey: 'POST /auth/logout_user/{user_id}',
    rawPath: path,
    rawQueryString: '',
    headers: {
      host: 'api.example',
      ...(body === undefined && { 'content-length': '0', 'content-type': 'application/octet-stream' }), // added by the API
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...headers,
    },
    requestContext: {
      http: { method: 'POST', path, protocol: 'HTTP/1.1', sourceIp: '192.0.2.1', userAgent: 'test' },
      requestId: randomUUID(),
      routeKey: 'POST /auth/logout_user/{user_id}',
      stage: '$default',
    },
    pathParameters: { user_id: userId },
    body,
    isBase64Encoded: base64,
  };
}

function lambdaContext(functionName: string, remainingMs: number): Context {
  const end = performance.now() + remainingMs;
  return {
    awsRequestId: randomUUID(),
    functionName,
    functionVersion: '$LATEST',
    invokedFunctionArn: `arn:aws:lambda:us-east-1:000000000000:function:${functionName}`,
    memoryLimitInMB: '512',
    logGroupName: `/aws/lambda/${functionName}`,
    logStreamName: 'test',
    callbackWaitsForEmptyEventLoop: true,
    getRemainingTimeInMillis: () => Math.floor(end - performance.now()),
    done: () => {},
    fail: () => {},
    succeed: () => {},
  };
}
