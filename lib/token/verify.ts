import { errors, type JWTPayload, jwtVerify } from 'jose';
import { type RefusalReason, type ServiceError, serviceError } from '../errors.ts';
import { namesOf } from '../validator/key_set.ts';
import type { Validator, Version } from '../validator/validator.ts';
import { readTokenForm, refused, type TokenHeader } from './form.ts';

const LEEWAY_SECONDS = 5;
const MAX_CANDIDATES = 10; // a token without a kid is tried with each key that fits: bounded, however large the set is
const CLAIM_REASONS = new Map<string, RefusalReason>([
  ['exp', 'expired'],
  ['nbf', 'not_yet_valid'],
  ['aud', 'audience'],
  ['iss', 'issuer'],
]);

/** A verified token: its claims, the version of the record that verified it, and what was wrong with records before it. */
export type Verified = TokenHeader & { token: string; claims: JWTPayload; version: Version; faults: ServiceError[] };

/**
 * Verifies the token by the records in order; the first that verifies it decides. Throws UNAUTHENTICATED for any fault of
 * the token, and INTERNAL or UNAVAILABLE, never that, while a record that might verify it cannot be read.
 */
export async function verifyToken(token: string, validators: Validator[], deadline: AbortSignal): Promise<Verified> {
  const header = readTokenForm(token);
  const misfits: [Validator, Version][] = [];
  const thrown: ServiceError[] = [];
  const note = (error: unknown): undefined => void thrown.push(serviceError(error));
  const verified = (claims: JWTPayload, version: Version) => {
    return { ...header, token, claims, version, faults: thrown.filter(isFault) };
  };

  for (const validator of validators) {
    const version = await validator.current(deadline).catch(note);
    const claims = version && (await verify(token, header, version).catch(note));
    if (claims) return verified(claims, version);
    if (version && isMisfit(thrown.at(-1))) misfits.push([validator, version]);
  }
  for (const [validator, tried] of misfits) {
    try {
      for await (const version of validator.alternatives(tried, deadline)) {
        const claims = await verify(token, header, version).catch(note);
        if (claims) return verified(claims, version);
      }
    } catch (error) {
      note(error);
    }
  }
  throw thrown.find(isFault) ?? furthest(thrown);
}

async function verify(token: string, { alg, kid }: TokenHeader, { record, keySet }: Version): Promise<JWTPayload> {
  const algorithms = namesOf(record.algorithm);
  if (!algorithms.some((name) => name === alg)) throw refused('algorithm');
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
      checkAge(payload, record.maxTokenAgeSeconds + LEEWAY_SECONDS);
      return payload;
    } catch (error) {
      if (!(error instanceof errors.JWSSignatureVerificationFailed)) throw refusal(error);
    }
  }
  if (candidates.length > MAX_CANDIDATES) throw refused('too_many_keys');
  throw refused(candidates.length > 0 ? 'signature' : 'unknown_key');
}

function checkAge({ exp = Number.POSITIVE_INFINITY, iat }: JWTPayload, maxSeconds: number): void {
  const now = Date.now() / 1000;
  if (exp - now > maxSeconds || now - (iat ?? now) > maxSeconds) throw refused('too_long_lived');
  if (iat !== undefined && iat > now + LEEWAY_SECONDS) throw refused('not_yet_valid');
}

function refusal(error: unknown): ServiceError {
  if (error instanceof errors.JWTExpired || error instanceof errors.JWTClaimValidationFailed) {
    return refused(CLAIM_REASONS.get(error.claim) ?? 'claims');
  }
  return error instanceof errors.JOSEError ? refused('malformed') : serviceError(error);
}

/** No key that fits, where a newer or the previous one may; the earlier a reason, the further the token came. */
const MISFITS: RefusalReason[] = ['too_many_keys', 'signature', 'unknown_key', 'algorithm'];

function isMisfit(error: ServiceError | undefined): boolean {
  return MISFITS.some((reason) => reason === error?.reason);
}

/** Of the refusals by several records the one that the token came furthest with: that record was meant. */
function furthest(refusals: ServiceError[]): ServiceError {
  const beyondKey = refusals.find((error) => !isMisfit(error));
  const misfits = MISFITS.map((reason) => refusals.find((error) => error.reason === reason));
  return beyondKey ?? misfits.find((error) => error !== undefined) ?? refused('unknown_key');
}

function isFault(error: ServiceError): boolean {
  return error.code !== 'UNAUTHENTICATED';
}
