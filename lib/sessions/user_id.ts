import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { ServiceError } from '../errors.ts';
import { userKeyValue } from './layout.ts';
import type { Store } from './store.ts';

const MAX_LENGTH = 1024; // it becomes part of a partition key, which takes 2048 bytes

/**
 * Checks a user id, already decoded by the gateway, and makes the key of its items in each store. A store whose pattern
 * refuses the id, or whose key cannot hold it, has no such user. Throws USER_ID_NOT_ACCEPTED when the main store's
 * pattern refuses it, or no store can hold it.
 */
export function readUserId(
  userId: unknown,
  stores: [main: Store, ...more: Store[]],
): { userId: string; userKeys: Map<Store, AttributeValue> } {
  // A lone surrogate would be sent as U+FFFD, and name another user.
  if (typeof userId === 'string' && userId !== '' && userId.length <= MAX_LENGTH && userId.isWellFormed()) {
    const [main] = stores;
    const userKeys = new Map<Store, AttributeValue>();
    for (const store of main.userIdPattern.test(userId) ? stores : []) {
      const userKey = store.userIdPattern.test(userId) ? userKeyValue(store.layout, userId) : undefined;
      if (userKey) userKeys.set(store, userKey);
    }
    if (userKeys.size > 0) return { userId, userKeys };
  }
  throw new ServiceError('USER_ID_NOT_ACCEPTED', 'user_id');
}
