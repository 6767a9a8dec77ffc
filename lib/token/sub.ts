import { ServiceError } from '../errors.ts';
import type { ValidatorRecord } from '../validator/record.ts';

/**
 * Checks a `sub` before it becomes a user id. Throws USER_ID_NOT_ACCEPTED unless the record's `sub_pattern`, if there is
 * one, matches all of it: else `sub` could begin like the ids of another provider's users.
 */
export function checkSub(sub: string, { subPattern }: ValidatorRecord): void {
  if (subPattern && !subPattern.test(sub)) throw new ServiceError('USER_ID_NOT_ACCEPTED', 'sub');
}
