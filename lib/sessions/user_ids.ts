// Which user ids the stores take, and what key each makes of one.
import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { type Layout, userKeyValue } from './layout.ts';
import type { Store } from './store.ts';

const MAX_LENGTH = 1024; // it becomes part of a partition key, which takes 2048 bytes

/** The key of the user's items in the store; undefined when its pattern refuses the id, or its key cannot hold it. */
export function userKeyIn({ userIdPattern, layout }: Store, userId: string): AttributeValue | undefined {
  return userIdPattern.test(userId) ? userKeyValue(layout, userId) : undefined;
}

/**
 * Whether it is the id of a user: the main store's pattern takes it, a store can hold it, and it is not, under another
 * store's prefix, the key of somebody else.
 */
export function isUserId(userId: unknown, stores: [main: Store, ...more: Store[]]): userId is string {
  // A lone surrogate would be sent as U+FFFD, and name another user.
  if (typeof userId !== 'string' || userId === '' || userId.length > MAX_LENGTH || !userId.isWellFormed()) return false;
  const [main] = stores;
  const isTaken = (id: string) => main.userIdPattern.test(id) && stores.some((store) => userKeyIn(store, id));
  const others = stores.flatMap((store) => stores.flatMap((other) => idOfOther(userId, store, other) ?? []));
  return isTaken(userId) && !others.some(isTaken);
}

/**
 * Another id whose key in the other store is this id's key in the first one, in the same table and attribute. Of
 * the two only the shorter one is an id: `basic_auth:7` is user 7 beside a store of `basic_auth:{user_id}`.
 */
function idOfOther(userId: string, store: Store, other: Store): string | undefined {
  const isShared = store.table === other.table && store.layout.userKey.name === other.layout.userKey.name;
  const key = store !== other && isShared ? textOf(userKeyIn(store, userId)) : undefined;
  const otherId = key === undefined ? undefined : idFrom(key, other.layout);
  return otherId !== undefined && otherId !== userId && otherId.length <= userId.length ? otherId : undefined;
}

/** The id that the layout's template makes this key of. */
function idFrom(key: string, layout: Layout): string | undefined {
  const [before = '', ...after] = layout.userKey.value.split(/\{user_id(?::lower)?\}/);
  const length = (key.length - before.length - after.join('').length) / after.length;
  const id = key.slice(before.length, before.length + length);
  return textOf(userKeyValue(layout, id)) === key ? id : undefined;
}

function textOf(key: AttributeValue | undefined): string | undefined {
  return key?.S ?? key?.N;
}
