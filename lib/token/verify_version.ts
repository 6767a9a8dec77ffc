// One token and one version of a validator record.
import { errors, type JWTPayload, jwtVerify } from 'jose';
import type { InvalidTokenReason, ServiceError } from '../errors.ts';
import { namesOf } from '../validator/key_set.ts';
import type { ValidatorRecord } from '../validator/record.ts';
import type { RecordVersion } from '../validator/remote_record.ts';
import { type DecodedToken, invalidToken } from './decode.ts';

const LEEWAY_SECONDS = 5;
const MAX_CANDIDATES = 10; // a token without a kid is tried with each matching key, but not with all of a large set
const CLAIM_REASONS = new Map<string, InvalidTokenReason>([
  ['exp', 'expired'],
  ['nbf', 'not_yet_valid'],
  ['aud', 'audience'],
  ['iss', 'issuer'],
]);

/** What came of it. `key mismatch`: no key of this version fits, but another version's may. */
export type Verification =
  | { result: 'verified'; claims: JWTPayload }
  | { result: 'key mismatch' | 'invalid'; error: ServiceError };

/** Whether the record's keys can decide about the token: without its algorithm, issuer or audience they need no reading. */
export function meets({ algorithm, ...record }: ValidatorRecord, { alg, issuer, audience }: DecodedToken): boolean {
  return (
    isOneOf(alg, namesOf(algorithm)) &&
    issuer === record.issuer &&
    audience.some((aud) => isOneOf(aud, record.audience))
  );
}

/** Verifies the token by the keys and the rules of the version. */
export async function verifyByVersion(
  token: string,
  { alg, kid, issuer }: DecodedToken,
  { record, keySet }: RecordVersion,
): Promise<Verification> {
  const algorithms = namesOf(record.algorithm);
  if (!isOneOf(alg, algorithms)) return mismatch('algorithm');
  if (!keySet) return mismatch(issuer === record.issuer ? 'audience' : 'issuer');
  const rules = {
    algorithms,
    audience: record.audience,
    issuer: record.issuer,
    clockTolerance: LEEWAY_SECONDS,
  };
  const candidates = keySet.matching(kid);
  for (const key of candidates.slice(0, MAX_CANDIDATES)) {
    try {
      const { payload } = await jwtVerify(token, key, rules);
      const reason = ageReason(payload, record);
      return reason ? { result: 'invalid', error: invalidToken(reason) } : { result: 'verified', claims: payload };
    } catch (error) {
      if (!(error instanceof errors.JWSSignatureVerificationFailed))
        return { result: 'invalid', error: joseError(error) };
    }
  }
  if (candidates.length > MAX_CANDIDATES) return mismatch('too_many_keys');
  if (candidates.length > 0) return mismatch('signature');
  const why = keySet.leftOut(kid);
  return mismatch(
    'unknown_key',
    why && `validator record ${record.name}: the key that the token names cannot be used: ${why}`,
  );
}

function mismatch(reason: InvalidTokenReason, fault?: string): Verification {
  return { result: 'key mismatch', error: invalidToken(reason, fault) };
}

function ageReason(
  { exp, iat }: JWTPayload,
  { tokensExpire, maxTokenAgeSeconds }: ValidatorRecord,
): InvalidTokenReason | undefined {
  if (exp === undefined && tokensExpire) return 'claims';
  const now = Date.now() / 1000;
  const maxSeconds = maxTokenAgeSeconds + LEEWAY_SECONDS;
  if ((exp ?? now) - now > maxSeconds || now - (iat ?? now) > maxSeconds) return 'too_long_lived';
  return iat !== undefined && iat > now + LEEWAY_SECONDS ? 'not_yet_valid' : undefined;
}

/** Why jose does not accept the token. Throws any error that is not the token's fault. */
function joseError(error: unknown): ServiceError {
  if (error instanceof errors.JWTExpired || error instanceof errors.JWTClaimValidationFailed) {
    return invalidToken(CLAIM_REASONS.get(error.claim) ?? 'claims');
  }
  if (error instanceof errors.JOSEError) return invalidToken('malformed');
  throw error;
}

function isOneOf(value: unknown, list: string[]): boolean {
  return list.some((entry) => entry === value);
}
