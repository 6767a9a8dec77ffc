import { setTimeout as sleep } from 'node:timers/promises';
import {
  type AttributeValue,
  BatchWriteItemCommand,
  ConditionalCheckFailedException,
  DeleteItemCommand,
  QueryCommand,
  type QueryCommandOutput,
  type WriteRequest,
} from '@aws-sdk/client-dynamodb';
import { newDynamoDB } from '../aws/client.ts';
import { awsError } from '../aws/error.ts';
import { expired, type Item, ownedBy, userQuery } from './expressions.ts';
import type { Layout } from './layout.ts';
import { Pace } from './pace.ts';

const BATCH = 25; // the most that BatchWriteItem takes
const INDEX_LAG_MS = 3000; // an index is seldom a second behind its table
const SETTLE_PASSES = 2;

/** What became of a user's session items, counted as they go: it tells the truth about a failed logout too. */
export type Tally = {
  live: number;
  expired: number;
  writtenBack: number;
  passes: number;
  retries: number;
  throttles: number;
};

/** One logout: reads and writes have each their own pace, so that neither waits for the other's room. */
type Logout = { user: AttributeValue; deadline: AbortSignal; reads: Pace; writes: Pace };

/** What a pass is to do: `wanted` picks the items to delete, `gone` is told of each one deleted. */
type Work = { wanted: (item: Item) => boolean; gone: (item: Item, live: boolean) => void };

/** The table that holds the sessions, in the layout of the library that writes them. */
export class SessionTable {
  readonly #table: string;
  readonly #layout: Layout;
  readonly #settleMs: number;
  readonly #client = newDynamoDB();

  constructor({ table, layout, settleMs }: { table: string; layout: Layout; settleMs: number }) {
    this.#table = table;
    this.#layout = layout;
    this.#settleMs = settleMs;
  }

