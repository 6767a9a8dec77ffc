import { setTimeout as sleep } from 'node:timers/promises';
import { failed, throttled } from './aws.ts';

const FIRST_LIMIT = 16; // 1 000 sessions in 40 batches take three round trips
const LAST_LIMIT = 48; // below the 50 sockets of the client
const PAUSE_MS = 25; // constant: a partition refills steadily, and a growing pause would leave its capacity unused
const ATTEMPTS = 3; // of a request that failed; a throttled one is repeated until the deadline

/** How many writes are in flight: fewer when DynamoDB throttles, slowly more while it does not. One for each logout. */
export class Pace {
  retries = 0;
  throttles = 0;
  readonly #signal: AbortSignal;
  #limit = FIRST_LIMIT;
  #running = new Set<Promise<void>>();
  #failures: unknown[] = [];

  constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  /** Starts the task as soon as there is room. Throws what an earlier task threw. */
  async start(task: () => Promise<void>): Promise<void> {
    while (this.#running.size >= Math.floor(this.#limit)) await Promise.race(this.#running);
    this.#throwFailure();
    const run = task()
      .catch((error: unknown) => void this.#failures.push(error))
      .finally(() => this.#running.delete(run));
    this.#running.add(run);
  }

  /** Waits for all started tasks. Throws what the first failed one threw. */
  async finish(): Promise<void> {
    await Promise.all(this.#running);
    this.#throwFailure();
  }

  /** Sends a request again while AWS throttles it or fails; `lost` counts the answers that never came. */
  async send<T>(request: (lost: number) => Promise<T>): Promise<T> {
    for (let lost = 0; ; ) {
      try {
        const answer = await request(lost);
        this.#limit = Math.min(LAST_LIMIT, this.#limit + 0.1);
        return answer;
      } catch (error) {
        if (throttled(error)) await this.slower();
        else if (failed(error) && ++lost < ATTEMPTS) await this.#pause();
        else throw error;
      }
    }
  }

  /** DynamoDB took less than it was sent. */
  async slower(): Promise<void> {
    this.throttles++;
    this.#limit = Math.max(1, this.#limit / 2);
    await this.#pause();
  }

  async #pause(): Promise<void> {
    this.retries++;
    await sleep(PAUSE_MS * (0.5 + Math.random()), undefined, { signal: this.#signal });
  }

  #throwFailure(): void {
    if (this.#failures.length > 0) throw this.#failures[0];
  }
}
