import type { AttributeValue, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { awsError } from '../aws/error.ts';
import { endByIndex } from './by_index.ts';
import { endByKey } from './by_key.ts';
import { Pace } from './pace.ts';
import type { Store } from './store.ts';
import { type StoreTally, total } from './tally.ts';

/** All stores in which a user may have sessions, behind one client. */
export class SessionStores {
  readonly #stores: Store[];
  readonly #settleMs: number;
  readonly #client: DynamoDBClient;

  constructor({ stores, settleMs }: { stores: Store[]; settleMs: number }, client: DynamoDBClient) {
    this.#stores = stores;
    this.#settleMs = settleMs;
    this.#client = client;
  }

  /**
   * Deletes every session item of the user, in all stores at once. Returns when none of those that were there is left;
   * throws ServiceError UNAVAILABLE when AWS fails or the deadline comes first: then some may be left, and repeating is
   * safe. A failure in one store does not stop the others. Adds a tally for each store to `tallies`.
   */
  async endSessions(userKeys: Map<Store, AttributeValue>, deadline: AbortSignal, tallies: StoreTally[]): Promise<void> {
    await Promise.all(
      this.#stores.map(async (store) => {
        const tally: StoreTally = { table: store.table, ...total([]) };
        tallies.push(tally);
        const user = userKeys.get(store);
        if (user) await this.#endIn(store, user, deadline, tally);
      }),
    );
    const failures = tallies.flatMap(({ failure }) => failure ?? []);
    // Our own fault takes precedence: repeating the request does not help.
    const failure = failures.find(({ code }) => code === 'INTERNAL') ?? failures[0];
    if (failure) throw failure;
  }

  async #endIn(store: Store, user: AttributeValue, deadline: AbortSignal, tally: StoreTally): Promise<void> {
    const [reads, writes] = [new Pace(deadline), new Pace(deadline)];
    const end = store.layout.index === null ? endByKey : endByIndex;
    try {
      await end({ client: this.#client, store, user, deadline, reads, writes, tally }, this.#settleMs);
    } catch (error) {
      tally.failure = awsError(error);
    }
    tally.retries = reads.retries + writes.retries;
    tally.throttles = reads.throttles + writes.throttles;
  }
}
