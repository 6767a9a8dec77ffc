import type { MiddlewareObj } from '@middy/core';
import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import { ServiceError } from '../errors.ts';
import { isObject, parseStrictJson } from '../json.ts';
import { type Answer, type Answers, answerBy, bodyText, challenge } from './http.ts';

const INVALID_REQUEST = failed(400, 'invalid_request');
const NOT_FOUND = failed(404, 'not_found');
const ANSWERS: Answers<Answer> = {
  PARSE_ERROR: INVALID_REQUEST,
  INVALID_REQUEST,
  BODY_TOO_LARGE: INVALID_REQUEST,
  UNAUTHENTICATED: failed(401, 'invalid_token'),
  NOT_ALLOWED: failed(403, 'insufficient_scope'),
  USER_ID_NOT_ACCEPTED: NOT_FOUND,
  NO_ACCOUNT: NOT_FOUND,
  INTERNAL: failed(500, 'server_error'),
  UNAVAILABLE: failed(503, 'temporarily_unavailable'),
};

/** Answers as Global Token Revocation says (draft-parecki-oauth-global-token-revocation-06). */
export function revocation(): MiddlewareObj<APIGatewayProxyEventV2, unknown, Error> {
  return answerBy(
    () => ({ status: 204 }),
    (error) => ({ ...(ANSWERS[error.code] ?? ANSWERS.INTERNAL), headers: challenge(error) }),
  );
}

/**
 * The subject identifier in the body: `sub_id`, or `subject` as earlier drafts call it. Throws PARSE_ERROR when the body
 * is not JSON, or has a name twice; INVALID_REQUEST unless it has one of the two.
 */
export function subjectIdentifier(event: APIGatewayProxyEventV2): unknown {
  const body = parse(bodyText(event));
  if (!isObject(body)) throw new ServiceError('INVALID_REQUEST', 'body');
  const [identifier, ...more] = Object.entries(body).filter(([name]) => name === 'sub_id' || name === 'subject');
  if (!identifier || more.length > 0) throw new ServiceError('INVALID_REQUEST', 'subject');
  return identifier[1];
}

function parse(text: string): unknown {
  try {
    return parseStrictJson(text);
  } catch {
    throw new ServiceError('PARSE_ERROR', 'body'); // without the cause, which quotes the body
  }
}

function failed(status: number, error: string): Answer {
  return { status, body: { error } };
}
