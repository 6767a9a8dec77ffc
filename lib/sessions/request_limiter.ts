import { setTimeout as sleep } from 'node:timers/promises';
import { SOCKETS_PER_STORE } from '../aws/client.ts';
import { isClientError, isThrottled, isTransient, retryAfterMs } from '../aws/error.ts';

const INITIAL_LIMIT = 16; // 1 000 sessions in 40 batches take three round trips
const MAX_LIMIT = SOCKETS_PER_STORE - 2; // two are left for Queries
const MIN_LIMIT = 2; // while one pauses, the other uses the capacity that has come back
const GROWTH = 0.1; // per success, and slow: each time that the limit is too high costs a throttled request
const PAUSE_MS = 25; // while some requests succeed: a partition refills steadily, and a longer pause would waste capacity
const MAX_PAUSE_MS = 1000; // while none does: the application shares the capacity, and needs it to come back
const MAX_RETRY_AFTER_MS = 5000; // where AWS asks for a pause
const ATTEMPTS = 3; // of a request that failed; a throttled one is repeated until the deadline

/** Limits how many requests are in flight: fewer when DynamoDB throttles, slowly more while it does not. */
export class RequestLimiter {
  retries = 0;
  throttles = 0;
  readonly #deadline: AbortSignal;
  #limit = INITIAL_LIMIT;
  #inFlight = 0;
  #sent = 0;
  /** How many had been sent when the limit was last halved. */
  #sentAtHalving = 0;
  #pauseMs = PAUSE_MS;
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
    const running = task()
      .catch((error: unknown) => this.fail(error))
      .finally(() => {
        this.#tasks.delete(running);
        this.#wake();
      });
    this.#tasks.add(running);
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
   * `unanswered` counts the attempts that ended without AWS's answer: each may have been carried out.
   */
  async send<T>(request: (unanswered: number) => Promise<T | undefined>): Promise<T> {
    for (let failures = 0, unanswered = 0; ; ) {
      while (this.#inFlight >= Math.floor(this.#limit)) await this.#changed.promise;
      this.#throwFailure();
      this.#inFlight++;
      const sentBefore = this.#sent++;
      try {
        const answer = await request(unanswered);
        if (answer !== undefined) {
          this.#limit = Math.min(MAX_LIMIT, this.#limit + GROWTH);
          this.#pauseMs = PAUSE_MS;
          return answer;
        }
        this.#pauseMs = PAUSE_MS; // a part has succeeded
        await this.#slowDown(sentBefore, 0);
      } catch (error) {
        if (isThrottled(error)) await this.#slowDown(sentBefore, retryAfterMs(error));
        else if (isTransient(error) && ++failures < ATTEMPTS) {
          if (!isClientError(error)) unanswered++;
          await this.#pause(PAUSE_MS, retryAfterMs(error));
        } else throw error;
      } finally {
        this.#inFlight--;
        this.#wake();
      }
    }
  }

  /** Halves the limit, once for all requests that were in flight together: they met the same shortage. */
  async #slowDown(sentBefore: number, retryAfterMs: number): Promise<void> {
    this.throttles++;
    const pauseMs = this.#pauseMs;
    if (sentBefore >= this.#sentAtHalving) {
      this.#limit = Math.max(MIN_LIMIT, this.#limit / 2);
      this.#sentAtHalving = this.#sent;
      this.#pauseMs = Math.min(MAX_PAUSE_MS, 2 * pauseMs);
    }
    await this.#pause(pauseMs, retryAfterMs);
  }

  /** The request keeps its place in flight while it pauses: fewer are sent, not the same number later. */
  async #pause(pauseMs: number, retryAfterMs: number): Promise<void> {
    this.retries++;
    const jittered = pauseMs * (0.5 + Math.random());
    const ms = Math.max(jittered, Math.min(retryAfterMs, MAX_RETRY_AFTER_MS));
    await sleep(ms, undefined, { signal: this.#deadline });
  }

  #wake(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }

  #throwFailure(): void {
    if (this.#failure) throw this.#failure.error;
  }
}
