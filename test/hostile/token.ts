import { constants, createHmac, type KeyObject, sign } from 'node:crypto';
import { LOGOUT_EVENT } from '../local/provider.ts';
import { PUBLISHED_RECORD } from '../local/seed.ts';

type Bytes = string | Buffer;

/** Makes the signature of a token's first two parts. */
export type Signer = (input: string) => Buffer;

export const SECRET = PUBLISHED_RECORD.secret_key;
export const AUD_ISS_EMAIL = '"aud":"auth_logout_user_jwt","iss":"theissuer","email":"admin"';
const HEADER = '{"alg":"HS256","typ":"JWT"}';

/** Seconds since 1970. */
export function now(): number {
  return Math.floor(Date.now() / 1000);
}

/** The claims of the original's client: a token of them is accepted for a minute. */
export function validClaims() {
  const { audience, issuer } = PUBLISHED_RECORD;
  return { aud: audience, iss: issuer, exp: now() + 60, email: 'admin' };
}

/** A token of the valid claims, with these in their place; undefined leaves one out. */
export function claims(changes: object = {}, by: Signer = mac(), typ = 'JWT'): string {
  return compact(JSON.stringify({ alg: 'HS256', typ }), JSON.stringify({ ...validClaims(), ...changes }), by);
}

/** A logout token for user 2 that is accepted, as an OpenID provider sends it; these claims are put in their place. */
export function logoutToken(changes: object = {}, by: Signer = mac(), typ = 'logout+jwt'): string {
  return claims({ sub: '2', iat: now(), jti: 'x', events: { [LOGOUT_EVENT]: {} }, ...changes }, by, typ);
}

/** What the same provider hands to an application when user 2 logs in. */
export function idToken(changes: object = {}, by: Signer = mac(), typ = 'JWT'): string {
  return claims({ sub: '2', iat: now(), jti: 'x', auth_time: now(), nonce: 'n', ...changes }, by, typ);
}

/** What that application sends to an API (RFC 9068). */
export function accessToken(changes: object = {}, by: Signer = mac(), typ = 'at+jwt'): string {
  return claims({ sub: '2', iat: now(), jti: 'x', client_id: 'web', scope: 'openid', ...changes }, by, typ);
}

/** A token of the valid claims below this header. */
export function header(members: object, by: Signer = mac()): string {
  return compact(JSON.stringify(members), JSON.stringify(validClaims()), by);
}

/** A token of the valid claims below these bytes for a header. */
export function rawHeader(bytes: Bytes): string {
  return compact(bytes, JSON.stringify(validClaims()), mac());
}

/** A token whose payload is these bytes. */
export function payload(bytes: Bytes, by: Signer = mac()): string {
  return compact(HEADER, bytes, by);
}

function compact(header: Bytes, payload: Bytes, by: Signer): string {
  return complete(`${base64url(header)}.${base64url(payload)}`, by);
}

/** Two parts of a token, taken as they are, and their signature. */
export function complete(input: string, by: Signer = mac()): string {
  return `${input}.${base64url(by(input))}`;
}

export function base64url(bytes: Bytes): string {
  return Buffer.from(bytes).toString('base64url');
}

/** Signs by HMAC; by default rightly. */
export function mac(key: Bytes = SECRET, hash = 'sha256'): Signer {
  return (input) => createHmac(hash, key).update(input).digest();
}

/** Signs with a private key, by an algorithm of RFC 7518 or RFC 8037. */
export function signature(alg: string, key: KeyObject): Signer {
  const { RSA_PKCS1_PSS_PADDING, RSA_PSS_SALTLEN_DIGEST } = constants;
  const pss = alg.startsWith('PS') && { padding: RSA_PKCS1_PSS_PADDING, saltLength: RSA_PSS_SALTLEN_DIGEST };
  const hash = alg === 'EdDSA' ? null : `sha${alg.slice(2)}`;
  return (input) => sign(hash, Buffer.from(input), { key, dsaEncoding: 'ieee-p1363', ...pss });
}

/** Puts these bytes in the place of a signature. */
export function fixed(hex: string): Signer {
  return () => Buffer.from(hex, 'hex');
}

export const unsigned = fixed('');

/** The token with one part of its text changed: 0 the header, 1 the payload, 2 the signature. */
export function changePart(part: 0 | 1 | 2, change: (text: string) => string, token = claims()): string {
  return token
    .split('.')
    .map((text, n) => (n === part ? change(text) : text))
    .join('.');
}

/** The token with the bytes of its signature changed. */
export function changeSignature(change: (signature: Buffer) => Buffer): string {
  return changePart(2, (text) => base64url(change(Buffer.from(text, 'base64url'))));
}
