import type { MiddlewareObj } from '@middy/core';
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2, Context } from 'aws-lambda';
import { ServiceError, serviceError } from '../errors.ts';

declare global {
  // JSON.parse source text access (ECMAScript 2026): Node 24 has it, TypeScript's library not yet.
  interface JSON {
    rawJSON(text: string): object;
    isRawJSON(value: unknown): value is object;
    parse(
      text: string,
      reviver: (this: unknown, key: string, value: unknown, context: { source: string }) => unknown,
    ): unknown;
  }
}

const MAX_BODY_BYTES = 64 * 1024;
const RETRY_AFTER_SECONDS = 2;
const JSON_TYPE = /^application\/json\s*(;|$)/i;
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const REALM = 'Bearer realm="auth_logout_user"';

/** A JSON-RPC id. A number is kept as raw JSON: its digits come back as they were sent, also beyond 2^53. */
type RpcId = string | object | null;

export type RpcContext = Context & { rpcId?: RpcId };

/** Makes the handler's boolean, or whatever it throws, the JSON-RPC 2.0 answer. */
export function jsonRpc(): MiddlewareObj<APIGatewayProxyEventV2, unknown, Error, RpcContext> {
  return {
    after: (request) => {
      request.response = response(200, request.context, { result: request.response });
    },
    onError: (request) => {
      const error = serviceError(request.error);
      const { status, rpcCode, message } = error.answer;
      request.response = response(status, request.context, { error: { code: rpcCode, message } }, hints(error));
    },
  };
}

/**
 * Reads the body, notes its id in the context, returns its params. An empty body is `{}`; `method` is ignored.
 * Throws the 400, 413 and 415 of the contract.
 */
export function readParams(event: APIGatewayProxyEventV2, context: RpcContext): Record<string, unknown> {
  if (event.body && !isPlainJson(event)) throw new ServiceError('NOT_JSON', 'body'); // no body has no type, whatever an API adds
  const body = bodyText(event);
  const request = parse(body.trim() === '' ? '{}' : body);
  if (!isObject(request)) throw new ServiceError('INVALID_REQUEST', 'body');
  const { id = null, params = {} } = request;
  if (id !== null && typeof id !== 'string' && !JSON.isRawJSON(id)) throw new ServiceError('INVALID_REQUEST', 'body');
  context.rpcId = id;
  if (!isObject(params)) throw new ServiceError('INVALID_PARAMS', 'body');
  return params;
}

function isPlainJson(event: APIGatewayProxyEventV2): boolean {
  const type = header(event, 'content-type');
  const isJson = type === undefined || (typeof type === 'string' && JSON_TYPE.test(type));
  return isJson && header(event, 'content-encoding') === undefined;
}

/** The header of that lower-case name; undefined when there is none, or more than one that differ in case. */
export function header(event: APIGatewayProxyEventV2, name: string): unknown {
  const values = Object.entries(event?.headers ?? {}).filter(([key]) => key.toLowerCase() === name);
  return values.length === 1 ? values[0]?.[1] : undefined;
}

function bodyText(event: APIGatewayProxyEventV2): string {
  const body: unknown = event.body ?? '';
  if (typeof body !== 'string') throw new ServiceError('INVALID_REQUEST', 'body');
  // Buffer passes over what is no base64: "!!!!" would be an empty body, and that is valid.
  if (event.isBase64Encoded === true && /[^\w+/=\s-]/.test(body)) throw new ServiceError('PARSE_ERROR', 'body');
  const bytes = Buffer.from(body, event.isBase64Encoded === true ? 'base64' : 'utf8');
  if (bytes.length > MAX_BODY_BYTES) throw new ServiceError('BODY_TOO_LARGE', 'body');
  try {
    return utf8.decode(bytes);
  } catch (cause) {
    throw new ServiceError('PARSE_ERROR', 'body', cause);
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text, (key, value, { source }) =>
      key === 'id' && typeof value === 'number' ? JSON.rawJSON(source) : value,
    );
  } catch {
    throw new ServiceError('PARSE_ERROR', 'body'); // without its cause: that quotes the body
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !JSON.isRawJSON(value);
}

/** What a client may do about the error: RFC 6750 §3 (challenge) and RFC 9110 §10.2.3 (retry-after). */
function hints({ code, reason }: ServiceError): Record<string, string> {
  if (code === 'UNAUTHENTICATED') {
    return { 'www-authenticate': reason === 'no_credentials' ? REALM : `${REALM}, error="invalid_token"` };
  }
  if (code === 'NOT_ALLOWED') return { 'www-authenticate': `${REALM}, error="insufficient_scope"` };
  if (code === 'UNAVAILABLE') return { 'retry-after': String(RETRY_AFTER_SECONDS) };
  return {};
}

function response(
  statusCode: number,
  context: RpcContext,
  outcome: { result: unknown } | { error: { code: number; message: string } },
  headers: Record<string, string> = {},
): APIGatewayProxyStructuredResultV2 {
  return {
    statusCode,
    headers: { 'content-type': 'application/json', 'cache-control': 'no-store', ...headers },
    body: JSON.stringify({ jsonrpc: '2.0', id: context.rpcId ?? null, ...outcome }),
  };
}
