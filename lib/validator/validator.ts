import {
  GetSecretValueCommand,
  InvalidRequestException,
  ResourceNotFoundException,
  type SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { awsError } from '../aws/error.ts';
import { ServiceError } from '../errors.ts';
import { Cached, COOLDOWN_MS } from './cached.ts';
import type { KeySet } from './key_set.ts';
import { type RecordKind, readRecord, type ValidatorRecord } from './record.ts';

const READ_AHEAD_MS = 2000;

type SecretVersion = { id: string; createdAt: number; record: ValidatorRecord };

/** One version of a validator record with its keys. `stale`: why reading fails, when these are the last good ones. */
export type Version = SecretVersion & {
  keySet: KeySet;
  stage: 'current' | 'previous';
  stale: ServiceError | undefined;
};

/**
 * Reads the records and their key sets before the first request comes, for two seconds at most: Lambda gives startup a
 * whole core, but a request only a share of one. A read that fails is repeated by the request that needs it.
 */
export async function readAhead(validators: Validator[]): Promise<void> {
  const deadline = AbortSignal.timeout(READ_AHEAD_MS);
  await Promise.allSettled(validators.map((validator) => validator.current(deadline)));
}

/** One validator record in Secrets Manager: read when first needed, cached, reloaded when no key fits, rotated. */
export class Validator {
  readonly #secretId: string;
  readonly #client: SecretsManagerClient;
  readonly #kind: RecordKind;
  readonly #secret: Cached<SecretVersion>;
  #previous: { to: string; reading: Promise<SecretVersion | undefined>; retryAt: number } | undefined;

  constructor(secretId: string, maxAgeMs: number, client: SecretsManagerClient, kind: RecordKind) {
    this.#secretId = secretId;
    this.#client = client;
    this.#kind = kind;
    this.#secret = new Cached((deadline, last) => this.#read('AWSCURRENT', deadline, last), maxAgeMs);
  }

  /** AWSCURRENT, cached. Throws UNAVAILABLE while it cannot be read, INTERNAL when it is missing or wrong. */
  async current(deadline: AbortSignal): Promise<Version> {
    const { value: secret, stale } = await this.#secret.get(deadline);
    const keys = await secret.record.keys.get(deadline);
    return { ...secret, keySet: keys.value, stage: 'current', stale: stale ?? keys.stale };
  }

  /**
   * What else may verify a token that no key of `tried` fits: newer keys, by at most one reload in 30 s, then AWSPREVIOUS
   * within its grace period; never AWSPENDING. Throws at the end if newer keys may exist but cannot be read.
   */
  async *alternatives(tried: Version, deadline: AbortSignal): AsyncGenerator<Version> {
    let current = tried;
    let failure: unknown;
    try {
      const secret = await this.#secret.reload(deadline);
      const keySet = await secret.record.keys.reload(deadline);
      current = { ...secret, keySet, stage: 'current', stale: undefined };
    } catch (error) {
      failure = error;
    }
    if (current.keySet !== tried.keySet) yield current;
    const previous = await this.#previousTo(current, deadline);
    if (previous) yield previous;
    if (failure) throw failure;
  }

  /** AWSPREVIOUS, for a grace period from the creation of the version that replaced it; read once for that version. */
  async #previousTo({ id, createdAt, record }: Version, deadline: AbortSignal): Promise<Version | undefined> {
    if (Math.max(0, Date.now() - createdAt) >= record.previousKeyGraceMs) return undefined;
    if (this.#previous?.to !== id || Date.now() >= this.#previous.retryAt) {
      const reading = this.#read('AWSPREVIOUS', deadline).catch((error: ServiceError) => {
        if (error.reason === 'record_missing' || error.reason === 'record_invalid') return undefined;
        throw error;
      });
      this.#previous = { to: id, reading, retryAt: Number.POSITIVE_INFINITY };
    }
    const attempt = this.#previous;
    const previous = await attempt.reading.catch((error: unknown) => {
      attempt.retryAt = Math.min(attempt.retryAt, Date.now() + COOLDOWN_MS);
      throw error;
    });
    if (!previous) return undefined;
    const { algorithm, shortKey, keys } = previous.record;
    const { value: keySet, stale } = await keys.get(deadline);
    // Only its keys stay valid. The current record says who may call, for what audience and for how long.
    return { ...previous, record: { ...record, algorithm, shortKey, keys }, keySet, stage: 'previous', stale };
  }

  async #read(VersionStage: string, deadline: AbortSignal, last?: SecretVersion): Promise<SecretVersion> {
    const command = new GetSecretValueCommand({ SecretId: this.#secretId, VersionStage });
    const secret = await this.#client.send(command, { abortSignal: deadline }).catch((error: unknown) => {
      const failure = awsError(error);
      if (failure.reason !== 'aws_refused' || !(error instanceof Error)) throw failure;
      const missing = isMissing(error);
      const what = missing ? 'it does not exist, or is marked for deletion' : `AWS refuses access, ${error.name}`;
      const fault = `validator record ${this.#secretId}: ${what}`;
      throw new ServiceError('INTERNAL', missing ? 'record_missing' : 'record_refused', fault);
    });
    if (last && secret.VersionId === last.id) return last; // it has already fetched its keys
    const record = await readRecord(this.#secretId, secret.SecretString, this.#kind);
    return { id: secret.VersionId ?? '', createdAt: secret.CreatedDate?.getTime() ?? 0, record };
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof ResourceNotFoundException || error instanceof InvalidRequestException; // marked for deletion
}
