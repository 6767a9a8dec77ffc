import type { MiddlewareObj } from '@middy/core';
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2, Context } from 'aws-lambda';
import { type ErrorCode, nameOf, ServiceError, serviceError } from '../errors.ts';

export const MAX_BODY_BYTES = 64 * 1024;
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

const RETRY_AFTER = { 'retry-after': '2' }; // seconds (RFC 9110 §10.2.3)
const REALM = 'Bearer realm="auth_logout_user"';

/** What a route answers: a body as an object, or none. */
export type Answer = { status: number; body?: object; headers?: Record<string, string> };
/** One answer for each code that a route throws, whatever the reason behind it. Any other code is our own fault. */
export type Answers<T> = Partial<Record<ErrorCode, T>> & { INTERNAL: T };

/** The codes of a request that cannot be read: a sender that errs there loses its logouts, as by a refused token. */
export const UNREADABLE: ErrorCode[] = ['PARSE_ERROR', 'INVALID_REQUEST', 'BODY_TOO_LARGE'];

/** Answers in a route's own form: by `success` what the handler returns, by `failure` what it throws. */
export function answerBy<RouteContext extends Context>(
  success: (result: unknown, context: RouteContext) => Answer,
  failure: (error: ServiceError, context: RouteContext) => Answer,
): MiddlewareObj<APIGatewayProxyEventV2, unknown, Error, RouteContext> {
  return {
    after: (request) => {
      request.response = response(success(request.response, request.context));
    },
    onError: (request) => {
      const error = serviceError(request.error);
      request.response = response(failure(error, request.context), error.code === 'UNAVAILABLE' ? RETRY_AFTER : {});
    },
  };
}

function response({ status, body, headers }: Answer, more = {}): APIGatewayProxyStructuredResultV2 {
  const type = body && { 'content-type': 'application/json' };
  return {
    statusCode: status,
    headers: { ...type, 'cache-control': 'no-store', ...headers, ...more },
    body: body ? JSON.stringify(body) : '',
  };
}

/** What a client must know whose bearer token was not enough (RFC 6750 §3). */
export function challenge({ code, reason }: ServiceError): Record<string, string> {
  if (code === 'NOT_ALLOWED') return { 'www-authenticate': `${REALM}, error="insufficient_scope"` };
  if (code !== 'UNAUTHENTICATED') return {};
  return { 'www-authenticate': reason === 'no_credentials' ? REALM : `${REALM}, error="invalid_token"` };
}

/** The header with this lower-case name; undefined when there is none, or several that differ in case. */
export function header(event: APIGatewayProxyEventV2, name: string): unknown {
  const values = Object.entries(event?.headers ?? {}).filter(([key]) => key.toLowerCase() === name);
  return values.length === 1 ? values[0]?.[1] : undefined;
}

/** The body as text. Throws BODY_TOO_LARGE beyond 64 KiB, and PARSE_ERROR when it is not UTF-8. */
export function bodyText(event: APIGatewayProxyEventV2): string {
  const body: unknown = event.body ?? '';
  if (typeof body !== 'string') throw new ServiceError('INVALID_REQUEST', 'body');
  // Buffer skips what is not base64: "!!!!" would be an empty body, which is valid.
  if (event.isBase64Encoded === true && /[^\w+/=\s-]/.test(body)) throw new ServiceError('PARSE_ERROR', 'body');
  const bytes = Buffer.from(body, event.isBase64Encoded === true ? 'base64' : 'utf8');
  if (bytes.length > MAX_BODY_BYTES) throw new ServiceError('BODY_TOO_LARGE', 'body');
  try {
    return utf8.decode(bytes);
  } catch (error) {
    throw new ServiceError('PARSE_ERROR', 'body', nameOf(error));
  }
}
