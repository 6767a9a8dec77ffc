// What a logout token must say: OpenID Connect Back-Channel Logout 1.0 with errata set 1, §2.4 and §2.6.
import { isObject } from '../json.ts';
import { invalidToken } from './decode.ts';
import { checkSub, type Subject } from './subject.ts';
import type { Verified } from './verify.ts';

export const LOGOUT_EVENT = 'http://schemas.openid.net/event/backchannel-logout';
const TYPES = new Set([undefined, 'jwt', 'logout+jwt']);

/**
 * The user whom a verified logout token names. Throws UNAUTHENTICATED for any other token, and USER_ID_NOT_ACCEPTED when
 * `sub_pattern` does not match.
 */
export function logoutSubject({ typ, claims, version }: Verified): Subject {
  const { events, iat, jti, sub, sid } = claims;
  if (!TYPES.has(typ)) throw invalidToken('wrong_kind');
  if (!isLogout(events)) throw invalidToken('no_logout_event'); // such as an ID token, which has the same keys and audience
  if (Object.hasOwn(claims, 'nonce')) throw invalidToken('nonce');
  if (sub === undefined && sid !== undefined) throw invalidToken('sid_only');
  if (iat === undefined || !jti || !sub) throw invalidToken('claims');
  checkSub(sub, version.record);
  return { sub };
}

function isLogout(events: unknown): boolean {
  return isObject(events) && isObject(Object.getOwnPropertyDescriptor(events, LOGOUT_EVENT)?.value);
}
