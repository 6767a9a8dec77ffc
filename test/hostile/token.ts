import { createHmac, hash, type KeyObject } from 'node:crypto';
import { base64url, CompactEncrypt } from 'jose';
import { PUBLISHED_RECORD } from '../local/seed.ts';
import { LOGOUT_EVENT } from '../local/senders.ts';
import { newClaims, signText } from '../setup/tokens.ts';

type Bytes = string | Uint8Array;
type Claims = Record<string, unknown>;

/** Makes the signature of a token's first two parts. */
export type Signer = (input: string) => Buffer;

export const SECRET = PUBLISHED_RECORD.secret_key;
export const AUD_ISS_EMAIL = '"aud":"auth_logout_user_jwt","iss":"theissuer","email":"admin"';
const HEADER = '{"alg":"HS256","typ":"JWT"}';

/** Seconds since 1970. */
export function now(): number {
  return Math.floor(Date.now() / 1000);
}

/** A token with the valid claims, changed by these; undefined leaves one out. */
export function claims(changes: Claims = {}, by: Signer = mac(), typ = 'JWT'): string {
  return compact(JSON.stringify({ alg: 'HS256', typ }), JSON.stringify(newClaims(changes)), by);
}

/** A valid logout token for user 2, as an OpenID provider sends it, changed by these claims. */
export function logoutToken(changes: Claims = {}, by: Signer = mac(), typ = 'logout+jwt'): string {
  return claims({ sub: '2', iat: now(), jti: 'x', events: { [LOGOUT_EVENT]: {} }, ...changes }, by, typ);
}

export const SESSION_REVOKED = 'https://schemas.openid.net/secevent/caep/event-type/session-revoked';

/** A valid revocation token of the client "web", as Okta sends it, changed by these claims. */
export function revocationToken(changes: Claims = {}, by: Signer = mac(), typ = 'global-token-revocation+jwt'): string {
  return claims({ sub: 'web', iat: now(), jti: 'x', ...changes }, by, typ);
}

/** A valid security event about user 2, changed by these claims. */
export function securityEvent(changes: Claims = {}, by: Signer = mac(), typ = 'secevent+jwt'): string {
  const sub_id = { format: 'iss_sub', iss: 'theissuer', sub: '2' };
  const own = { exp: undefined, iat: now(), jti: 'x', sub_id, events: { [SESSION_REVOKED]: {} } };
  return claims({ ...own, ...changes }, by, typ);
}

/** What the same provider gives an application when user 2 logs in. */
export function idToken(changes: Claims = {}, by: Signer = mac(), typ = 'JWT'): string {
  return claims({ sub: '2', iat: now(), jti: 'x', auth_time: now(), nonce: 'n', ...changes }, by, typ);
}

/** What that application sends to an API (RFC 9068). */
export function accessToken(changes: Claims = {}, by: Signer = mac(), typ = 'at+jwt'): string {
  return claims({ sub: '2', iat: now(), jti: 'x', client_id: 'web', scope: 'openid', ...changes }, by, typ);
}

/** A token with this header and the valid claims. */
export function header(members: object, by: Signer = mac()): string {
  return compact(JSON.stringify(members), JSON.stringify(newClaims()), by);
}

/** A token with these bytes as its header and the valid claims. */
export function rawHeader(bytes: Bytes): string {
  return signText(SECRET, bytes, JSON.stringify(newClaims()));
}

/** A token whose payload is these bytes. */
export function payload(bytes: Bytes, by: Signer = mac()): string {
  return compact(HEADER, bytes, by);
}

function compact(header: Bytes, payload: Bytes, by: Signer): string {
  const input = `${base64url.encode(header)}.${base64url.encode(payload)}`;
  return `${input}.${base64url.encode(by(input))}`;
}

/** Signs with HMAC; by default with the right key and hash. */
export function mac(key: Bytes = SECRET, hash = 'sha256'): Signer {
  return (input) => createHmac(hash, key).update(input).digest();
}

/** Uses these bytes as the signature. */
export function asSignature(hex: string): Signer {
  return () => Buffer.from(hex, 'hex');
}

export const unsigned = asSignature('');

/** A JWE, by default with a key that is derived from the shared secret. */
export function jwe(
  plaintext: string,
  header: Claims = {},
  key: Uint8Array | KeyObject = hash('sha256', SECRET, 'buffer'),
): Promise<string> {
  return new CompactEncrypt(new TextEncoder().encode(plaintext))
    .setProtectedHeader({ alg: 'dir', enc: 'A256GCM', ...header })
    .encrypt(key);
}

/** The token with one part of its text changed: 0 the header, 1 the payload, 2 the signature. */
export function changePart(part: 0 | 1 | 2, change: (text: string) => string, token = claims()): string {
  return token
    .split('.')
    .map((text, n) => (n === part ? change(text) : text))
    .join('.');
}

/** The token with the bytes of its signature changed. */
export function changeSignature(change: (signature: Uint8Array) => Uint8Array): string {
  return changePart(2, (text) => base64url.encode(change(base64url.decode(text))));
}