  /**
   * Deletes every session item of the user. Returns when none of those that were there is left; throws ServiceError
   * UNAVAILABLE when AWS fails or the deadline comes first: then some may be left, and repeating is safe.
   */
  async endSessions(user: AttributeValue, deadline: AbortSignal, tally: Tally): Promise<void> {
    const logout = { user, deadline, reads: new Pace(deadline), writes: new Pace(deadline) };
    const pass = (wanted: Work['wanted'], gone: Work['gone']) => {
      tally.passes++;
      return this.#pass(logout, { wanted, gone });
    };
    const deleted = new Set<string>(); // kept only for settling: the keys of 100 000 sessions are no small thing
    const gone = (item: Item, live: boolean) => {
      tally[live ? 'live' : 'expired']++;
      if (this.#settleMs > 0) deleted.add(this.#id(item));
    };
    try {
      if (this.#layout.index === null) {
        await pass(() => true, gone); // one consistent Query sees them all
      } else {
        const seen = new Set<string>();
        const unseen = (item: Item) => seen.size < seen.add(this.#id(item)).size;
        const lagEnds = Date.now() + INDEX_LAG_MS;
        let begun: number;
        // An index lags: again, until it shows nothing new. What comes later still is a new login: they may never end.
        do {
          begun = Date.now();
        } while ((await pass(unseen, gone)) > 0 && begun < lagEnds);
      }
      for (let round = 0; round < SETTLE_PASSES && deleted.size > 0; round++) {
        await sleep(this.#settleMs, undefined, { signal: deadline });
        const known = (item: Item) => deleted.has(this.#id(item)); // others are new logins, and live
        if ((await pass(known, () => void tally.writtenBack++)) === 0) break;
      }
    } catch (error) {
      throw awsError(error);
    } finally {
      tally.retries = logout.reads.retries + logout.writes.retries;
      tally.throttles = logout.reads.throttles + logout.writes.throttles;
    }
  }

  /** Deletes what is wanted of the user's items, page by page; returns how many that were. */
  async #pass(logout: Logout, { wanted, gone }: Work): Promise<number> {
    const { writes } = logout;
    let found = 0;
    try {
      for await (const page of this.#pages(logout)) {
        const items = page.filter(wanted);
        found += items.length;
        if (this.#layout.index === null) {
          for (let at = 0; at < items.length; at += BATCH) {
            const batch = items.slice(at, at + BATCH);
            await writes.start(() => this.#deleteBatch(batch, logout, gone));
          }
        } else {
          for (const item of items) await writes.start(() => this.#deleteOwned(item, logout, gone));
        }
      }
    } catch (error) {
      writes.fail(error);
    }
    await writes.finish(); // also after a failure: what is in flight then still counts
    return found;
  }

  /** Pages of the user's items, keys and expiry only. The next page is queried while the caller works on the last. */
  async *#pages({ user, deadline, reads }: Logout): AsyncGenerator<Item[]> {
    const input = { TableName: this.#table, ...userQuery(this.#layout, user) };
    const stop = new AbortController(); // when the deletes fail, no query may run on after the answer
    const query = (until: AbortSignal, ExclusiveStartKey?: Item): Promise<QueryCommandOutput> => {
      const command = new QueryCommand({ ...input, ExclusiveStartKey });
      const page = reads.send(() => this.#client.send(command, { abortSignal: until }));
      page.catch(() => {}); // thrown where it is awaited, not while the page before is being deleted
      return page;
    };
    let next: Promise<QueryCommandOutput> | undefined = query(deadline);
    try {
      while (next) {
        const { Items, LastEvaluatedKey }: QueryCommandOutput = await next;
        next = LastEvaluatedKey && query(AbortSignal.any([deadline, stop.signal]), LastEvaluatedKey);
        yield told(Items);
      }
    } finally {
      if (next) stop.abort();
    }
  }

  /** Deletes up to 25 items. DynamoDB hands some back under load; a forgotten one is a session that survives its logout. */
  async #deleteBatch(items: Item[], { deadline, writes }: Logout, gone: Work['gone']): Promise<void> {
    let left = items;
    let requests: WriteRequest[] = items.map((item) => ({ DeleteRequest: { Key: this.#key(item) } }));
    await writes.send(async () => {
      const command = new BatchWriteItemCommand({ RequestItems: { [this.#table]: requests } });
      const { UnprocessedItems } = await this.#client.send(command, { abortSignal: deadline });
      requests = Object.values(told(UnprocessedItems)).flat();
      const back = new Set(requests.map(({ DeleteRequest }) => this.#id(DeleteRequest?.Key ?? {})));
      const isBack = (item: Item) => back.size > 0 && back.has(this.#id(item));
      const now = Date.now();
      for (const item of left) if (!isBack(item)) gone(item, !expired(item, this.#layout.expiry, now));
      left = left.filter(isBack);
      return requests.length === 0 || undefined;
    });
  }

  /** Deletes the item only while it is this user's session: between query and delete its key may have changed hands. */
  async #deleteOwned(item: Item, { user, deadline, writes }: Logout, gone: Work['gone']): Promise<void> {
    let lost: boolean | undefined;
    // Live or expired is told by the condition that let the delete through: an index need not carry the expiry.
    for (const live of this.#layout.expiry ? [true, false] : [true]) {
      const condition = ownedBy(this.#layout, user, live);
      const command = new DeleteItemCommand({ TableName: this.#table, Key: this.#key(item), ...condition });
      const outcome = await writes.send(async (lostAnswers) => {
        try {
          await this.#client.send(command, { abortSignal: deadline });
          return 'deleted';
        } catch (error) {
          if (!(error instanceof ConditionalCheckFailedException)) throw error;
          return lostAnswers > 0 ? 'lost' : 'refused';
        }
      });
      if (outcome === 'deleted') return gone(item, live);
      if (outcome === 'lost') lost ??= live;
    }
    // Refused, but only after an answer was lost on the way: that delete had been carried out.
    if (lost !== undefined) gone(item, lost);
  }

  #key(item: Item): Item {
    return Object.fromEntries(this.#layout.tableKey.map((name) => [name, item[name] ?? { NULL: true }]));
  }

  #id(item: Item): string {
    return JSON.stringify(this.#key(item));
  }
}

/** DynamoDB says that there is nothing by an empty member. An answer without it is none, and proves nothing. */
function told<T>(member: T | undefined): T {
  if (member === undefined) throw new Error('the answer of DynamoDB is not whole');
  return member;
}
