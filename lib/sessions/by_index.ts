// Layouts in which an index finds the user. It lags behind its table, and a key that it shows may have changed hands.
import { ConditionalCheckFailedException, DeleteItemCommand } from '@aws-sdk/client-dynamodb';
import { type Condition, type Item, idOf, keyOf, ownedBy, returned } from './expressions.ts';
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
  let begun: number;
  let seenBefore: number;
  do {
    begun = Date.now();
    seenBefore = seen.size;
    await pass(logout, async (page) => {
      for (const item of page) {
        const id = idOf(item, store.layout);
        if (seen.has(id)) continue;
        seen.add(id);
        await writes.start(() => end(item));
      }
    });
    // What comes after that is a new login: they may never end.
  } while (seen.size > seenBefore && begun < lagEnds);

  if (deleted.length > 0) await settle(logout, settleMs, () => endReturned(logout, deleted));
}

/** Looks by key: what was written back without its user is in no index. */
async function endReturned(logout: StoreLogout, deleted: Item[]): Promise<void> {
  const { store, user, tally, writes } = logout;
  const end = async (item: Item) => {
    if ((await deleteIf(logout, item, returned(store.layout, user))) === 'deleted') tally.writtenBack++;
  };
  await startAll(logout, async () => {
    for (const item of deleted) await writes.start(() => end(item));
  });
}

/** Deletes the item while it is this user's session. Returns whether that was live, undefined when it was not there. */
async function deleteOwned(logout: StoreLogout, item: Item): Promise<boolean | undefined> {
  const { store, user } = logout;
  let lost: boolean | undefined;
  // The condition that let the delete through says whether it was live: an index need not carry the expiry.
  for (const live of store.layout.expiry ? [true, false] : [true]) {
    const outcome = await deleteIf(logout, item, ownedBy(store.layout, user, live));
    if (outcome === 'deleted') return live;
    if (outcome === 'lost') lost ??= live;
  }
  return lost; // refused, but only after an answer was lost on the way: that delete had been carried out
}

/** Deletes the item under the condition. `lost`: it was refused, but the answer to an earlier attempt never came. */
function deleteIf(
  { client, store, deadline, writes }: StoreLogout,
  item: Item,
  condition: Condition,
): Promise<'deleted' | 'refused' | 'lost'> {
  const command = new DeleteItemCommand({ TableName: store.table, Key: keyOf(item, store.layout), ...condition });
  return writes.send(async (lostAnswers) => {
    try {
      await client.send(command, { abortSignal: deadline });
      return 'deleted';
    } catch (error) {
      if (!(error instanceof ConditionalCheckFailedException)) throw error;
      return lostAnswers > 0 ? 'lost' : 'refused';
    }
  });
}
