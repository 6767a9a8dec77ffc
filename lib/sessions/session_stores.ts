import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { newDynamoDB } from '../aws/client.ts';
import { awsError } from '../aws/error.ts';
import { ServiceError } from '../errors.ts';
import { endByIndex } from './by_index.ts';
import { endByKey } from './by_key.ts';
import { type LogoutResult, logoutResult, newCounts, type StoreResult } from './logout_result.ts';
import { RequestLimiter } from './request_limiter.ts';
import type { Store } from './store.ts';
import { isUserId, userKeyIn } from './user_ids.ts';

/** All stores in which a user may have sessions: which ids they take, and how sessions end. */
export class SessionStores {
  readonly stores: [main: Store, ...more: Store[]];
  readonly client: DynamoDBClient;
  readonly #settleMs: number;

  constructor({ stores, settleMs }: { stores: [main: Store, ...more: Store[]]; settleMs: number }) {
    this.stores = stores;
    this.#settleMs = settleMs;
    this.client = newDynamoDB(stores.length);
  }

  /** The user id, already decoded by the gateway. Throws USER_ID_NOT_ACCEPTED when it is none. */
  checkUserId(userId: unknown): string {
    if (isUserId(userId, this.stores)) return userId;
    throw new ServiceError('USER_ID_NOT_ACCEPTED', 'user_id');
  }

  /**
   * Deletes every session item of the user, but those whose keys `except` names, in all stores at once; a failure in one
   * does not stop the others. Never throws: the result has a `failure` when AWS fails or the deadline comes first. Then
   * some sessions may be left, and repeating is safe.
   */
  async end(userId: string, deadline: AbortSignal, except = new Set<string>()): Promise<LogoutResult> {
    const results = this.stores.map((store) => this.#endIn(store, userId, deadline, except));
    return logoutResult(await Promise.all(results));
  }

  async #endIn(store: Store, userId: string, deadline: AbortSignal, except: Set<string>): Promise<StoreResult> {
    const result: StoreResult = { table: store.table, ...newCounts() };
    const user = userKeyIn(store, userId);
    if (!user) return result;
    const [reads, writes] = [new RequestLimiter(deadline), new RequestLimiter(deadline)];
    const kept = new Set<string>();
    const logout = { client: this.client, store, user, except, kept, deadline, reads, writes, counts: result };
    const end = store.layout.index === null ? endByKey : endByIndex;
    try {
      await end(logout, this.#settleMs);
    } catch (error) {
      result.failure = awsError(error);
    }
    result.kept = kept.size;
    result.retries = reads.retries + writes.retries;
    result.throttles = reads.throttles + writes.throttles;
    return result;
  }
}
