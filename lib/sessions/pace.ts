import { setTimeout as sleep } from 'node:timers/promises';
import { isRefused, isThrottled, isTransient, retryAfterMs } from '../aws/error.ts';

const INITIAL_LIMIT = 16; // 1 000 sessions in 40 batches take three round trips
const MAX_LIMIT = 48; // below the 50 sockets of the client
const MIN_LIMIT = 2; // while one pauses, the other uses the capacity that has come back
const GROWTH = 0.1; // per success, and slow: each time that the limit is too high costs a throttled request
const PAUSE_MS = 25; // constant: a partition refills steadily, and a growing pause would leave its capacity unused
const MAX_PAUSE_MS = 5000; // where AWS asks for a pause
const ATTEMPTS = 3; // of a request that failed; a throttled one is repeated until the deadline

/** Limits how many requests are in flight: fewer when DynamoDB throttles, slowly more while it does not. */
export class Pace {
  retries = 0;
  throttles = 0;
  readonly #deadline: AbortSignal;
  #limit = INITIAL_LIMIT;
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
        this.#wake();
      });
    this.#tasks.add(run);
  }

  /** Waits for all started tasks. Throws the first failure. */
  async finish(): Promise<void> {
    await Promise.all(this.#tasks);
    this.#throwFailure();
  }

  /** Notes a failure: requests in flight may finish, but no more are sent. */
  fail(error: unknown): void {
    this.#failure ??= { error };
  }

  /**
   * Sends a request, and sends it again when it fails or AWS throttles it, which an answer of `undefined` means too.
   * `lost` counts the attempts that failed without a refusal: each may have been carried out.
   */
  async send<T>(request: (lost: number) => Promise<T | undefined>): Promise<T> {
    for (let failures = 0, lost = 0; ; ) {
      while (this.#inFlight >= Math.floor(this.#limit)) await this.#changed.promise;
      this.#throwFailure();
      this.#inFlight++;
      const number = ++this.#sent;
      try {
        const answer = await request(lost);
        if (answer !== undefined) {
          this.#limit = Math.min(MAX_LIMIT, this.#limit + GROWTH);
          return answer;
        }
        await this.#slowDown(number);
      } catch (error) {
        if (isThrottled(error)) await this.#slowDown(number, retryAfterMs(error));
        else if (isTransient(error) && ++failures < ATTEMPTS) {
          if (!isRefused(error)) lost++;
          await this.#pause(retryAfterMs(error));
        } else throw error;
      } finally {
        this.#inFlight--;
        this.#wake();
      }
    }
  }

  /** Halves the limit, once for all requests that were in flight together: they met the same shortage. */
  async #slowDown(number: number, waitMs = 0): Promise<void> {
    this.throttles++;
    if (number > this.#halvedAt) {
      this.#limit = Math.max(MIN_LIMIT, this.#limit / 2);
      this.#halvedAt = this.#sent;
    }
    await this.#pause(waitMs);
  }

  /** The request keeps its place in flight while it pauses: fewer are sent, not the same number later. */
  async #pause(waitMs: number): Promise<void> {
    this.retries++;
    const pauseMs = Math.max(PAUSE_MS * (0.5 + Math.random()), Math.min(waitMs, MAX_PAUSE_MS));
    await sleep(pauseMs, undefined, { signal: this.#deadline });
  }

  #wake(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }

  #throwFailure(): void {
    if (this.#failure) throw this.#failure.error;
  }
}
