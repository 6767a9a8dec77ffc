import type { Layout } from './layout.ts';

/** One place where sessions are kept, and the user ids that occur there. */
export type Store = { table: string; layout: Layout; userIdPattern: RegExp };
