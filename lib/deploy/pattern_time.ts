import { createRequire } from 'node:module';
import type { Store } from '../sessions/store.ts';
import { quote } from '../settings/json.ts';
import { locate, SettingError } from '../settings/setting_error.ts';

/**
 * Refuses a pattern of user ids that takes exponential time: one long id would occupy the function until its time is up.
 * Throws a SettingError. A pattern that recheck cannot judge passes.
 */
export function checkPatternTime(stores: Store[]): void {
  process.env.RECHECK_SYNC_BACKEND ??= 'pure'; // in this process, and without Java
  const { checkSync }: typeof import('recheck') = createRequire(import.meta.url)('recheck'); // loads slowly: only here
  const sources = stores.map(({ userIdPattern }) => userIdPattern.source);
  for (const [entry, source] of sources.entries()) {
    if (sources.indexOf(source) < entry) continue;
    const path = entry === 0 ? [] : [`entry ${entry}`, 'userIdPattern'];
    locate({ variable: entry === 0 ? 'USER_ID_PATTERN' : 'MORE_STORES', path }, () => {
      const found = checkSync(source, 'u', { timeout: 60_000 });
      if (found.status !== 'vulnerable' || found.complexity.type !== 'exponential') return;
      const [{ start, end } = { start: 0, end: source.length }] = found.hotspot;
      const part = quote(source.slice(start, end));
      const what = `takes exponential time at ${part}, so that one id could block the function`;
      throw new SettingError(`${what}: let what repeats match a text in one way only, as a+ does in place of (a+)+`);
    });
  }
}
