import { decisive, type ServiceError } from '../errors.ts';

/** What happened to a user's session items, counted as it happens: a failed logout is reported truthfully too. */
export type Counts = {
  live: number;
  expired: number;
  writtenBack: number;
  /** What an index showed and the table refused to delete. */
  leftAlone: number;
  /** What the caller asked to keep. */
  kept: number;
  passes: number;
  retries: number;
  throttles: number;
};

/** A logout in one store. One without a pass was not queried, since it cannot hold the user id. */
export type StoreResult = Counts & { table: string; failure?: ServiceError };

/** A logout in all stores: the sums, whether a live session was among them, and why some sessions may be left. */
export type LogoutResult = Counts & { stores: StoreResult[]; wasLive: boolean; failure: ServiceError | undefined };

export function newCounts(): Counts {
  return { live: 0, expired: 0, writtenBack: 0, leftAlone: 0, kept: 0, passes: 0, retries: 0, throttles: 0 };
}

/** The sums over all stores, and the failure that decides. */
export function logoutResult(stores: StoreResult[]): LogoutResult {
  const sum = newCounts();
  for (const store of stores) {
    sum.live += store.live;
    sum.expired += store.expired;
    sum.writtenBack += store.writtenBack;
    sum.leftAlone += store.leftAlone;
    sum.kept += store.kept;
    sum.passes += store.passes;
    sum.retries += store.retries;
    sum.throttles += store.throttles;
  }
  const failure = decisive(stores.flatMap(({ failure }) => failure ?? []));
  return { ...sum, stores, wasLive: sum.live > 0, failure };
}

/** Whether a live session was ended. Throws the failure, if there is one. */
export function answer({ wasLive, failure }: LogoutResult): boolean {
  if (failure) throw failure;
  return wasLive;
}
