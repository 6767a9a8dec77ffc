import { type ServiceError, serviceError } from '../errors.ts';

export const COOLDOWN_MS = 30_000;
const LAST_GOOD_MS = 3_600_000;
const PATIENCE_MS = 2000; // when there is a last good value: a hanging read must leave the request time for its work

/** Reads the value, or returns `last` if unchanged. UNAVAILABLE: it is unknown for now. INTERNAL: there is none. */
type Read<T> = (deadline: AbortSignal, last: T | undefined) => Promise<T>;

/** When the last good value stays in use. `in an outage`: not once it has been withdrawn at its source. */
type UseLastGood = 'in an outage' | 'whatever fails';

/**
 * A value that is read over the network and changes now and then: read when first needed, one read at a time, kept for
 * its max age. While reads are UNAVAILABLE (with `whatever fails`: while they fail at all) the last good one stays in use
 * until it is an hour old.
 */
export class Cached<T> {
  readonly #read: Read<T>;
  readonly #maxAgeMs: number;
  readonly #useLastGood: UseLastGood;
  #good: { value: T; readAt: number } | undefined;
  #withdrawn = false;
  #failure: ServiceError | undefined; // of the last read
  #reading: Promise<T> | undefined;
  #retryAt = 0;
  #reloadAt = 0;

  constructor(read: Read<T>, maxAgeMs: number, useLastGood: UseLastGood = 'in an outage') {
    this.#read = read;
    this.#maxAgeMs = maxAgeMs;
    this.#useLastGood = useLastGood;
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

  /** The value now, or at the last reload if that was less than 30 s ago. Throws if that reload failed. */
  async reload(deadline: AbortSignal): Promise<T> {
    if (Date.now() >= this.#reloadAt) {
      this.#reloadAt = Date.now() + COOLDOWN_MS;
      this.#refresh(deadline).catch(() => {}); // the result is in #good or #failure
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
          this.#retryAt = 0;
          return value;
        },
        (error: unknown) => {
          this.#failure = serviceError(error);
          if (this.#failure.code !== 'UNAVAILABLE' && this.#useLastGood === 'in an outage') {
            // Deleted or broken at its source: usable until its max age, but not beyond that in an outage.
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
