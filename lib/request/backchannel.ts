import type { MiddlewareObj } from '@middy/core';
import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import { ServiceError } from '../errors.ts';
import { type Answer, type Answers, answerBy, bodyText, header } from './http.ts';

const OK: Answer = { status: 200 };
const NO_FORM = invalidRequest('The body must be a form of at most 64 KiB with one logout_token');
const ANSWERS: Answers<Answer> = {
  NO_ACCOUNT: OK,
  PARSE_ERROR: NO_FORM,
  INVALID_REQUEST: NO_FORM,
  BODY_TOO_LARGE: NO_FORM,
  UNAUTHENTICATED: invalidRequest('The logout token is not accepted'),
  USER_ID_NOT_ACCEPTED: invalidRequest('The sub of the logout token is not accepted'),
  INTERNAL: { status: 500, body: { error: 'server_error' } },
  UNAVAILABLE: { status: 503, body: { error: 'temporarily_unavailable' } },
};
const FORM_TYPE = /^application\/x-www-form-urlencoded\s*(;|$)/i;

/** Answers as OpenID Connect Back-Channel Logout 1.0 §2.8 says: an empty body, or an OAuth 2.0 error. */
export function backchannel(): MiddlewareObj<APIGatewayProxyEventV2, unknown, Error> {
  return answerBy(
    () => OK,
    ({ code }) => ANSWERS[code] ?? ANSWERS.INTERNAL,
  );
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
  return { status: 400, body: { error: 'invalid_request', error_description } };
}
