// A caller's token: where the request has it, and what it must say.
import { ServiceError } from '../errors.ts';
import { invalidToken, textOrDigits } from './decode.ts';
import { checkSub } from './subject.ts';
import type { Verified } from './verify.ts';

const SCHEME = /^bearer(?: +|$)/i; // the case does not matter (RFC 9110 §11.1); one or more spaces (RFC 6750 §2.1)
const OTHER_KINDS = new Set(['logout+jwt', 'secevent+jwt', 'global-token-revocation+jwt']);

/** The token in an authorization header. Throws 401 for another scheme. */
export function bearerToken(header: unknown): string {
  if (typeof header !== 'string' || !SCHEME.test(header)) throw invalidToken('no_credentials');
  return header.replace(SCHEME, '');
}

/**
 * Throws 401 when the token reports an event (RFC 8417) instead of asking for a logout; 403 when the record does not
 * allow the token's email, or binds each token to one user and this is another; 404 when `sub_pattern` does not match.
 */
export function checkCaller(verified: Verified, userId: unknown): void {
  const { typ = '', claims, version } = verified;
  if (OTHER_KINDS.has(typ) || Object.hasOwn(claims, 'events')) throw invalidToken('wrong_kind');
  const { allowedEmails, userIdClaim, userId: template } = version.record;
  if (allowedEmails) checkEmail(claims, allowedEmails);
  if (userIdClaim === undefined) return;
  const sub = textOrDigits(verified, userIdClaim);
  if (sub === undefined) throw new ServiceError('NOT_ALLOWED', 'user_id_not_bound');
  checkSub(sub, version.record);
  if (template.replaceAll('{sub}', () => sub) !== userId) throw new ServiceError('NOT_ALLOWED', 'user_id_not_bound');
}

/** An address that its owner has not confirmed may be anybody's (OpenID Connect Core §5.1); some send "true" as text. */
function checkEmail({ email, email_verified = true }: Verified['claims'], allowed: Set<string>): void {
  if (typeof email !== 'string' || !allowed.has(email)) throw new ServiceError('NOT_ALLOWED', 'email_not_allowed');
  if (email_verified !== true && email_verified !== 'true') throw new ServiceError('NOT_ALLOWED', 'email_not_verified');
}
