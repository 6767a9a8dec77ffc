import {
  GetSecretValueCommand,
  InvalidRequestException,
  ResourceNotFoundException,
  type SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { newSecretsManager } from '../aws/client.ts';
import { awsError } from '../aws/error.ts';
import { ServiceError } from '../errors.ts';
import { Cached } from './cached.ts';
import type { KeySet } from './key_set.ts';
import { readRecord, type ValidatorRecord } from './record.ts';
import type { RecordKind } from './record_kind.ts';

const PREFETCH_MS = 2000;

type SecretVersion = { id: string; createdAt: number; record: ValidatorRecord };

/** Whether the keys of a record are needed to tell if it verifies the token. If not, only those at hand are used. */
type NeedsKeys = (record: ValidatorRecord) => boolean;

/**
 * One version of a validator record with its keys, which may be unknown where they are not needed. `stale`: why reading
 * fails, when these are the last good ones.
 */
export type RecordVersion = SecretVersion & {
  keySet: KeySet | undefined;
  stage: 'current' | 'previous';
  stale: ServiceError | undefined;
};

/**
 * The records with these ids. They and their key sets are read before the first request comes, for two seconds at most:
 * Lambda gives startup a whole core, but a request only a share of one. A read that fails is repeated by the request
 * that needs it.
 */
export async function prefetchRecords(
  { secretIds, validatorMaxAgeMs }: { secretIds: string[]; validatorMaxAgeMs: number },
  kind: RecordKind,
): Promise<RemoteRecord[]> {
  const client = newSecretsManager();
  const records = secretIds.map((id) => new RemoteRecord(id, validatorMaxAgeMs, client, kind));
  const deadline = AbortSignal.timeout(PREFETCH_MS);
  await Promise.allSettled(records.map((record) => record.prefetch(deadline)));
  return records;
}

/** A validator record in Secrets Manager: read when first needed, cached, reloaded when no key fits, rotated. */
export class RemoteRecord {
  readonly #secretId: string;
  readonly #client: SecretsManagerClient;
  readonly #kind: RecordKind;
  readonly #current: Cached<SecretVersion>;
  #previous: { to: string; version: Cached<SecretVersion | 'none'> } | undefined;

  constructor(secretId: string, maxAgeMs: number, client: SecretsManagerClient, kind: RecordKind) {
    this.#secretId = secretId;
    this.#client = client;
    this.#kind = kind;
    this.#current = new Cached((signal, last) => this.#read('AWSCURRENT', signal, last), maxAgeMs);
  }

  async prefetch(deadline: AbortSignal): Promise<void> {
    const { record } = await this.#current.prefetch(deadline);
    if (record.keys.isDue) await record.keys.prefetch(deadline);
  }

  /** Whether `current` has nothing to read. */
  isAtHand(needsKeys: NeedsKeys): boolean {
    const record = this.#current.atHand?.record;
    return !this.#current.isDue && !(record && needsKeys(record) && record.keys.isDue);
  }

  /** AWSCURRENT, cached. Throws UNAVAILABLE while it cannot be read, INTERNAL when it is missing or wrong. */
  async current(needsKeys: NeedsKeys, deadline: AbortSignal): Promise<RecordVersion> {
    const { value: secret, stale } = await this.#current.get(deadline);
    const keys = await keysOf(secret.record, needsKeys, deadline);
    return { ...secret, keySet: keys.value, stage: 'current', stale: stale ?? keys.stale };
  }

  /**
   * What else may verify a token that no key of `tried` fits: newer keys, by at most one reload in 30 s, then AWSPREVIOUS
   * within its grace period; never AWSPENDING. Throws at the end if newer keys may exist but cannot be read.
   */
  async *alternatives(
    tried: RecordVersion,
    needsKeys: NeedsKeys,
    deadline: AbortSignal,
  ): AsyncGenerator<RecordVersion> {
    let current = tried;
    let failure: unknown;
    try {
      const secret = await this.#current.reload(deadline);
      const { keys } = secret.record;
      const keySet = needsKeys(secret.record) ? await keys.reload(deadline) : keys.atHand;
      current = { ...secret, keySet, stage: 'current', stale: undefined };
    } catch (error) {
      failure = error;
    }
    if (current.id !== tried.id || current.keySet !== tried.keySet) yield current;
    const previous = await this.#previousTo(current, needsKeys, deadline);
    if (previous) yield previous;
    if (failure) throw failure;
  }

  /** AWSPREVIOUS, for a grace period from the creation of the version that replaced it; read once for that version. */
  async #previousTo(
    { id, createdAt, record }: RecordVersion,
    needsKeys: NeedsKeys,
    deadline: AbortSignal,
  ): Promise<RecordVersion | undefined> {
    if (Math.max(0, Date.now() - createdAt) >= record.previousKeyGraceMs) return undefined;
    if (this.#previous?.to !== id) {
      const read = (signal: AbortSignal) => this.#read('AWSPREVIOUS', signal).catch(noneIfUnusable);
      this.#previous = { to: id, version: new Cached<SecretVersion | 'none'>(read, Number.POSITIVE_INFINITY) };
    }
    const { value: previous } = await this.#previous.version.get(deadline);
    if (previous === 'none') return undefined;
    // Only its keys stay valid. The current record says who may call, for what audience and for how long.
    const { algorithm, shortKey, keys } = previous.record;
    const merged = { ...record, algorithm, shortKey, keys };
    const { value: keySet, stale } = await keysOf(merged, needsKeys, deadline);
    return { ...previous, record: merged, keySet, stage: 'previous', stale };
  }

  async #read(VersionStage: string, abortSignal: AbortSignal, last?: SecretVersion): Promise<SecretVersion> {
    const command = new GetSecretValueCommand({ SecretId: this.#secretId, VersionStage });
    const secret = await this.#client.send(command, { abortSignal }).catch((error: unknown) => {
      const failure = awsError(error);
      if (failure.reason !== 'aws_refused' || !(error instanceof Error)) throw failure;
      const missing = whyMissing(error);
      const fault = `validator record ${this.#secretId}: ${missing ?? `AWS refuses access, ${error.name}`}`;
      throw new ServiceError('INTERNAL', missing ? 'record_missing' : 'record_refused', fault);
    });
    if (last && secret.VersionId === last.id) return last; // it has already fetched its keys
    const record = await readRecord(this.#secretId, secret.SecretString, this.#kind);
    return { id: secret.VersionId ?? '', createdAt: secret.CreatedDate?.getTime() ?? 0, record };
  }
}

async function keysOf(record: ValidatorRecord, needsKeys: NeedsKeys, deadline: AbortSignal) {
  return needsKeys(record) ? record.keys.get(deadline) : { value: record.keys.atHand, stale: undefined };
}

/** Only the words of AWS's message tell a secret that has no value yet from one that is not there. */
function whyMissing(error: Error): string | undefined {
  if (error instanceof InvalidRequestException) return 'it is marked for deletion';
  if (!(error instanceof ResourceNotFoundException)) return undefined;
  return /secret value/i.test(error.message) ? 'it has no value' : 'it does not exist';
}

function noneIfUnusable(error: ServiceError): 'none' {
  if (error.reason === 'record_missing' || error.reason === 'record_invalid') return 'none';
  throw error;
}
