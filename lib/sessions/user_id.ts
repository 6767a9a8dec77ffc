import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { ServiceError } from '../errors.ts';
import { type Layout, userKeyValue } from './layout.ts';

const MAX_LENGTH = 1024; // the partition key it becomes part of takes 2048 bytes

/** The user id of the path, already decoded by the gateway, and the key its items are found by. Throws 404. */
export function readUserId(
  userId: unknown,
  { userIdPattern, layout }: { userIdPattern: RegExp; layout: Layout },
): { userId: string; userKey: AttributeValue } {
  // A lone surrogate is sent as U+FFFD and would stand for another user.
  if (typeof userId === 'string' && userId !== '' && userId.length <= MAX_LENGTH && userId.isWellFormed()) {
    const userKey = userIdPattern.test(userId) ? userKeyValue(layout, userId) : undefined;
    if (userKey) return { userId, userKey };
  }
  throw new ServiceError('USER_ID_NOT_ACCEPTED', 'user_id');
}
