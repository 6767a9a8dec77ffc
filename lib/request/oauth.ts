import type { MiddlewareObj } from '@middy/core';
import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import { type ErrorCode, ServiceError, serviceError } from '../errors.ts';
import { bodyText, header, RETRY_AFTER } from './http.ts';

type Answer = { status: number; error: string; error_description?: string };

const NO_FORM = invalidRequest('The body must be a form of at most 64 KiB with one logout_token');
const SERVER_ERROR = { status: 500, error: 'server_error' };
/** One answer for each code, whatever the reason behind it. */
const ANSWERS: Record<ErrorCode, Answer> = {
  PARSE_ERROR: NO_FORM,
  INVALID_REQUEST: NO_FORM,
  BODY_TOO_LARGE: NO_FORM,
  UNAUTHENTICATED: invalidRequest('The logout token is not accepted'),
  USER_ID_NOT_ACCEPTED: invalidRequest('The sub of the logout token is not accepted'),
  INTERNAL: SERVER_ERROR,
  UNAVAILABLE: { status: 503, error: 'temporarily_unavailable' },
  // Only the other route throws these.
  INVALID_PARAMS: SERVER_ERROR,
  NOT_ALLOWED: SERVER_ERROR,
  NOT_JSON: SERVER_ERROR,
  ENCODED: SERVER_ERROR,
};
/** What a provider meets that sends no form, or a faulty one: it loses all its logouts, as by a refused token. */
export const NO_LOGOUT_TOKEN: ErrorCode[] = ['PARSE_ERROR', 'INVALID_REQUEST', 'BODY_TOO_LARGE'];
const FORM_TYPE = /^application\/x-www-form-urlencoded\s*(;|$)/i;

/** Answers as OpenID Connect Back-Channel Logout 1.0 §2.8 says: an empty body, or an OAuth 2.0 error. */
export function oauth(): MiddlewareObj<APIGatewayProxyEventV2, unknown, Error> {
  return {
    after: (request) => {
      request.response = { statusCode: 200, headers: { 'cache-control': 'no-store' }, body: '' };
    },
    onError: (request) => {
      const { code } = serviceError(request.error);
      const { status: statusCode, ...error } = ANSWERS[code];
      request.response = {
        statusCode,
        headers: {
          'content-type': 'application/json',
          'cache-control': 'no-store',
          ...(code === 'UNAVAILABLE' && RETRY_AFTER),
        },
        body: JSON.stringify(error),
      };
    },
  };
}

/** The `logout_token` of the form in the body (§2.5). Throws INVALID_REQUEST unless it is there exactly once. */
export function logoutToken(event: APIGatewayProxyEventV2): string {
  const type = header(event, 'content-type');
  if (typeof type !== 'string' || !FORM_TYPE.test(type)) throw new ServiceError('INVALID_REQUEST', 'body');
  const [token, ...more] = new URLSearchParams(bodyText(event)).getAll('logout_token');
  if (token === undefined || more.length > 0) throw new ServiceError('INVALID_REQUEST', 'body');
  return token;
}

function invalidRequest(error_description: string): Answer {
  return { status: 400, error: 'invalid_request', error_description };
}
