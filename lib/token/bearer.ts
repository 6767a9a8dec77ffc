// What a caller's token is: where the request has it, and what it must say.
import { ServiceError } from '../errors.ts';
import { refused } from './form.ts';
import type { Verified } from './verify.ts';

/** The token of an authorization header; the case of its scheme does not matter (RFC 9110 §11.1). Throws 401. */
export function bearerToken(header: unknown): string {
  if (typeof header !== 'string' || !/^bearer( |$)/i.test(header)) throw refused('no_credentials');
  return header.slice('bearer '.length);
}

/** Throws 403 when the record names its callers by email and the token's is not among them. */
export function checkCaller({ claims, version }: Verified): void {
  const { allowedEmails } = version.record;
  if (allowedEmails && !(typeof claims.email === 'string' && allowedEmails.has(claims.email))) {
    throw new ServiceError('NOT_ALLOWED', 'email_not_allowed');
  }
}
