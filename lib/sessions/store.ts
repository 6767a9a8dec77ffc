import { type Layout, readLayout } from './layout.ts';
import { members, parse, refuse, text, within } from './members.ts';

/** One place where sessions are kept, and the user ids that occur there. */
export type Store = { table: string; layout: Layout; userIdPattern: RegExp };

const HINT =
  '; a needless escape is an error there, and a hyphen in a class needs one: [\\w-\\.]+ is written [\\w.\\-]+';

/** The pattern that a whole user id must match. Throws one line that names the setting. */
export function readUserIdPattern(pattern: string, name: string): RegExp {
  try {
    new RegExp(pattern, 'u'); // on its own first: "a)(b" is valid only between our parentheses
    return new RegExp(`^(?:${pattern})$`, 'u');
  } catch (error) {
    const reason = error instanceof Error ? error.message.replace(/^.*: /s, '') : error;
    const hint = isValidOutsideUnicodeMode(pattern) ? HINT : '';
    const line = pattern.replace(/\s/g, ' ');
    return refuse(`${name} is not a regular expression in Unicode mode, ${reason}: ${line}${hint}`);
  }
}

function isValidOutsideUnicodeMode(pattern: string): boolean {
  try {
    return Boolean(new RegExp(pattern));
  } catch {
    return false;
  }
}

/**
 * The stores that a JSON list names in addition to the main one; `none` is an empty list. An entry without a pattern of
 * its own uses the main store's. Throws one line that says which entry to correct, and how.
 */
export function readMoreStores(list: string, main: Store): Store[] {
  const entries = list === 'none' ? [] : parse(list);
  if (!Array.isArray(entries)) return refuse('this must be none, or a JSON list of stores, each with table and layout');
  const stores = [main];
  for (const [n, entry] of entries.entries()) {
    within(`entry ${n + 1}`, () => {
      const store = readStore(entry, main);
      const isSame = ({ table, layout }: Store) =>
        table === store.table && JSON.stringify(layout) === JSON.stringify(store.layout);
      if (stores.some(isSame)) refuse('an earlier store has the same table and layout: remove one of them');
      stores.push(store);
    });
  }
  return stores.slice(1);
}

function readStore(given: unknown, main: Store): Store {
  const { table, layout, userIdPattern } = members(given, 'a store', ['table', 'layout'], ['userIdPattern']);
  return {
    table: text(table, 'table'),
    layout: within('layout', () => readLayout(layout)),
    userIdPattern:
      userIdPattern === undefined
        ? main.userIdPattern
        : readUserIdPattern(text(userIdPattern, 'userIdPattern'), 'userIdPattern'),
  };
}
