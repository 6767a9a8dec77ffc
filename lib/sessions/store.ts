import type { Layout } from './layout.ts';

/** One place where sessions are kept. */
export type Store = { table: string; layout: Layout; userIdPattern: RegExp };
