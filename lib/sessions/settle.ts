import { setTimeout as sleep } from 'node:timers/promises';
import type { StoreLogout } from './queries.ts';

const ROUNDS = 2;

/**
 * Waits for running requests and ends the sessions that they wrote back; once more if there were any. Returns whether
 * the last round found some too.
 */
export async function settle(
  { deadline, counts }: StoreLogout,
  settleMs: number,
  endReturned: () => Promise<void>,
): Promise<boolean> {
  for (let round = 0; round < ROUNDS; round++) {
    await sleep(settleMs, undefined, { signal: deadline });
    const before = counts.writtenBack;
    await endReturned();
    if (counts.writtenBack === before) return false;
  }
  return true;
}
