/** Every kind of error. Each route turns it into an answer of its own form. */
export type ErrorCode =
  | 'PARSE_ERROR'
  | 'INVALID_REQUEST'
  | 'INVALID_PARAMS'
  | 'UNAUTHENTICATED'
  | 'NOT_ALLOWED'
  | 'USER_ID_NOT_ACCEPTED'
  | 'BODY_TOO_LARGE'
  | 'NOT_JSON'
  | 'ENCODED'
  | 'INTERNAL'
  | 'UNAVAILABLE';

/** The true reason for an error, for the audit record only. Stable: alarms and searches rely on it. */
export type Reason =
  | InvalidTokenReason
  | 'email_not_allowed'
  | 'email_not_verified'
  | 'user_id_not_bound'
  | 'body'
  | 'user_id'
  | 'sub'
  | 'record_missing'
  | 'record_refused'
  | 'record_invalid'
  | 'key_set_invalid'
  | 'account_invalid'
  | 'aws_refused'
  | 'aws_unavailable'
  | 'jwks_unavailable'
  | 'deadline'
  | 'unexpected';

/** Why a token is not accepted. The caller gets the same answer for all of them. */
export type InvalidTokenReason =
  | 'no_credentials'
  | 'malformed'
  | 'algorithm'
  | 'signature'
  | 'unknown_key'
  | 'too_many_keys'
  | 'expired'
  | 'not_yet_valid'
  | 'too_long_lived'
  | 'audience'
  | 'issuer'
  | 'claims'
  | 'wrong_kind'
  | 'no_logout_event'
  | 'nonce'
  | 'sid_only';

/** A failure. The caller learns only its code; the reason and the cause go to the audit record. */
export class ServiceError extends Error {
  readonly code: ErrorCode;
  readonly reason: Reason;

  constructor(code: ErrorCode, reason: Reason, cause?: unknown) {
    super(`${code}: ${reason}`, { cause });
    this.name = 'ServiceError';
    this.code = code;
    this.reason = reason;
  }
}

/** Any error as a ServiceError. An unexpected one is our own fault: a 500 without detail. */
export function serviceError(error: unknown): ServiceError {
  return error instanceof ServiceError ? error : new ServiceError('INTERNAL', 'unexpected', error);
}
