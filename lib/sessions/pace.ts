import { setTimeout as sleep } from 'node:timers/promises';
import { isThrottled, isTransient, retryAfterMs } from '../aws/error.ts';

const FIRST_LIMIT = 16; // 1 000 sessions in 40 batches take three round trips
const LAST_LIMIT = 48; // below the 50 sockets of the client
const LEAST_LIMIT = 2; // while one pauses the other takes what the partition has regained
const GROWTH = 0.1; // for each success: a limit that is too high costs a throttled request each time
const PAUSE_MS = 25; // constant: a partition refills steadily, and a growing pause would leave its capacity unused
const LAST_PAUSE_MS = 5000; // where AWS names the pause
const ATTEMPTS = 3; // of a request that failed; a throttled one is repeated until the deadline

/** How many requests are in flight: fewer when DynamoDB throttles, slowly more while it does not. */
export class Pace {
  retries = 0;
  throttles = 0;
  readonly #deadline: AbortSignal;
  #limit = FIRST_LIMIT;
  #inFlight = 0;
  #sent = 0;
  #halvedAt = 0;
  #tasks = new Set<Promise<void>>();
  #failure: { error: unknown } | undefined;
  #changed = Promise.withResolvers<void>();

  constructor(deadline: AbortSignal) {
    this.#deadline = deadline;
  }

  /** Starts the task as soon as there is room. Throws what an earlier task threw. */
  async start(task: () => Promise<void>): Promise<void> {
    while (this.#tasks.size >= Math.floor(this.#limit)) await this.#changed.promise;
    this.#throwFailure();
    const run = task()
      .catch((error: unknown) => this.fail(error))
      .finally(() => {
        this.#tasks.delete(run);
        this.#change();
      });
    this.#tasks.add(run);
  }

  /** Waits for all started tasks. Throws what failed first. */
  async finish(): Promise<void> {
    await Promise.all(this.#tasks);
    this.#throwFailure();
  }

  /** The work has failed: what is in flight may end, but nothing more is sent. */
  fail(error: unknown): void {
    this.#failure ??= { error };
  }

  /**
   * Sends a request until it is through: again when AWS throttles it, which an answer of `undefined` says too, and when
   * it fails. `lost` counts the answers that never came: each time the request may have been carried out.
   */
  async send<T>(request: (lost: number) => Promise<T | undefined>): Promise<T> {
    for (let lost = 0; ; ) {
      while (this.#inFlight >= Math.floor(this.#limit)) await this.#changed.promise;
      this.#throwFailure();
      this.#inFlight++;
      const number = ++this.#sent;
      try {
        const answer = await request(lost);
        if (answer !== undefined) {
          this.#limit = Math.min(LAST_LIMIT, this.#limit + GROWTH);
          return answer;
        }
        await this.#slower(number);
      } catch (error) {
        if (isThrottled(error)) await this.#slower(number, retryAfterMs(error));
        else if (isTransient(error) && ++lost < ATTEMPTS) await this.#pause(retryAfterMs(error));
        else throw error;
      } finally {
        this.#inFlight--;
        this.#change();
      }
    }
  }

  /** Halves the limit, once for all requests that were in flight together: they met the same shortage. */
  async #slower(number: number, waitMs = 0): Promise<void> {
    this.throttles++;
    if (number > this.#halvedAt) {
      this.#limit = Math.max(LEAST_LIMIT, this.#limit / 2);
      this.#halvedAt = this.#sent;
    }
    await this.#pause(waitMs);
  }

  /** Keeps the place of the request in flight: fewer requests, not the same ones later. */
  async #pause(waitMs: number): Promise<void> {
    this.retries++;
    const pauseMs = Math.max(PAUSE_MS * (0.5 + Math.random()), Math.min(waitMs, LAST_PAUSE_MS));
    await sleep(pauseMs, undefined, { signal: this.#deadline });
  }

  #change(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }

  #throwFailure(): void {
    if (this.#failure) throw this.#failure.error;
  }
}
