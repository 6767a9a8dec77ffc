import type { ServiceError } from '../errors.ts';

/** What happened to a user's session items, counted as it happens: a failed logout is reported truthfully too. */
export type Tally = {
  live: number;
  expired: number;
  writtenBack: number;
  /** What an index showed and the table refused to delete. */
  leftAlone: number;
  passes: number;
  retries: number;
  throttles: number;
};

/** The same for one store. One without a pass was not queried, since it cannot hold the user id. */
export type StoreTally = Tally & { table: string; failure?: ServiceError };

/** The sum over stores. */
export function total(tallies: Tally[]): Tally {
  const sum = { live: 0, expired: 0, writtenBack: 0, leftAlone: 0, passes: 0, retries: 0, throttles: 0 };
  for (const tally of tallies) {
    sum.live += tally.live;
    sum.expired += tally.expired;
    sum.writtenBack += tally.writtenBack;
    sum.leftAlone += tally.leftAlone;
    sum.passes += tally.passes;
    sum.retries += tally.retries;
    sum.throttles += tally.throttles;
  }
  return sum;
}
