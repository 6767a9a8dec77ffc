import { type ServiceError, serviceError } from '../errors.ts';

export const COOLDOWN_MS = 30_000;
const LAST_GOOD_MS = 3_600_000;
const PATIENCE_MS = 2000; // with a last good value: a read that hangs must leave the request time for its work

/** Reads the value; may return `last` if that still is the value. UNAVAILABLE: unknown for now. INTERNAL: there is none. */
type Read<T> = (deadline: AbortSignal, last: T | undefined) => Promise<T>;

/** When the last good value serves on: a value that is withdrawn at its source must not, one that cannot be read may. */
type LastGoodServes = 'in an outage' | 'whatever fails';

/**
 * A value that is read over the network and changes now and then: read when first needed, one read at a time, kept for
 * its max age. While reads are UNAVAILABLE, or whatever they fail with, the last good one serves on until it is an hour
 * old.
 */
export class Cached<T> {
  readonly #read: Read<T>;
  readonly #maxAgeMs: number;
  readonly #lastGoodServes: LastGoodServes;
  #good: { value: T; readAt: number } | undefined;
  #withdrawn = false;
  #failure: ServiceError | undefined; // of the last read
  #reading: Promise<T> | undefined;
  #retryAt = 0;
  #reloadAt = 0;

  constructor(read: Read<T>, maxAgeMs: number, lastGoodServes: LastGoodServes = 'in an outage') {
    this.#read = read;
    this.#maxAgeMs = maxAgeMs;
    this.#lastGoodServes = lastGoodServes;
  }

  /** The value, and why it is stale if it is older than its max age. A failed read is not cached. */
  async get(deadline: AbortSignal): Promise<{ value: T; stale: ServiceError | undefined }> {
    const good = this.#good;
    const age = Date.now() - (good?.readAt ?? 0);
    if (good && age < this.#maxAgeMs) return { value: good.value, stale: undefined };
    const lastGood = age < LAST_GOOD_MS ? good : undefined;
    if (lastGood && Date.now() < this.#retryAt) return { value: lastGood.value, stale: this.#failure };
    try {
      return { value: await this.#refresh(deadline), stale: undefined };
    } catch (error) {
      if (!lastGood || this.#withdrawn) throw error;
      this.#retryAt = Date.now() + COOLDOWN_MS;
      return { value: lastGood.value, stale: serviceError(error) };
    }
  }

  /** The value as it is now, or was at the last reload if that is less than 30 s ago. Throws what that failed with. */
  async reload(deadline: AbortSignal): Promise<T> {
    if (Date.now() >= this.#reloadAt) {
      this.#reloadAt = Date.now() + COOLDOWN_MS;
      this.#refresh(deadline).catch(() => {}); // what became of it is noted
    }
    await this.#reading?.catch(() => {});
    if (this.#failure) throw this.#failure;
    return this.#good?.value ?? (await this.get(deadline)).value;
  }

  #refresh(deadline: AbortSignal): Promise<T> {
    if (this.#reading) return this.#reading;
    const patience = this.#good ? AbortSignal.any([deadline, AbortSignal.timeout(PATIENCE_MS)]) : deadline;
    this.#reading = this.#read(patience, this.#good?.value)
      .then(
        (value) => {
          this.#good = { value, readAt: Date.now() };
          this.#withdrawn = false;
          this.#failure = undefined;
          return value;
        },
        (error: unknown) => {
          this.#failure = serviceError(error);
          if (this.#failure.code !== 'UNAVAILABLE' && this.#lastGoodServes === 'in an outage') {
            // Deleted or broken at its source: it may serve until its max age, but not come back in an outage.
            this.#withdrawn = true;
            this.#retryAt = 0;
          }
          throw error;
        },
      )
      .finally(() => {
        this.#reading = undefined;
      });
    return this.#reading;
  }
}
