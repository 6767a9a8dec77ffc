import {
  type AttributeValue,
  type DynamoDBClient,
  QueryCommand,
  type QueryCommandOutput,
} from '@aws-sdk/client-dynamodb';
import { type Item, idOf, isKept, userQuery } from './expressions.ts';
import type { Counts } from './logout_result.ts';
import type { RequestLimiter } from './request_limiter.ts';
import type { Store } from './store.ts';

/** One user's logout in one store. Reads and writes each have their own limit, so that neither waits for the other. */
export type StoreLogout = {
  client: DynamoDBClient;
  store: Store;
  user: AttributeValue;
  /** Sessions to keep, by their keys, and those that were found. */
  except: Set<string>;
  kept: Set<string>;
  deadline: AbortSignal;
  reads: RequestLimiter;
  writes: RequestLimiter;
  counts: Counts;
};

/** Queries the user's items once. Hands over each page (keys and expiry only), without what is to be kept. */
export async function queryOnce(logout: StoreLogout, startDeletes: (page: Item[]) => Promise<void>): Promise<void> {
  logout.counts.passes++;
  await waitForDeletes(logout, async () => {
    for await (const page of pages(logout)) await startDeletes(withoutKept(logout, page));
  });
}

/** Starts the deletes, and waits for all of them. */
export async function waitForDeletes({ writes }: StoreLogout, start: () => Promise<void>): Promise<void> {
  await start().catch((error: unknown) => writes.fail(error));
  await writes.finish(); // even after a failure: deletes in flight still count
}

function withoutKept({ store: { layout }, except, kept }: StoreLogout, page: Item[]): Item[] {
  if (except.size === 0) return page;
  return page.filter((item) => {
    const keep = isKept(item, layout, except);
    if (keep) kept.add(idOf(item, layout));
    return !keep;
  });
}

/** The next page is queried while the caller works on the last. */
async function* pages({ client, store, user, deadline, reads }: StoreLogout): AsyncGenerator<Item[]> {
  const input = { TableName: store.table, ...userQuery(store.layout, user) };
  const stop = new AbortController(); // when the deletes fail, no query may outlive the answer
  const query = (until: AbortSignal, ExclusiveStartKey?: Item): Promise<QueryCommandOutput> => {
    const command = new QueryCommand({ ...input, ExclusiveStartKey });
    const page = reads.send(() => client.send(command, { abortSignal: until }));
    page.catch(() => {}); // it throws where it is awaited, not while the page before it is being deleted
    return page;
  };
  let next: Promise<QueryCommandOutput> | undefined = query(deadline);
  try {
    while (next) {
      const { Items, LastEvaluatedKey }: QueryCommandOutput = await next;
      next = LastEvaluatedKey && query(AbortSignal.any([deadline, stop.signal]), LastEvaluatedKey);
      yield required(Items);
    }
  } finally {
    if (next) stop.abort();
  }
}

/** A member that DynamoDB always sends, even if empty: an answer without it is incomplete, and proves nothing. */
export function required<T>(member: T | undefined): T {
  if (member === undefined) throw new Error("DynamoDB's answer is incomplete");
  return member;
}
