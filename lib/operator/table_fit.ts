// Whether a logout finds the sessions of a table by a layout, and what is missing if it does not.
import type { Layout } from '../sessions/layout.ts';
import { type Item, isSession, userIdIn } from './session_item.ts';
import { Commands } from './table_commands.ts';
import type { Index, Table } from './table_look.ts';

/** Something that is missing; `command` adds it, where a command can. */
export type Missing = { what: string; command: string | null };
export type Fit = {
  /** Whether a logout would find the sessions. */
  fits: boolean;
  missing: Missing[];
  /** The items seen that are sessions in this layout. */
  sessions: Item[];
};

/** Holds the table against the layout. `endpoint` is for the commands, where DynamoDB is not AWS's own. */
export function fitOf(table: Table, layout: Layout, marks: string[], endpoint?: string): Fit {
  const commands = new Commands(table, endpoint);
  const sessions = table.items.filter((item) => isSession(item, layout, marks));
  const faults = [
    ...tableFaults(table, layout),
    ...(layout.index === null ? [] : indexFaults(table, layout, layout.index, commands)),
    ...itemFaults(table, layout, sessions),
  ];
  return { fits: faults.length === 0, missing: [...faults, ...hints(table, layout, sessions, commands)], sessions };
}

function tableFaults({ status, key, types }: Table, { tableKey, userKey, index }: Layout): Missing[] {
  const faults = [];
  if (status !== 'ACTIVE' && status !== 'UPDATING')
    faults.push(`the table: it is ${status}, so wait until it is ACTIVE`);
  if (key.join() !== tableKey.join())
    faults.push(`the keys: the table's are ${key.join(' and ')}, the layout's ${tableKey.join(' and ')}`);
  else if (index === null && types.get(userKey.name) !== userKey.type)
    faults.push(`the key's type: ${userKey.name} is ${types.get(userKey.name)}, in the layout ${userKey.type}`);
  return faults.map(withoutCommand);
}

function indexFaults(table: Table, layout: Layout, name: string, commands: Commands): Missing[] {
  const { userKey, sortKey } = layout;
  const index = table.indexes.find((index) => index.name === name);
  const wanted = [userKey.name, ...(sortKey ? [sortKey.name] : [])];
  if (!index) {
    const other = table.indexes.find(({ key }) => key[0] === userKey.name);
    const hint = other ? ` (the index ${other.name} has that key: the layout may name it)` : '';
    const what = `the index ${name} with the key ${wanted.join(' and ')}${hint}`;
    return [{ what, command: commands.addIndex(name, wanted, userKey) }];
  }
  if (index.status === 'CREATING' || index.status === 'BACKFILLING')
    return [
      {
        what: `the index ${name}: it is still being filled, so wait until it is ACTIVE`,
        command: commands.showIndex(name),
      },
    ];
  return keyFaults(index, wanted, table.types.get(userKey.name), userKey).map(withoutCommand);
}

function keyFaults(
  { name, key }: Index,
  wanted: string[],
  type: string | undefined,
  userKey: Layout['userKey'],
): string[] {
  if (key.join() !== wanted.join())
    return [`the index's key: that of ${name} is ${key.join(' and ')}, the layout's ${wanted.join(' and ')}`];
  if (type === userKey.type) return [];
  return [`the index's type: ${userKey.name} is ${type}, in the layout ${userKey.type}`];
}

function itemFaults({ items, key }: Table, layout: Layout, sessions: Item[]): Missing[] {
  const { userKey, tableKey, index } = layout;
  if (items.length === 0 || key.join() !== tableKey.join()) return [];
  if (sessions.length === 0)
    return [withoutCommand(`sessions: none of the ${items.length} items seen is one in this layout`)];
  if (index === null || sessions.some((item) => userIdIn(item, layout) !== undefined)) return [];
  const isOther = sessions.some((item) => item[userKey.name] !== undefined);
  const where = isOther
    ? `${userKey.name} is not of type ${userKey.type} on the ${sessions.length} sessions seen`
    : `${userKey.name} is on none of the ${sessions.length} sessions seen`;
  return [withoutCommand(`the user's attribute: ${where}, and docs/session-stores.md says how to set it`)];
}

/** What does not keep a logout from finding sessions. */
function hints({ items, timeToLive }: Table, layout: Layout, sessions: Item[], commands: Commands): Missing[] {
  const { userKey, expiry } = layout;
  const hints: Missing[] = [];
  if (items.length === 0) hints.push(withoutCommand('sessions: the table is empty, so log in once and look again'));
  const withUser = sessions.filter((item) => userIdIn(item, layout) !== undefined).length;
  if (withUser > 0 && withUser < sessions.length) {
    const rest = 'the others are not found: anonymous, or saved before the attribute was set';
    hints.push(
      withoutCommand(
        `the user's attribute: ${userKey.name} is on ${withUser} of the ${sessions.length} sessions seen; ${rest}`,
      ),
    );
  }
  const isNumber = expiry && sessions.some((item) => item[expiry.name]?.N !== undefined);
  if (expiry?.unit === 'seconds' && timeToLive === null && (isNumber || items.length === 0)) {
    const what = `time to live on ${expiry.name}, or expired sessions stay`;
    hints.push({ what, command: commands.turnOnTimeToLive(expiry.name) });
  }
  return hints;
}

function withoutCommand(what: string): Missing {
  return { what, command: null };
}
