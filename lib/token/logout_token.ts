// What a logout token must say: OpenID Connect Back-Channel Logout 1.0 with errata set 1, §2.4 and §2.6.
import { refused } from './form.ts';
import type { Verified } from './verify.ts';

const EVENT = 'http://schemas.openid.net/event/backchannel-logout';
const TYPES = new Set([undefined, 'jwt', 'logout+jwt']);

/** The `sub` of a verified logout token: the user to log out. Throws UNAUTHENTICATED for any other token. */
export function logoutSubject({ typ, claims }: Verified): string {
  const { events, iat, jti, sub, sid } = claims;
  if (!TYPES.has(typ)) throw refused('wrong_kind');
  if (!isLogout(events)) throw refused('no_logout_event'); // such as an ID token, which has the same keys and audience
  if (Object.hasOwn(claims, 'nonce')) throw refused('nonce');
  if (sub === undefined && sid !== undefined) throw refused('sid_only');
  if (iat === undefined || !jti || !sub) throw refused('claims');
  return sub;
}

function isLogout(events: unknown): boolean {
  return isObject(events) && isObject(Object.getOwnPropertyDescriptor(events, EVENT)?.value);
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
