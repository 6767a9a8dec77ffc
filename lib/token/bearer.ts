// A caller's token: where the request has it, and what it must say.
import { ServiceError } from '../errors.ts';
import { refused } from './form.ts';
import type { Verified } from './verify.ts';

const OTHER_KINDS = new Set(['logout+jwt', 'secevent+jwt', 'global-token-revocation+jwt']);

/** The token in an authorization header; the case of the scheme does not matter (RFC 9110 §11.1). Throws 401. */
export function bearerToken(header: unknown): string {
  if (typeof header !== 'string' || !/^bearer( |$)/i.test(header)) throw refused('no_credentials');
  return header.slice('bearer '.length);
}

/**
 * Throws 401 when the token reports an event (RFC 8417) instead of asking for a logout; 403 when the record does not
 * allow the token's email, or binds each token to one user and this is another.
 */
export function checkCaller({ typ = '', token, claims, version }: Verified, userId: unknown): void {
  if (OTHER_KINDS.has(typ) || Object.hasOwn(claims, 'events')) throw refused('wrong_kind');
  const { allowedEmails, userIdClaim } = version.record;
  if (allowedEmails && !(typeof claims.email === 'string' && allowedEmails.has(claims.email))) {
    throw new ServiceError('NOT_ALLOWED', 'email_not_allowed');
  }
  if (userIdClaim !== undefined && !isBoundTo(token, userIdClaim, userId)) {
    throw new ServiceError('NOT_ALLOWED', 'user_id_not_bound');
  }
}

/** Whether the claim is the user id, as text or as an integer of its digits; JavaScript rounds those beyond 2^53. */
function isBoundTo(token: string, claim: string, userId: unknown): boolean {
  const payload = Buffer.from(token.split('.')[1] ?? '', 'base64url').toString();
  const claims = JSON.parse(payload, (_, value, { source }) => (/^-?\d+$/.test(source) ? source : value));
  const value = new Map<string, unknown>(Object.entries(Object(claims))).get(claim);
  return typeof value === 'string' && value === userId;
}
