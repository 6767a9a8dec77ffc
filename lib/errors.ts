/** Every way in which a request ends without a logout. Each route turns it into an answer of its own form. */
export type ErrorCode =
  | 'PARSE_ERROR'
  | 'INVALID_REQUEST'
  | 'INVALID_PARAMS'
  | 'UNAUTHENTICATED'
  | 'NOT_ALLOWED'
  | 'USER_ID_NOT_ACCEPTED'
  // Nobody's fault: no user is linked to the account, no user is named, or the event asks nothing of us.
  | 'NO_ACCOUNT'
  | 'NO_USER'
  | 'EVENT_IGNORED'
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
  | 'client'
  | 'user_id_not_bound'
  | 'body'
  | 'subject'
  | 'event'
  | 'no_account'
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
  | 'written_back'
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
  | 'no_event'
  | 'nonce'
  | 'sid_only';

/**
 * Why a request ends without a logout. The caller learns only its code. The reason and the fault go to the audit record:
 * `fault` says what is wrong in our own words, or names an error without its message, which may quote input, keys, ARNs
 * and addresses.
 */
export class ServiceError extends Error {
  readonly code: ErrorCode;
  readonly reason: Reason;
  readonly fault: string | undefined;

  constructor(code: ErrorCode, reason: Reason, fault?: string) {
    super(`${code}: ${reason}`);
    this.name = 'ServiceError';
    this.code = code;
    this.reason = reason;
    this.fault = fault;
  }
}

/** The failure that decides: our own fault, if it is among them, since repeating the request does not help then. */
export function decisive(failures: ServiceError[]): ServiceError | undefined {
  return failures.find(({ code }) => code === 'INTERNAL') ?? failures[0];
}

/** Any error as a ServiceError. An unexpected one is our own fault: a 500 without detail. */
export function serviceError(error: unknown): ServiceError {
  if (error instanceof ServiceError) return error;
  const place = error instanceof Error ? error.stack?.match(/^ {4}at .*/m)?.[0].trim() : undefined;
  return new ServiceError('INTERNAL', 'unexpected', [nameOf(error), place].filter(Boolean).join(' '));
}

/** An error by its name and codes. */
export function nameOf(error: unknown): string {
  if (!(error instanceof Error)) return typeof error;
  const { name, code, $metadata }: Error & { code?: unknown; $metadata?: { httpStatusCode?: number } } = error;
  return [name, code, $metadata?.httpStatusCode].filter(Boolean).join(' ');
}
