import type { MiddlewareObj } from '@middy/core';
import type { APIGatewayProxyEventV2, Context } from 'aws-lambda';
import { ServiceError } from '../errors.ts';
import { isObject } from '../json.ts';
import { type Answers, answerBy, bodyText, challenge, header } from './http.ts';

const ANSWERS: Answers<{ status: number; code: number; message: string }> = {
  PARSE_ERROR: { status: 400, code: -32700, message: 'Parse error' },
  INVALID_REQUEST: { status: 400, code: -32600, message: 'Invalid request' },
  INVALID_PARAMS: {
    status: 400,
    code: -32602,
    message: 'Invalid params: an object is expected, with except as documented',
  },
  UNAUTHENTICATED: { status: 401, code: -32001, message: 'Authentication failed' },
  NOT_ALLOWED: { status: 403, code: -32003, message: 'This caller is not allowed to log users out' },
  USER_ID_NOT_ACCEPTED: { status: 404, code: -32004, message: 'No such user id' },
  BODY_TOO_LARGE: { status: 413, code: -32600, message: 'The body is too large' },
  NOT_JSON: { status: 415, code: -32600, message: 'The content type must be application/json' },
  ENCODED: { status: 415, code: -32600, message: 'The body must be sent without a content encoding' },
  INTERNAL: { status: 500, code: -32603, message: 'Internal error' },
  UNAVAILABLE: { status: 503, code: -32000, message: 'Some sessions may be left: send the request again' },
};
const JSON_TYPE = /^application\/(json|json-rpc|jsonrequest|[\w!#$&^.+-]+\+json)\s*(;|$)/i; // RFC 6839 §3.1 for +json
const MAX_EXCEPT = 10;
const MAX_KEY_BYTES = 2048;

/** A JSON-RPC id. A number is kept as raw JSON: its digits come back as they were sent, even beyond 2^53. */
type RpcId = string | object | null;

export type RpcContext = Context & { rpcId?: RpcId };

/** Turns the handler's boolean, or whatever it throws, into the JSON-RPC 2.0 answer. */
export function jsonRpc(): MiddlewareObj<APIGatewayProxyEventV2, unknown, Error, RpcContext> {
  return answerBy<RpcContext>(
    (result, context) => ({ status: 200, body: rpcBody(context, { result }) }),
    (error, context) => {
      const { status, code, message } = ANSWERS[error.code] ?? ANSWERS.INTERNAL;
      return { status, body: rpcBody(context, { error: { code, message } }), headers: challenge(error) };
    },
  );
}

function rpcBody({ rpcId = null }: RpcContext, outcome: object): object {
  return { jsonrpc: '2.0', id: rpcId, ...outcome };
}

/** A call: its id, which every answer echoes, and its params as they were sent. */
type RpcRequest = { id: RpcId; params: unknown };

/** Reads the body. An empty one is `{}`; `method` is ignored. Throws the 400, 413 and 415 of the contract. */
export function readRequest(event: APIGatewayProxyEventV2): RpcRequest {
  if (event.body) checkContent(event); // an empty body has no type, whatever API Gateway adds
  const body = bodyText(event);
  const request = parse(body.trim() === '' ? '{}' : body);
  if (!isObject(request)) throw new ServiceError('INVALID_REQUEST', 'body');
  const { id = null, params = {} } = request;
  if (id !== null && typeof id !== 'string' && !JSON.isRawJSON(id)) throw new ServiceError('INVALID_REQUEST', 'body');
  return { id, params };
}

/** What the params say: why, and the keys of sessions to keep. Throws INVALID_PARAMS for any other form. */
export function readParams({ params }: RpcRequest): { reason: unknown; except: Set<string> } {
  if (!isObject(params)) throw new ServiceError('INVALID_PARAMS', 'body');
  const { reason, except = [] } = params;
  const keys: unknown[] = Array.isArray(except) ? except : [except];
  if (keys.length > MAX_EXCEPT || !keys.every(isKey)) throw new ServiceError('INVALID_PARAMS', 'body');
  return { reason, except: new Set(keys) };
}

function isKey(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && Buffer.byteLength(value) <= MAX_KEY_BYTES;
}

function checkContent(event: APIGatewayProxyEventV2): void {
  const type = header(event, 'content-type') ?? 'application/json';
  if (typeof type !== 'string' || !JSON_TYPE.test(type)) throw new ServiceError('NOT_JSON', 'body');
  const encoding = header(event, 'content-encoding') ?? 'identity';
  if (String(encoding).trim().toLowerCase() !== 'identity') throw new ServiceError('ENCODED', 'body');
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text, (key, value, { source }) =>
      key === 'id' && typeof value === 'number' ? JSON.rawJSON(source) : value,
    );
  } catch {
    throw new ServiceError('PARSE_ERROR', 'body'); // without the cause, which quotes the body
  }
}
