import type { MiddlewareObj } from '@middy/core';
import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import type { Reason, ServiceError } from '../errors.ts';
import { type Answer, type Answers, answerBy, bodyText } from './http.ts';

const ACCEPTED: Answer = { status: 202 };
const INVALID_REQUEST = refused('invalid_request', 'The request is not accepted');
const ANSWERS: Answers<Answer> = {
  EVENT_IGNORED: ACCEPTED,
  NO_ACCOUNT: ACCEPTED,
  NO_USER: ACCEPTED,
  PARSE_ERROR: INVALID_REQUEST,
  INVALID_REQUEST,
  BODY_TOO_LARGE: INVALID_REQUEST,
  UNAUTHENTICATED: INVALID_REQUEST,
  USER_ID_NOT_ACCEPTED: INVALID_REQUEST,
  INTERNAL: { status: 500, body: { err: 'server_error' } },
  UNAVAILABLE: { status: 503, body: { err: 'temporarily_unavailable' } },
};
/** The faults of a token that have an error code of their own (RFC 8935 §2.4). */
const INVALID_KEY = refused('invalid_key', 'The algorithm, the key or the signature is not accepted');
const BY_REASON: Partial<Record<Reason, Answer>> = {
  algorithm: INVALID_KEY,
  unknown_key: INVALID_KEY,
  too_many_keys: INVALID_KEY,
  signature: INVALID_KEY,
  issuer: refused('invalid_issuer', 'The issuer is not accepted'),
  audience: refused('invalid_audience', 'The audience is not accepted'),
};

/** Answers as Push-Based Security Event Token Delivery says (RFC 8935 §2.2 and §2.3). */
export function push(): MiddlewareObj<APIGatewayProxyEventV2, unknown, Error> {
  return answerBy(() => ACCEPTED, failure);
}

/** The token that is the body, whatever its content type: senders err there. */
export function pushedToken(event: APIGatewayProxyEventV2): string {
  return bodyText(event);
}

function failure({ code, reason }: ServiceError): Answer {
  const byReason = code === 'UNAUTHENTICATED' ? BY_REASON[reason] : undefined;
  return byReason ?? ANSWERS[code] ?? ANSWERS.INTERNAL;
}

function refused(err: string, description: string): Answer {
  return { status: 400, body: { err, description } };
}
