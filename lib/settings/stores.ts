import type { Store } from '../sessions/store.ts';
import { parseJson, readObject, readText } from './json.ts';
import { readLayout } from './layout.ts';
import { locate, SettingError } from './setting_error.ts';
import { readUserIdPattern } from './user_id_pattern.ts';

/**
 * The stores that a JSON list names in addition to the main one; `none` is an empty list. An entry without a pattern of
 * its own uses the main store's. Throws a SettingError that says which entry to correct, and how.
 */
export function readMoreStores(list: string, main: Store): Store[] {
  const entries = list === 'none' ? [] : parseJson(list);
  if (!Array.isArray(entries))
    throw new SettingError('this must be none, or a JSON list of stores, each with table and layout');
  const stores = [main];
  for (const [n, entry] of entries.entries()) {
    locate({ path: [`entry ${n + 1}`] }, () => {
      const store = readStore(entry, main);
      const isSame = ({ table, layout }: Store) =>
        table === store.table && JSON.stringify(layout) === JSON.stringify(store.layout);
      if (stores.some(isSame))
        throw new SettingError('an earlier store has the same table and layout: remove one of them');
      stores.push(store);
    });
  }
  return stores.slice(1);
}

function readStore(given: unknown, main: Store): Store {
  const { table, layout, userIdPattern: pattern } = readObject(given, [], ['table', 'layout'], ['userIdPattern']);
  const readPattern = () => readUserIdPattern(readText(pattern, []));
  return {
    table: readText(table, ['table']),
    layout: locate({ path: ['layout'] }, () => readLayout(layout)),
    userIdPattern: pattern === undefined ? main.userIdPattern : locate({ path: ['userIdPattern'] }, readPattern),
  };
}
