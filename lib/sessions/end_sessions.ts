import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { newDynamoDB } from '../aws/client.ts';
import { awsError } from '../aws/error.ts';
import { endByIndex } from './by_index.ts';
import { endByKey } from './by_key.ts';
import { Pace } from './pace.ts';
import type { Tally } from './pass.ts';
import type { Store } from './store.ts';

export class SessionTable {
  readonly #store: Store;
  readonly #settleMs: number;
  readonly #client = newDynamoDB();

  constructor({ table, layout, settleMs, userIdPattern }: Store & { settleMs: number }) {
    this.#store = { table, layout, userIdPattern };
    this.#settleMs = settleMs;
  }

  /**
   * Deletes every session item of the user. Returns when none of those that were there is left; throws ServiceError
   * UNAVAILABLE when AWS fails or the deadline comes first: then some may be left, and repeating is safe.
   */
  async endSessions(user: AttributeValue, deadline: AbortSignal, tally: Tally): Promise<void> {
    const [reads, writes] = [new Pace(deadline), new Pace(deadline)];
    const end = this.#store.layout.index === null ? endByKey : endByIndex;
    try {
      await end({ client: this.#client, store: this.#store, user, deadline, reads, writes, tally }, this.#settleMs);
    } catch (error) {
      throw awsError(error);
    } finally {
      tally.retries = reads.retries + writes.retries;
      tally.throttles = reads.throttles + writes.throttles;
    }
  }
}
