import { errors, type JWTPayload, jwtVerify } from 'jose';
import { type RefusalReason, ServiceError, serviceError } from './errors.ts';
import type { Validator, Version } from './validator.ts';

const MAX_TOKEN_LENGTH = 8192;
const LEEWAY_SECONDS = 5;

/** A verified token: its claims, the version of the record that verified it, and what was wrong with records before it. */
export type Verified = { claims: JWTPayload; version: Version; faults: ServiceError[] };

/** The token of an authorization header; the case of its scheme does not matter (RFC 9110 §11.1). Throws 401. */
export function bearerToken(header: unknown): string {
  if (typeof header !== 'string' || !/^bearer( |$)/i.test(header)) throw refused('no_credentials');
  return header.slice('bearer '.length);
}

/**
 * Verifies the token by the records in order; the first that verifies it decides. Throws 401 for any fault of the token,
 * and 500 or 503, never 401, while a record that might verify it cannot be read.
 */
export async function verifyToken(token: string, validators: Validator[], deadline: AbortSignal): Promise<Verified> {
  checkForm(token);
  const misfits: [Validator, Version][] = [];
  const thrown: ServiceError[] = [];
  const attempt = async <T>(work: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await work();
    } catch (error) {
      thrown.push(serviceError(error));
      return undefined;
    }
  };
  const verified = (claims: JWTPayload, version: Version) => ({ claims, version, faults: thrown.filter(isFault) });

  for (const validator of validators) {
    const version = await attempt(() => validator.current(deadline));
    const claims = version && (await attempt(() => verify(token, version)));
    if (claims) return verified(claims, version);
    if (version && isMisfit(thrown.at(-1))) misfits.push([validator, version]);
  }
  for (const [validator, tried] of misfits) {
    for (const version of (await attempt(() => validator.alternatives(tried, deadline))) ?? []) {
      const claims = await attempt(() => verify(token, version));
      if (claims) return verified(claims, version);
    }
  }
  throw thrown.find(isFault) ?? thrown.find((error) => !isMisfit(error)) ?? thrown[0] ?? refused('signature');
}

/** Throws 403 when the record names its callers by email and the token's is not among them. */
export function checkCaller({ claims, version }: Verified): void {
  const { allowedEmails } = version.record;
  if (allowedEmails && !(typeof claims.email === 'string' && allowedEmails.has(claims.email))) {
    throw new ServiceError('NOT_ALLOWED', 'email_not_allowed');
  }
}

async function verify(token: string, { record }: Version): Promise<JWTPayload> {
  try {
    const { payload } = await jwtVerify(token, record.key, {
      algorithms: [record.algorithm],
      audience: record.audience,
      issuer: record.issuer,
      clockTolerance: LEEWAY_SECONDS,
    });
    const now = Date.now() / 1000;
    const { exp = Number.POSITIVE_INFINITY, iat = now } = payload;
    if (Math.max(exp - now, now - iat) > record.maxTokenAgeSeconds + LEEWAY_SECONDS) throw refused('too_long_lived');
    if (iat > now + LEEWAY_SECONDS) throw refused('not_yet_valid');
    return payload;
  } catch (error) {
    if (!(error instanceof errors.JOSEError)) throw error;
    throw refused(reasonOf(error), error.code);
  }
}

/**
 * The form of a JWT, more strictly than jose, which lets pass padding and blanks in base64url, duplicate members and
 * infinite dates: RFC 7515 §2, §4 and §5.2, RFC 7519 §4 and §7.2.
 */
function checkForm(token: string): void {
  if (token.length > MAX_TOKEN_LENGTH) throw refused('malformed');
  const parts = token.split('.', 4);
  if (parts.length !== 3) throw refused('malformed');
  const [header, payload] = parts.map(decodeCanonical).slice(0, 2).map(parseObject);
  if (!header || !payload) throw refused('malformed');
  const { typ = '', kid = '', crit, b64 } = header; // crit: RFC 7515 §4.1.11; b64: RFC 7797
  if (crit !== undefined || b64 !== undefined || typeof typ !== 'string' || typeof kid !== 'string')
    throw refused('malformed');

  const { exp, nbf = 0, iat = 0, aud, iss, sub = '', jti = '' } = payload;
  const audience: unknown[] = Array.isArray(aud) ? aud : [aud];
  const wellTyped =
    [exp, nbf, iat].every(Number.isFinite) && [...audience, iss, sub, jti].every((claim) => typeof claim === 'string');
  if (!wellTyped) throw refused('claims');
}

/** Bytes of a base64url text that is spelled the one canonical way: no padding, no blanks, no stray bits (RFC 4648 §3.5). */
function decodeCanonical(part: string): Buffer {
  const bytes = Buffer.from(part, 'base64url');
  if (bytes.toString('base64url') !== part) throw refused('malformed');
  return bytes;
}

function parseObject(bytes: Buffer): Record<string, unknown> {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    const value: unknown = JSON.parse(text);
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    // Of duplicate members JSON.parse keeps the last: written out again, the object has fewer (RFC 7515 §4, RFC 7519 §4).
    if (isObject && memberCount(text) === memberCount(JSON.stringify(value))) return { ...value };
  } catch {
    // refused below, without the cause: it quotes the token
  }
  throw refused('malformed');
}

function memberCount(json: string): number {
  return json.replace(/"[^"\\]*(?:\\.[^"\\]*)*"/g, '').split(':').length;
}

function reasonOf(error: errors.JOSEError): RefusalReason {
  if (error instanceof errors.JWSSignatureVerificationFailed) return 'signature';
  if (error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys)
    return 'unknown_key';
  if (error instanceof errors.JOSEAlgNotAllowed) return 'algorithm';
  if (error instanceof errors.JWTExpired) return 'expired';
  if (!(error instanceof errors.JWTClaimValidationFailed)) return 'malformed';
  if (error.claim === 'nbf') return 'not_yet_valid';
  if (error.claim === 'aud') return 'audience';
  if (error.claim === 'iss') return 'issuer';
  return 'claims';
}

/** A key that does not fit, where a newer or the previous one may. */
function isMisfit(error: ServiceError | undefined): boolean {
  return error?.reason === 'signature' || error?.reason === 'unknown_key';
}

function isFault(error: ServiceError): boolean {
  return error.code !== 'UNAUTHENTICATED';
}

function refused(reason: RefusalReason, cause?: unknown): ServiceError {
  return new ServiceError('UNAUTHENTICATED', reason, cause);
}
