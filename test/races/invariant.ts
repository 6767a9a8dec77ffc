// What an answer promises, once, in words:
//
// A logout that is answered 200 leaves no session that it has seen: each item that one of its Queries has shown is gone,
// or bears another user's attribute, or is no session by the guard and the sort key. That holds whatever an application
// writes meanwhile, if its saves require that the item exists; for one whose saves do not, it holds when the logout
// settles. `true` says that a live session ended, `false` that none did. No item is deleted that bears another user's
// attribute at that moment, that is no session, or that the caller keeps. The counts of the audit record add up. And 503 is the answer only
// where AWS kept failing, or an application that does not require that the item exists kept writing it back.
import type { Layout } from '../../lib/sessions/layout.ts';
import type { Answer } from '../setup/lambda.ts';
import type { Item } from '../setup/tables.ts';

/** An item that a delete of the logout removed, as it was at that moment. */
export type Removal = { id: string; layout: Layout; item: Item; live: boolean };

/** What the logout was shown and did, as seen on the wire. */
export type Seen = {
  userId: string;
  queried: boolean;
  /** By store and id: whether the item was live when a Query showed it, where that could be told. */
  shown: Map<string, { id: string; layout: Layout; live: boolean }>;
  removals: Removal[];
  /** Ids of deletes whose answer never came. */
  unanswered: Set<string>;
};

/** How the answer breaks its promise; undefined when it keeps it. `itemOf` is what the table holds now. */
export async function brokenPromise(
  { status, json, audit }: Answer,
  { userId, shown, removals, unanswered }: Seen,
  itemOf: (layout: Layout, id: string) => Promise<Item | undefined>,
  { settles, isUnsafe, kept }: { settles: boolean; isUnsafe: (id: string) => boolean; kept: string[] },
): Promise<string | undefined> {
  for (const [n, { id, layout, item }] of removals.entries()) {
    if (kept.includes(id)) return `${id} was to be kept`;
    if (bears(layout, item) !== undefined && bears(layout, item) !== keyOfUser(layout, userId))
      return `${id} was another user's when it was deleted`;
    const before = removals.slice(0, n).some((earlier) => earlier.id === id);
    if (!before && !isSession(layout, item)) return `${id} was no session when it was deleted`;
  }
  const anyUnsafe = [...shown.values()].some(({ id }) => isUnsafe(id));
  if (status === 503) {
    return audit.reason === 'written_back' && anyUnsafe
      ? undefined
      : `503 ${audit.reason}, and AWS did not keep failing`;
  }
  for (const [name, { id }] of shown) if (kept.includes(id)) shown.delete(name);
  if (status !== 200) return `the answer is ${status}`;

  for (const { id, layout } of shown.values()) {
    if (!settles && isUnsafe(id)) continue;
    const item = await itemOf(layout, id);
    if (item && isSession(layout, item) && bears(layout, item) === keyOfUser(layout, userId)) return `${id} is left`;
    if (item && bears(layout, item) === undefined && isSession(layout, item))
      return `${id} is left, in the middle of a save`;
  }

  // BatchWriteItem does not tell what was there: in a key layout, what the Query has shown counts.
  const first = new Map<string, boolean>();
  for (const { id, layout, live } of shown.values()) if (layout.index === null) first.set(id, live);
  for (const { id, live } of removals) if (!first.has(id)) first.set(id, live);
  const unclear = [...unanswered].filter((id) => !first.get(id)).length;
  const live = [...first.values()].filter(Boolean).length;
  const count = (field: string) => Number(audit[field]);
  const [ended, expired, leftAlone] = [count('sessions_ended'), count('sessions_expired'), count('items_left_alone')];
  if (json.result !== ended > 0) return `${json.result}, with ${ended} sessions ended`;
  if (ended < live || ended > live + unclear) return `${ended} counted as live, and ${live} were`;
  if (ended + expired + leftAlone !== shown.size)
    return `${ended} + ${expired} + ${leftAlone} counted, of ${shown.size} shown`;

  // BatchWriteItem deletes what is there and what is not: only conditional deletes show what was written back.
  if ([...shown.values()].some(({ layout }) => layout.index === null)) return undefined;
  const [writtenBack, again] = [count('sessions_written_back'), removals.length - first.size];
  if (writtenBack > again + live || (unanswered.size === 0 && writtenBack < again))
    return `${writtenBack} counted as written back, and ${again} were`;
  return undefined;
}

/** The user's attribute of the item. */
function bears({ userKey }: Layout, item: Item): string | undefined {
  return item[userKey.name]?.S;
}

function keyOfUser({ userKey }: Layout, userId: string): string {
  return userKey.value.replace('{user_id}', userId);
}

/** By guard and sort key; in the middle of a save, without its user, an item may lack both. */
export function isSession(layout: Layout, item: Item): boolean {
  const saving = bears(layout, item) === undefined;
  const { sortKey, guard } = layout;
  const holds = (name: string, fits: (text: string) => boolean) => {
    const { S } = item[name] ?? {};
    return S === undefined ? saving : fits(S);
  };
  return (
    (!sortKey || holds(sortKey.name, (text) => text.startsWith(sortKey.beginsWith))) &&
    (!guard || holds(guard.name, (text) => text === guard.equals))
  );
}
