// One token and all validator records: which of them verifies it.
import type { JWTPayload } from 'jose';
import { type InvalidTokenReason, type ServiceError, serviceError } from '../errors.ts';
import { TOO_SLOW } from '../validator/cached.ts';
import type { ValidatorRecord } from '../validator/record.ts';
import type { RecordVersion, RemoteRecord } from '../validator/remote_record.ts';
import { type DecodedToken, decodeToken, invalidToken } from './decode.ts';
import { meets, type Verification, verifyByVersion } from './verify_version.ts';

const PATIENCE_MS = 2000; // where one record has verified the token, with those before it
/** Why no key of a record fits, the closest to success first. */
const KEY_MISMATCHES: InvalidTokenReason[] = [
  'too_many_keys',
  'signature',
  'unknown_key',
  'audience', // this and the next one: of a record whose keys are not at hand
  'issuer',
  'algorithm',
];

/** A verified token: its claims, the version of the record that verified it, and the faults of records tried before. */
export type Verified = DecodedToken & {
  token: string;
  claims: JWTPayload;
  version: RecordVersion;
  faults: ServiceError[];
};

type Token = DecodedToken & { token: string; needsKeys: (record: ValidatorRecord) => boolean };

/** What came of one version of a record, or that it could not be read. */
type Outcome =
  | (Verification & { version: RecordVersion; record: RemoteRecord })
  | { result: 'fault'; error: ServiceError };

/**
 * Tries the records in order; the first that verifies the token decides. Throws UNAUTHENTICATED for any fault of the
 * token, but INTERNAL or UNAVAILABLE while a record that might verify it cannot be read.
 */
export async function verifyToken(
  token: string,
  records: RemoteRecord[],
  deadline: AbortSignal,
  maxLength?: number,
): Promise<Verified> {
  const decoded = decodeToken(token, maxLength);
  const needsKeys = (record: ValidatorRecord) => meets(record, decoded);
  const outcomes = await tryRecords({ ...decoded, token, needsKeys }, records, deadline);

  const faults = outcomes.flatMap((outcome) => (outcome.result === 'fault' ? outcome.error : []));
  const verified = outcomes.find((outcome) => outcome.result === 'verified');
  if (verified) return { ...decoded, token, claims: verified.claims, version: verified.version, faults };
  throw faults.find(({ code }) => code === 'UNAVAILABLE') ?? faults[0] ?? closest(outcomes);
}

/** The outcomes up to a version that verifies the token: of the current ones, then of newer and previous ones. */
async function tryRecords(token: Token, records: RemoteRecord[], deadline: AbortSignal): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  const toRead = records.findIndex((record) => !record.isAtHand(token.needsKeys));
  const atHand = toRead < 0 ? records.length : toRead;
  for (const record of records.slice(0, atHand)) {
    outcomes.push(...(await tryCurrent(token, record, deadline)));
    if (hasVerified(outcomes)) return outcomes;
  }
  const others = records.slice(atHand).map((record) => (signal: AbortSignal) => tryCurrent(token, record, signal));
  outcomes.push(...(await sideBySide(others, deadline)));
  if (hasVerified(outcomes)) return outcomes;

  const alternatives = outcomes.flatMap((outcome) => {
    if (outcome.result !== 'key mismatch') return [];
    return (signal: AbortSignal) => tryAlternatives(token, outcome.record, outcome.version, signal);
  });
  outcomes.push(...(await sideBySide(alternatives, deadline)));
  return outcomes;
}

/**
 * The outcomes in order, up to a version that verifies the token. All attempts go on at the same time: several records
 * that hang cost no more than one. Where one has verified the token, those before it have two seconds in all.
 */
async function sideBySide(
  attempts: ((signal: AbortSignal) => Promise<Outcome[]>)[],
  deadline: AbortSignal,
): Promise<Outcome[]> {
  if (attempts.length === 0) return [];
  const end = new AbortController();
  const signal = AbortSignal.any([deadline, end.signal]);
  const [verified, patience] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const timer = setTimeout(patience.resolve, PATIENCE_MS);
  void Promise.all([verified.promise, patience.promise]).then(() => end.abort(TOO_SLOW));
  const running = attempts.map(async (attempt) => {
    const outcomes = await attempt(signal);
    if (hasVerified(outcomes)) verified.resolve();
    return outcomes;
  });

  const outcomes: Outcome[] = [];
  for (const attempt of running) {
    outcomes.push(...(await attempt));
    if (hasVerified(outcomes)) break;
  }
  clearTimeout(timer);
  end.abort(); // nobody waits for the others any more
  return outcomes;
}

async function tryCurrent(token: Token, record: RemoteRecord, signal: AbortSignal): Promise<Outcome[]> {
  try {
    return [await tryVersion(token, record, await record.current(token.needsKeys, signal))];
  } catch (error) {
    return [{ result: 'fault', error: serviceError(error) }];
  }
}

async function tryAlternatives(
  token: Token,
  record: RemoteRecord,
  tried: RecordVersion,
  signal: AbortSignal,
): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  try {
    for await (const version of record.alternatives(tried, token.needsKeys, signal)) {
      outcomes.push(await tryVersion(token, record, version));
      if (hasVerified(outcomes)) break;
    }
  } catch (error) {
    outcomes.push({ result: 'fault', error: serviceError(error) });
  }
  return outcomes;
}

async function tryVersion(token: Token, record: RemoteRecord, version: RecordVersion): Promise<Outcome> {
  return { ...(await verifyByVersion(token.token, token, version)), version, record };
}

function hasVerified(outcomes: Outcome[]): boolean {
  return outcomes.some(({ result }) => result === 'verified');
}

/** The error of the record that came closest to verifying the token, and so is most likely the one that was meant. */
function closest(outcomes: Outcome[]): ServiceError {
  const errors = outcomes.flatMap((outcome) => (outcome.result === 'invalid' ? outcome.error : []));
  const mismatches = outcomes.flatMap((outcome) => (outcome.result === 'key mismatch' ? outcome.error : []));
  for (const reason of KEY_MISMATCHES) errors.push(...mismatches.filter((error) => error.reason === reason));
  return errors[0] ?? invalidToken('unknown_key');
}
