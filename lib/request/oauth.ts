import type { MiddlewareObj } from '@middy/core';
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import { type ErrorCode, ServiceError, serviceError } from '../errors.ts';
import { bodyText, header, RETRY_AFTER } from './http.ts';

const FORM_TYPE = /^application\/x-www-form-urlencoded\s*(;|$)/i;

/** Answers as OpenID Connect Back-Channel Logout 1.0 §2.8 says: an empty body, or an OAuth 2.0 error. */
export function oauth(): MiddlewareObj<APIGatewayProxyEventV2, unknown, Error> {
  return {
    after: (request) => {
      request.response = { statusCode: 200, headers: { 'cache-control': 'no-store' }, body: '' };
    },
    onError: (request) => {
      request.response = errorAnswer(serviceError(request.error).code);
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

function errorAnswer(code: ErrorCode): APIGatewayProxyStructuredResultV2 {
  switch (code) {
    case 'INTERNAL':
      return response(500, { error: 'server_error' });
    case 'UNAVAILABLE':
      return response(503, { error: 'temporarily_unavailable' }, RETRY_AFTER);
    case 'UNAUTHENTICATED':
      return invalidRequest('The logout token is not accepted');
    case 'USER_ID_NOT_ACCEPTED':
      return invalidRequest('The sub of the logout token is not accepted');
    default:
      return invalidRequest('The body must be a form of at most 64 KiB with one logout_token');
  }
}

function invalidRequest(error_description: string): APIGatewayProxyStructuredResultV2 {
  return response(400, { error: 'invalid_request', error_description });
}

function response(
  statusCode: number,
  error: { error: string; error_description?: string },
  headers: Record<string, string> = {},
): APIGatewayProxyStructuredResultV2 {
  return {
    statusCode,
    headers: { 'content-type': 'application/json', 'cache-control': 'no-store', ...headers },
    body: JSON.stringify(error),
  };
}
