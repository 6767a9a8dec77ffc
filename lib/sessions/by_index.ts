// Layouts in which an index finds the user. It lags behind its table: what it shows may by now be another user's.
import { ConditionalCheckFailedException, DeleteItemCommand } from '@aws-sdk/client-dynamodb';
import { type Condition, type Item, idOf, keyOf, ownedBy, writtenBack } from './expressions.ts';
import { pass, type StoreLogout, startAll } from './pass.ts';
import { settle } from './settle.ts';

const LAG_MS = 3000; // an index is seldom a second behind its table

/** Ends the user's sessions, pass by pass, until the index shows nothing new. */
export async function endByIndex(logout: StoreLogout, settleMs: number): Promise<void> {
  const { store, tally, writes } = logout;
  const deleted: Item[] = []; // kept only for settling
  const seen = new Set<string>();
  const end = async (item: Item) => {
    const live = await deleteOwned(logout, item);
    if (live === undefined) return;
    tally[live ? 'live' : 'expired']++;
    if (settleMs > 0) deleted.push(item);
  };
  const lagEnds = Date.now() + LAG_MS;
  let passBegan: number;
  let seenBefore: number;
  do {
    passBegan = Date.now();
    seenBefore = seen.size;
    await pass(logout, async (page) => {
      for (const item of page) {
        const id = idOf(item, store.layout);
        if (seen.has(id)) continue;
        seen.add(id);
        await writes.start(() => end(item));
      }
    });
    // What shows up later is a new login, and there may be no end of those.
  } while (seen.size > seenBefore && passBegan < lagEnds);

  if (deleted.length > 0) await settle(logout, settleMs, () => endReturned(logout, deleted));
}

/** Looks items up by key: one that was written back without its user is in no index. */
async function endReturned(logout: StoreLogout, deleted: Item[]): Promise<void> {
  const { store, user, tally, writes } = logout;
  const end = async (item: Item) => {
    if ((await deleteIf(logout, item, writtenBack(store.layout, user))) === 'deleted') tally.writtenBack++;
  };
  await startAll(logout, async () => {
    for (const item of deleted) await writes.start(() => end(item));
  });
}

/** Deletes the item if it is still this user's session. Returns whether it was live; undefined if it was not there. */
async function deleteOwned(logout: StoreLogout, item: Item): Promise<boolean | undefined> {
  const { store, user } = logout;
  let lost: boolean | undefined;
  // The condition under which the delete succeeds shows whether it was live: an index need not project the expiry.
  for (const live of store.layout.expiry ? [true, false] : [true]) {
    const outcome = await deleteIf(logout, item, ownedBy(store.layout, user, live));
    if (outcome === 'deleted') return live;
    if (outcome === 'lost') lost ??= live;
  }
  return lost; // refused after an answer was lost: the earlier attempt had deleted it
}

/** Deletes the item under the condition. `lost`: it was refused, but an earlier attempt may have been carried out. */
function deleteIf(
  { client, store, deadline, writes }: StoreLogout,
  item: Item,
  condition: Condition,
): Promise<'deleted' | 'refused' | 'lost'> {
  const command = new DeleteItemCommand({ TableName: store.table, Key: keyOf(item, store.layout), ...condition });
  return writes.send(async (lost) => {
    try {
      await client.send(command, { abortSignal: deadline });
      return 'deleted';
    } catch (error) {
      if (!(error instanceof ConditionalCheckFailedException)) throw error;
      return lost > 0 ? 'lost' : 'refused';
    }
  });
}
