import { isDeepStrictEqual } from 'node:util';
import type { Layout } from '../sessions/layout.ts';
import { defaultUserIdPattern } from '../settings/user_id_pattern.ts';
import { countSessions, LIBRARIES, type Library, recognise } from './libraries.ts';
import { userIdIn } from './session_item.ts';
import { type Fit, fitOf, type Missing } from './table_fit.ts';
import { adapted, guess } from './table_layout.ts';
import type { Table } from './table_look.ts';

/** Forms of user ids that a pattern need not be more exact about. */
const ID_FORMS = [
  '0|[1-9][0-9]{0,18}',
  '[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}',
  '[0-9a-f]{24}',
  '[0-9A-HJKMNP-TV-Z]{26}',
  '[A-Za-z0-9_\\-]{1,64}',
  '[A-Za-z0-9.@+_\\-]{1,254}',
];
const CASELESS = 4; // the first form that takes letters in either case

/** A layout to hold the table against, and how it was written: a name, or JSON. */
export type Given = { text: string; layout: Layout };
export type Report = {
  table: string;
  /** Whether a logout would find the sessions. */
  fits: boolean;
  library: string | null;
  layout: string | Layout | null;
  params: Record<string, string>;
  missing: Missing[];
  sessions?: { live: number; expired: number };
};
type Choice = { layout: Layout | undefined; marks: string[]; isKnown: boolean };

/** The report on a table of which there is nothing to say but this. */
export function noReport(table: string, what: string, library: string | null = null): Report {
  return { table, fits: false, library, layout: null, params: {}, missing: [{ what, command: null }] };
}

/** Whose sessions the table holds, what to set and what is missing; `layoutHeld` is what the table was held against. */
export function reportOn(table: Table, given?: Given, endpoint?: string): Report & { layoutHeld?: Layout } {
  const found = recognise(table);
  const library = found?.title ?? null;
  const { layout, marks, isKnown } = choose(table, found, given);
  if (!layout) return noReport(table.name, whyNone(table), library);
  const fit = fitOf(table, layout, marks, endpoint);
  const name = nameOf(layout, found, given);
  return {
    table: table.name,
    fits: fit.fits && isKnown,
    library,
    layout: name ?? layout,
    params: { table: table.name, layout: name ?? JSON.stringify(layout), ...patternFor(fit, layout, name) },
    missing: [...(isKnown ? [] : [UNKNOWN]), ...fit.missing, ...others(table, fit)],
    layoutHeld: layout,
  };
}

// Of no library, every item that names the user would be deleted: an order as well as a session.
const UNKNOWN: Missing = {
  what: 'a known library: if every item that names a user is a session, hold the table against this --layout',
  command: null,
};

/** The layout to hold the table against: the one that is given, the library's, or what the attributes suggest. */
function choose(table: Table, found: Library | undefined, given: Given | undefined): Choice {
  if (given) {
    const marks = LIBRARIES.find(({ layoutName }) => layoutName === given.text)?.marks ?? [];
    return { layout: given.layout, marks, isKnown: true };
  }
  if (found) return { layout: adapted(table, found.layout, found.marks), marks: found.marks, isKnown: true };
  return { layout: guess(table), marks: [], isKnown: false };
}

function whyNone({ items }: Table): string {
  if (items.length === 0) return 'sessions: the table is empty, so log in once and look again, or name its --layout';
  return 'the user: no attribute of the items seen names one, so put it beside the session (docs/session-stores.md)';
}

/** The layout's name, where it is just what a library has by that name. */
function nameOf(layout: Layout, found: Library | undefined, given: Given | undefined): string | undefined {
  const named = LIBRARIES.find(({ layoutName }) => layoutName === given?.text);
  return [named, found].find((library) => isDeepStrictEqual(library?.layout, layout))?.layoutName;
}

/** The pattern that the ids of the sessions seen have, unless the layout's default takes them. */
function patternFor({ sessions }: Fit, layout: Layout, name?: string): { userIdPattern?: string } {
  const userIds = sessions.map((item) => userIdIn(item, layout)).filter((userId) => userId !== undefined);
  const takesAll = (form: string) => userIds.every((userId) => new RegExp(`^(${form})$`).test(userId));
  if (takesAll(defaultUserIdPattern(name))) return {};
  const forms = layout.userKey.value.includes(':lower') ? ID_FORMS.slice(CASELESS) : ID_FORMS;
  return { userIdPattern: forms.find(takesAll) ?? '.{1,254}' };
}

/** Whose the other items are: of a second store in the same table or, where none fits, of another layout. */
function others(table: Table, { sessions }: Fit): Missing[] {
  const items = table.items.filter((item) => !sessions.includes(item));
  const found = items.length > 0 ? recognise({ ...table, items }) : undefined;
  const count = found ? countSessions(found, items) : 0;
  if (!found || count === 0) return [];
  const whose = `${count} of the ${table.items.length} items seen are those of ${found.title} (layout ${found.layoutName})`;
  const what = sessions.length > 0 ? `a further store: ${whose}, so name it in moreStores` : `another layout: ${whose}`;
  return [{ what, command: null }];
}
