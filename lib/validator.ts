import { GetSecretValueCommand, type SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { awsError } from './aws.ts';
import { ServiceError } from './errors.ts';
import { readRecord, type ValidatorRecord } from './record.ts';

const COOLDOWN_MS = 30_000;
const LAST_GOOD_MS = 3_600_000;

/** One version of a validator record. `stale`: Secrets Manager fails, and this is the last good one. */
export type Version = {
  id: string;
  createdAt: number;
  stage: 'current' | 'previous';
  stale: boolean;
  record: ValidatorRecord;
};

/** One secret: its record is read when first needed, cached, reloaded when a signature does not fit, and rotated. */
export class Validator {
  readonly #secretId: string;
  readonly #maxAgeMs: number;
  readonly #client: SecretsManagerClient;
  #cached: Version | undefined;
  #loadedAt = 0;
  #loading: Promise<Version> | undefined;
  #retryAt = 0;
  #reloadedAt = Number.NEGATIVE_INFINITY;
  #outage: ServiceError | undefined;
  #previous: { of: string; reading: Promise<Version | undefined> } | undefined;

  constructor(secretId: string, maxAgeMs: number, client: SecretsManagerClient) {
    this.#secretId = secretId;
    this.#maxAgeMs = maxAgeMs;
    this.#client = client;
  }

  /**
   * The AWSCURRENT version, at most the cache's max age old. While Secrets Manager fails, the last good one serves on
   * for an hour. Throws UNAVAILABLE when there is none, INTERNAL when the record is missing or wrong.
   */
  async current(deadline: AbortSignal): Promise<Version> {
    const age = Date.now() - this.#loadedAt;
    const cached = this.#cached;
    if (cached && age < this.#maxAgeMs) return cached;
    const lastGood = cached && age < LAST_GOOD_MS ? { ...cached, stale: true } : undefined;
    if (lastGood && Date.now() < this.#retryAt) return lastGood;
    try {
      return await this.#load(deadline);
    } catch (error) {
      if (lastGood && error instanceof ServiceError && error.code === 'UNAVAILABLE') {
        this.#retryAt = Date.now() + COOLDOWN_MS;
        return lastGood;
      }
      this.#cached = undefined; // a record that was deleted or broken must not come back in a later outage
      throw error;
    }
  }

  /**
   * What else may verify a token whose signature does not fit `tried`: a newer AWSCURRENT (one reload in 30 s), then
   * AWSPREVIOUS within its grace, counted from the creation of the version that replaced it. AWSPENDING never.
   */
  async alternatives(tried: Version, deadline: AbortSignal): Promise<Version[]> {
    if (Date.now() - this.#reloadedAt >= COOLDOWN_MS) {
      this.#reloadedAt = Date.now();
      this.#load(deadline).catch(() => {}); // what it failed of is kept in #outage
    }
    await this.#loading?.catch(() => {});
    if (this.#outage) throw this.#outage; // a newer key may exist: not the caller's fault
    const current = this.#cached ?? tried;
    const previous = await this.#previousOf(current, deadline);
    return [current, previous].filter(
      (version): version is Version => version !== undefined && version.id !== tried.id,
    );
  }

  /** Reads AWSCURRENT into the cache; requests that come meanwhile wait for the same read. A failed read is not cached. */
  #load(deadline: AbortSignal): Promise<Version> {
    this.#loading ??= this.#read('current', deadline)
      .then(
        (version) => {
          if (version.id !== this.#cached?.id) this.#cached = version; // the same version keeps its keys and their cache
          this.#loadedAt = Date.now();
          this.#outage = undefined;
          return this.#cached ?? version;
        },
        (error: ServiceError) => {
          this.#outage = error.code === 'UNAVAILABLE' ? error : undefined;
          throw error;
        },
      )
      .finally(() => {
        this.#loading = undefined;
      });
    return this.#loading;
  }

  /** AWSPREVIOUS while its grace lasts; read once for each current version. It never lets in a caller that is no longer allowed. */
  async #previousOf(current: Version, deadline: AbortSignal): Promise<Version | undefined> {
    const { previousKeyGraceMs, allowedEmails } = current.record;
    if (Date.now() >= current.createdAt + previousKeyGraceMs) return undefined;
    if (this.#previous?.of !== current.id) {
      const reading = this.#read('previous', deadline).then(
        (version) => ({ ...version, record: { ...version.record, allowedEmails } }),
        (error: ServiceError) => {
          if (error.code === 'INTERNAL') return undefined; // there is none, or none to use
          this.#previous = undefined;
          throw error;
        },
      );
      this.#previous = { of: current.id, reading };
    }
    return this.#previous?.reading;
  }

  async #read(stage: Version['stage'], deadline: AbortSignal): Promise<Version> {
    const VersionStage = stage === 'current' ? 'AWSCURRENT' : 'AWSPREVIOUS';
    try {
      const command = new GetSecretValueCommand({ SecretId: this.#secretId, VersionStage });
      const secret = await this.#client.send(command, { abortSignal: deadline });
      const record = await readRecord(this.#secretId, secret.SecretString);
      return { id: secret.VersionId ?? '', createdAt: secret.CreatedDate?.getTime() ?? 0, stage, stale: false, record };
    } catch (error) {
      throw awsError(error);
    }
  }
}
