// Layouts in which the user is the table's partition key.
import { BatchWriteItemCommand, type WriteRequest } from '@aws-sdk/client-dynamodb';
import { expired, type Item, idOf, keyOf } from './expressions.ts';
import { queryOnce, required, type StoreLogout } from './queries.ts';
import { settle } from './settle.ts';

const BATCH = 25; // the most that BatchWriteItem takes

/** Called for each item that was deleted. */
type OnDeleted = (item: Item) => void;

/** Ends the user's sessions with one Query: a consistent Query sees them all. */
export async function endByKey(logout: StoreLogout, settleMs: number): Promise<void> {
  const { layout } = logout.store;
  const { counts } = logout;
  const shown = new Set<string>(); // kept only for settling: the keys of 100 000 sessions take up memory
  await queryOnce(logout, async (page) => {
    if (settleMs > 0) for (const item of page) shown.add(idOf(item, layout));
    await startBatches(logout, page, (item) => {
      counts[expired(item, layout.expiry, Date.now()) ? 'expired' : 'live']++;
    });
  });
  if (shown.size === 0) return;
  const wasShown = (item: Item) => shown.has(idOf(item, layout)); // others are new logins, which stay
  await settle(logout, settleMs, () =>
    queryOnce(logout, (page) => startBatches(logout, page.filter(wasShown), () => counts.writtenBack++)),
  );
}

async function startBatches(logout: StoreLogout, items: Item[], onDeleted: OnDeleted): Promise<void> {
  for (let at = 0; at < items.length; at += BATCH) {
    const batch = items.slice(at, at + BATCH);
    await logout.writes.start(() => deleteBatch(logout, batch, onDeleted));
  }
}

/** Deletes up to 25 items. Under load DynamoDB hands some back: a forgotten one would survive its logout. */
async function deleteBatch(
  { client, store: { table, layout }, deadline, writes }: StoreLogout,
  items: Item[],
  onDeleted: OnDeleted,
): Promise<void> {
  let left = items;
  let requests: WriteRequest[] = items.map((item) => ({ DeleteRequest: { Key: keyOf(item, layout) } }));
  await writes.send(async () => {
    const command = new BatchWriteItemCommand({ RequestItems: { [table]: requests } });
    const { UnprocessedItems } = await client.send(command, { abortSignal: deadline });
    requests = Object.values(required(UnprocessedItems)).flat();
    const unprocessed = new Set(requests.map(({ DeleteRequest }) => idOf(DeleteRequest?.Key ?? {}, layout)));
    const isUnprocessed = (item: Item) => unprocessed.size > 0 && unprocessed.has(idOf(item, layout));
    for (const item of left) if (!isUnprocessed(item)) onDeleted(item);
    left = left.filter(isUnprocessed);
    return requests.length === 0 || undefined;
  });
}
