import { errors, type JWTPayload, jwtVerify } from 'jose';
import { type RefusalReason, ServiceError, serviceError } from '../errors.ts';
import { namesOf } from '../validator/key_set.ts';
import type { Validator, Version } from '../validator/validator.ts';
import { readTokenForm, refused, type TokenHeader } from './form.ts';

const LEEWAY_SECONDS = 5;
const MAX_CANDIDATES = 10; // a token without a kid is tried with each matching key, but not with all of a large set
const CLAIM_REASONS = new Map<string, RefusalReason>([
  ['exp', 'expired'],
  ['nbf', 'not_yet_valid'],
  ['aud', 'audience'],
  ['iss', 'issuer'],
]);
/** Refusals that a newer or the previous key may turn into success, the closest to it first. */
const KEY_MISMATCHES: RefusalReason[] = ['too_many_keys', 'signature', 'unknown_key', 'algorithm'];

/** A verified token: its claims, the version of the record that verified it, and the faults of records tried before. */
export type Verified = TokenHeader & { token: string; claims: JWTPayload; version: Version; faults: ServiceError[] };

/**
 * Tries the records in order; the first that verifies the token decides. Throws UNAUTHENTICATED for any fault of the
 * token, but INTERNAL or UNAVAILABLE while a record that might verify it cannot be read.
 */
export async function verifyToken(token: string, validators: Validator[], deadline: AbortSignal): Promise<Verified> {
  const header = readTokenForm(token);
  const refusals: ServiceError[] = [];
  const faults: ServiceError[] = [];
  const mismatches: [Validator, Version][] = [];

  for (const validator of validators) {
    try {
      const version = await validator.current(deadline);
      const claims = await verify(token, header, version);
      if (!(claims instanceof ServiceError)) return { ...header, token, claims, version, faults };
      refusals.push(claims);
      if (isKeyMismatch(claims)) mismatches.push([validator, version]);
    } catch (error) {
      faults.push(serviceError(error));
    }
  }
  for (const [validator, tried] of mismatches) {
    try {
      for await (const version of validator.alternatives(tried, deadline)) {
        const claims = await verify(token, header, version);
        if (!(claims instanceof ServiceError)) return { ...header, token, claims, version, faults };
        refusals.push(claims);
      }
    } catch (error) {
      faults.push(serviceError(error));
    }
  }
  throw faults[0] ?? mostSpecific(refusals);
}

/** The claims, or why this version of a record refuses the token. */
async function verify(
  token: string,
  { alg, kid }: TokenHeader,
  { record, keySet }: Version,
): Promise<JWTPayload | ServiceError> {
  const algorithms = namesOf(record.algorithm);
  if (!algorithms.some((name) => name === alg)) return refused('algorithm');
  const rules = {
    algorithms,
    audience: record.audience,
    issuer: record.issuer,
    clockTolerance: LEEWAY_SECONDS,
  };
  const candidates = keySet(kid);
  for (const key of candidates.slice(0, MAX_CANDIDATES)) {
    try {
      const { payload } = await jwtVerify(token, key, rules);
      const reason = ageRefusal(payload, record.maxTokenAgeSeconds + LEEWAY_SECONDS);
      return reason ? refused(reason) : payload;
    } catch (error) {
      if (!(error instanceof errors.JWSSignatureVerificationFailed)) return refusal(error);
    }
  }
  if (candidates.length > MAX_CANDIDATES) return refused('too_many_keys');
  return refused(candidates.length > 0 ? 'signature' : 'unknown_key');
}

function ageRefusal(
  { exp = Number.POSITIVE_INFINITY, iat }: JWTPayload,
  maxSeconds: number,
): RefusalReason | undefined {
  const now = Date.now() / 1000;
  if (exp - now > maxSeconds || now - (iat ?? now) > maxSeconds) return 'too_long_lived';
  return iat !== undefined && iat > now + LEEWAY_SECONDS ? 'not_yet_valid' : undefined;
}

/** Why the token is refused. Throws any error that is not the token's fault. */
function refusal(error: unknown): ServiceError {
  if (error instanceof errors.JWTExpired || error instanceof errors.JWTClaimValidationFailed) {
    return refused(CLAIM_REASONS.get(error.claim) ?? 'claims');
  }
  if (error instanceof errors.JOSEError) return refused('malformed');
  throw error;
}

function isKeyMismatch({ reason }: ServiceError): boolean {
  return KEY_MISMATCHES.some((mismatch) => mismatch === reason);
}

/** The refusal by the record that came closest to verifying the token, and so is most likely the one that was meant. */
function mostSpecific(refusals: ServiceError[]): ServiceError {
  const withMatchingKey = refusals.find((refusal) => !isKeyMismatch(refusal));
  const mismatches = KEY_MISMATCHES.map((reason) => refusals.find((refusal) => refusal.reason === reason));
  return withMatchingKey ?? mismatches.find((refusal) => refusal !== undefined) ?? refused('unknown_key');
}
