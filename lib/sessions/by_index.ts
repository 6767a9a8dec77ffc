// Layouts in which an index finds the user. It lags behind its table: what it shows may by now be another user's.
import { ConditionalCheckFailedException, DeleteItemCommand } from '@aws-sdk/client-dynamodb';
import { ServiceError } from '../errors.ts';
import { type Condition, type Item, idOf, keyOf, sessionOf } from './expressions.ts';
import { queryOnce, type StoreLogout, waitForDeletes } from './queries.ts';
import { settle } from './settle.ts';

const LAG_MS = 3000; // an index is seldom a second behind its table

/** What has come of a delete. `unclear`: refused, but an earlier attempt without an answer may have been carried out. */
type Outcome = 'deleted' | 'unclear' | 'refused';

/** An item that a Query of this logout has shown, first in that pass, and what has come of its delete. */
type Shown = { key: Item; firstPass: number; outcome: Outcome };

/**
 * Ends the user's sessions, pass by pass, until a pass shows nothing new and nothing that has come back. Throws
 * UNAVAILABLE (`written_back`) when an application still writes deleted items back once an index has had time to catch up.
 */
export async function endByIndex(logout: StoreLogout, settleMs: number): Promise<void> {
  const shown = new Map<string, Shown>();
  const lagEnds = Date.now() + LAG_MS;
  let last = await endShown(logout, shown);
  // What only the last pass has shown is a new login, and there may be no end of those.
  while ((last.isNew || last.cameBack) && last.began < lagEnds) last = await endShown(logout, shown);

  let { cameBack } = last;
  if (settleMs > 0 && shown.size > 0) {
    const stillWritten = await settle(logout, settleMs, () => endReturned(logout, shown));
    cameBack &&= stillWritten;
  }
  if (cameBack) throw new ServiceError('UNAVAILABLE', 'written_back');
}

/** One pass: ends what it shows for the first time, and what this logout has deleted in an earlier one. */
async function endShown(logout: StoreLogout, shown: Map<string, Shown>) {
  const { store, counts, writes } = logout;
  const pass = { began: Date.now(), isNew: false, cameBack: false };
  await queryOnce(logout, async (page) => {
    for (const item of page) {
      const id = idOf(item, store.layout);
      const known = shown.get(id);
      if (!known) {
        const session: Shown = { key: keyOf(item, store.layout), firstPass: counts.passes, outcome: 'refused' };
        shown.set(id, session);
        pass.isNew = true;
        await writes.start(() => endSession(logout, session));
      } else if (known.outcome !== 'refused' && known.firstPass < counts.passes) {
        await writes.start(async () => {
          if (await endAgain(logout, known)) pass.cameBack = true;
        });
      }
    }
  });
  return pass;
}

/**
 * Deletes the item if it is a session of this user. The condition under which that succeeds shows whether it was live,
 * since an index need not project the expiry. Both conditions may be refused while the item changes hands or is renewed:
 * only the last one, without expiry, shows that there is no such session.
 */
async function endSession(logout: StoreLogout, session: Shown): Promise<void> {
  const { store, user, counts } = logout;
  let ended: 'live' | 'expired' | undefined;
  for (const state of store.layout.expiry ? (['live', 'expired', undefined] as const) : [undefined]) {
    const outcome = await deleteIf(logout, session.key, sessionOf(store.layout, user, { state }));
    if (outcome === 'refused') continue;
    session.outcome = outcome;
    if (outcome === 'deleted' || !ended) ended = state ?? 'live';
    if (outcome === 'deleted') break;
  }
  counts[ended ?? 'leftAlone']++;
}

/** Deletes an item that this logout has deleted before. Returns whether it had, or may have, been written back. */
async function endAgain(logout: StoreLogout, { key, outcome: before }: Shown): Promise<boolean> {
  const { store, user, counts } = logout;
  const deletedBefore = before === 'deleted';
  const outcome = await deleteIf(logout, key, sessionOf(store.layout, user, { deletedBefore }));
  if (outcome === 'deleted') counts.writtenBack++;
  return outcome !== 'refused';
}

/** Deletes an item that was no session of this user at its first delete, if it is one by now. */
async function endLate(logout: StoreLogout, session: Shown): Promise<void> {
  const { store, user, counts } = logout;
  const outcome = await deleteIf(logout, session.key, sessionOf(store.layout, user, {}));
  if (outcome === 'refused') return;
  session.outcome = outcome;
  counts.leftAlone--;
  counts.live++;
  if (outcome === 'deleted') counts.writtenBack++;
}

/** Looks up by key whatever a Query has shown: what was written back without its user is in no index. */
async function endReturned(logout: StoreLogout, shown: Map<string, Shown>): Promise<void> {
  await waitForDeletes(logout, async () => {
    for (const session of shown.values()) {
      const end = session.outcome === 'refused' ? endLate : endAgain;
      await logout.writes.start(async () => void (await end(logout, session)));
    }
  });
}

/** Deletes the item under the condition. */
function deleteIf({ client, store, deadline, writes }: StoreLogout, key: Item, condition: Condition): Promise<Outcome> {
  const command = new DeleteItemCommand({ TableName: store.table, Key: key, ...condition });
  return writes.send(async (unanswered) => {
    try {
      await client.send(command, { abortSignal: deadline });
      return 'deleted';
    } catch (error) {
      if (!(error instanceof ConditionalCheckFailedException)) throw error;
      return unanswered > 0 ? 'unclear' : 'refused';
    }
  });
}
