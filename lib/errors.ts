/** Everything a caller can be told: one text for each code, whatever the reason behind it. */
const ANSWERS = {
  PARSE_ERROR: { status: 400, rpcCode: -32700, message: 'Parse error' },
  INVALID_REQUEST: { status: 400, rpcCode: -32600, message: 'Invalid request' },
  INVALID_PARAMS: { status: 400, rpcCode: -32602, message: 'Invalid params: an object is expected' },
  UNAUTHENTICATED: { status: 401, rpcCode: -32001, message: 'Authentication failed' },
  NOT_ALLOWED: { status: 403, rpcCode: -32003, message: 'This caller is not allowed to log users out' },
  USER_ID_NOT_ACCEPTED: { status: 404, rpcCode: -32004, message: 'No such user id' },
  BODY_TOO_LARGE: { status: 413, rpcCode: -32600, message: 'The body is too large' },
  NOT_JSON: { status: 415, rpcCode: -32600, message: 'The content type must be application/json' },
  INTERNAL: { status: 500, rpcCode: -32603, message: 'Internal error' },
  UNAVAILABLE: { status: 503, rpcCode: -32000, message: 'Some sessions may be left: send the request again' },
} as const;

export type ErrorCode = keyof typeof ANSWERS;
export type ErrorAnswer = (typeof ANSWERS)[ErrorCode];

/** The true reason of a refusal or a fault, for the audit record only. Stable: alarms and searches rely on it. */
export type Reason =
  | RefusalReason
  | 'email_not_allowed'
  | 'body'
  | 'user_id'
  | 'record_missing'
  | 'record_refused'
  | 'record_invalid'
  | 'aws_refused'
  | 'aws_unavailable'
  | 'jwks_unavailable'
  | 'deadline'
  | 'unexpected';

/** Why a token was refused; every one of them is the same 401 to the caller. */
export type RefusalReason =
  | 'no_credentials'
  | 'malformed'
  | 'algorithm'
  | 'signature'
  | 'unknown_key'
  | 'expired'
  | 'not_yet_valid'
  | 'too_long_lived'
  | 'audience'
  | 'issuer'
  | 'claims';

/** A failure that the caller is told by its code; reason and cause stay in the audit record. */
export class ServiceError extends Error {
  readonly code: ErrorCode;
  readonly reason: Reason;

  constructor(code: ErrorCode, reason: Reason, cause?: unknown) {
    super(ANSWERS[code].message, { cause });
    this.name = 'ServiceError';
    this.code = code;
    this.reason = reason;
  }

  get answer(): ErrorAnswer {
    return ANSWERS[this.code];
  }
}

/** Any error as the one the caller is told: what nobody foresaw is our fault, a 500 without detail. */
export function serviceError(error: unknown): ServiceError {
  return error instanceof ServiceError ? error : new ServiceError('INTERNAL', 'unexpected', error);
}
