import { type RefusalReason, ServiceError } from '../errors.ts';

const MAX_LENGTH = 8192;
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * The members of a token's header that are read. They must match the record, and never supply a key. The media type
 * `typ` is in lower case and without "application/" (RFC 7515 §4.1.9).
 */
export type TokenHeader = { alg: unknown; typ: string | undefined; kid: string | undefined };

/**
 * Checks the form of a JWT, more strictly than jose, which accepts padding and whitespace in base64url, duplicate
 * members and infinite dates: RFC 7515 §2, §4 and §5.2, RFC 7519 §4 and §7.2. Throws 401.
 */
export function readTokenForm(token: string): TokenHeader {
  if (token.length > MAX_LENGTH) throw malformed();
  const [first, second, third, ...more] = token.split('.', 4);
  if (first === undefined || second === undefined || third === undefined || more.length > 0) throw malformed();

  const { alg, typ, kid, crit, b64 } = parseObject(decodeCanonical(first));
  const understood = crit === undefined && b64 === undefined; // RFC 7515 §4.1.11, RFC 7797 §7
  if (!understood || !isTextOrAbsent(typ) || !isTextOrAbsent(kid)) throw malformed();

  const { exp, nbf = 0, iat = 0, aud, iss, sub = '', jti = '' } = parseObject(decodeCanonical(second));
  const audience: unknown[] = Array.isArray(aud) ? aud : [aud];
  const wellTyped =
    [exp, nbf, iat].every(Number.isFinite) && [...audience, iss, sub, jti].every((claim) => typeof claim === 'string');
  if (!wellTyped) throw refused('claims');

  decodeCanonical(third);
  return { alg, typ: typ?.toLowerCase().replace(/^application\//, ''), kid };
}

/** The bytes of base64url text in its one canonical form: no padding, no whitespace, no stray bits (RFC 4648 §3.5). */
function decodeCanonical(part: string): Buffer {
  const bytes = Buffer.from(part, 'base64url');
  if (bytes.toString('base64url') !== part) throw malformed();
  return bytes;
}

function parseObject(bytes: Buffer): Record<string, unknown> {
  try {
    const text = utf8.decode(bytes);
    const value: unknown = JSON.parse(text);
    // Of duplicate members JSON.parse keeps only the last, so the object has fewer members (RFC 7515 §4, RFC 7519 §4).
    if (isObject(value) && memberCount(text) === memberCount(JSON.stringify(value))) return value;
  } catch {
    // refused below, without the cause, which quotes the token
  }
  throw malformed();
}

function isTextOrAbsent(value: unknown): value is string | undefined {
  return value === undefined || typeof value === 'string';
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** How many members the objects in a JSON text have: its colons outside strings. */
function memberCount(json: string): number {
  let members = 0;
  let quoted = false;
  for (let at = 0; at < json.length; at++) {
    if (json[at] === '\\') at++;
    else if (json[at] === '"') quoted = !quoted;
    else if (json[at] === ':' && !quoted) members++;
  }
  return members;
}

function malformed(): ServiceError {
  return refused('malformed');
}

/** A refusal of the token. */
export function refused(reason: RefusalReason): ServiceError {
  return new ServiceError('UNAUTHENTICATED', reason);
}
