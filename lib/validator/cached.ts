import { ServiceError, serviceError } from '../errors.ts';

const COOLDOWN_MS = 30_000; // between two reloads, and after a failure where a last good value serves
const RETRY_MS = 2000; // after a failure where nothing serves: as long as `retry-after` says
const LAST_GOOD_MS = 3_600_000;
const PATIENCE_MS = 2000; // where a last good value can serve: a hanging read must leave the request time for its work

/** Why a read may be given up, besides a request's deadline: others are held up by it. Then it counts as a failure. */
export const TOO_SLOW = new Error('the read takes too long');

/** Reads the value, or returns `last` if unchanged. UNAVAILABLE: it is unknown for now. INTERNAL: there is none. */
type Read<T> = (signal: AbortSignal, last: T | undefined) => Promise<T>;

/** When the last good value stays in use. `in an outage`: not once it has been withdrawn at its source. */
type UseLastGood = 'in an outage' | 'whatever fails';

/** A read under way, and how many requests wait for it. */
type Reading<T> = { result: Promise<T>; abort: AbortController; waiting: number };

/**
 * A value that is read over the network and changes now and then: read when first needed, one read at a time, kept for
 * its max age. While reads are UNAVAILABLE (with `whatever fails`: while they fail at all) the last good one stays in use
 * until it is an hour old. A failure is remembered for a while, too; but not one of a prefetch, nor of a read that was
 * given up because the requests that waited for it had no more time.
 */
export class Cached<T> {
  readonly #read: Read<T>;
  readonly #maxAgeMs: number;
  readonly #useLastGood: UseLastGood;
  #good: { value: T; readAt: number } | undefined;
  #withdrawn = false;
  #failure: { error: ServiceError; at: number } | undefined; // of the last read
  #reading: Reading<T> | undefined;
  #reloadAt = 0;

  constructor(read: Read<T>, maxAgeMs: number, useLastGood: UseLastGood = 'in an outage') {
    this.#read = read;
    this.#maxAgeMs = maxAgeMs;
    this.#useLastGood = useLastGood;
  }

  /** A value that never changes. */
  static of<T>(value: T): Cached<T> {
    const constant = new Cached(async () => value, Number.POSITIVE_INFINITY);
    constant.#good = { value, readAt: Date.now() };
    return constant;
  }

  /** The value if it is at hand: within its max age, or good enough for an outage. */
  get atHand(): T | undefined {
    const usable = this.#isFresh() || (this.#ageMs() < LAST_GOOD_MS && !this.#withdrawn);
    return usable ? this.#good?.value : undefined;
  }

  /** Whether `get` would read now. */
  get isDue(): boolean {
    if (this.#isFresh()) return false;
    const pause = this.atHand === undefined ? RETRY_MS : COOLDOWN_MS;
    return this.#failure === undefined || Date.now() >= this.#failure.at + pause;
  }

  /** The value, and why it is stale if it is older than its max age. */
  async get(deadline: AbortSignal): Promise<{ value: T; stale: ServiceError | undefined }> {
    let failure = this.#isFresh() ? undefined : this.#failure?.error;
    if (this.isDue) {
      try {
        return { value: await this.#join(deadline), stale: undefined };
      } catch (error) {
        failure = serviceError(error);
      }
    }
    const value = this.atHand;
    if (value !== undefined) return { value, stale: failure };
    throw failure;
  }

  /** Reads the value before a request needs it. */
  async prefetch(deadline: AbortSignal): Promise<T> {
    return this.#join(deadline, 'forget failure');
  }

  /**
   * The value now, or at the last reload if that was less than 30 s ago. Throws if that reload failed. One that failed
   * for want of an answer is tried again after two seconds.
   */
  async reload(deadline: AbortSignal): Promise<T> {
    const isDue = Date.now() >= this.#reloadAt;
    if (!isDue && !this.#reading) {
      if (this.#failure) throw this.#failure.error;
      return (await this.get(deadline)).value;
    }
    if (isDue) this.#reloadAt = Date.now() + COOLDOWN_MS;
    try {
      return await this.#join(deadline);
    } catch (error) {
      if (isOutOfTime(deadline)) this.#reloadAt = 0;
      else if (serviceError(error).code === 'UNAVAILABLE') this.#reloadAt = Date.now() + RETRY_MS;
      throw error;
    }
  }

  /** Waits for the read under way, or begins one. The last one that has no more time to wait gives it up. */
  #join(deadline: AbortSignal, onFailure: 'remember failure' | 'forget failure' = 'remember failure'): Promise<T> {
    this.#reading ??= this.#begin(onFailure);
    const reading = this.#reading;
    reading.waiting++;
    return new Promise((resolve, reject) => {
      const leave = () => {
        if (--reading.waiting === 0) reading.abort.abort(deadline.reason);
        else reject(new ServiceError('UNAVAILABLE', 'deadline'));
      };
      deadline.addEventListener('abort', leave, { once: true });
      reading.result.then(resolve, reject).finally(() => deadline.removeEventListener('abort', leave));
      if (deadline.aborted) leave();
    });
  }

  #begin(onFailure: 'remember failure' | 'forget failure'): Reading<T> {
    const abort = new AbortController();
    const impatient = () => AbortSignal.any([abort.signal, AbortSignal.timeout(PATIENCE_MS)]);
    const signal = this.atHand === undefined ? abort.signal : impatient();
    const result = this.#read(signal, this.#good?.value).then(
      (value) => {
        this.#good = { value, readAt: Date.now() };
        this.#withdrawn = false;
        this.#failure = undefined;
        return value;
      },
      (thrown: unknown) => {
        const error = serviceError(thrown);
        // Deleted or broken at its source: usable until its max age, but not beyond that in an outage.
        if (error.code !== 'UNAVAILABLE' && this.#useLastGood === 'in an outage') this.#withdrawn = true;
        if (onFailure === 'remember failure' && !isOutOfTime(abort.signal)) this.#failure = { error, at: Date.now() };
        throw error;
      },
    );
    return {
      result: result.finally(() => {
        this.#reading = undefined;
      }),
      abort,
      waiting: 0,
    };
  }

  #isFresh(): boolean {
    return this.#ageMs() < this.#maxAgeMs;
  }

  #ageMs(): number {
    return this.#good ? Date.now() - this.#good.readAt : Number.POSITIVE_INFINITY;
  }
}

/** Whether nobody had time to wait for a read any more, which says nothing about its source. */
function isOutOfTime(signal: AbortSignal): boolean {
  return signal.aborted && signal.reason !== TOO_SLOW;
}
