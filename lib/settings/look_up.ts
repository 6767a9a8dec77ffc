import type { Layout, LookUp } from '../sessions/layout.ts';
import { quote, readName, readObject, readText } from './json.ts';
import { SettingError } from './setting_error.ts';

/** What must be in the values of the keys. Otherwise any account or address, or another's, would be this user's. */
const PLACEHOLDERS = {
  account: { '{provider}': /\{provider\}/g, '{sub}': /\{sub\}/g },
  email: { '{email}': /\{email(:lower)?\}/g },
};

/** Reads a layout's `account` or `email`. */
export function readLookUp(given: unknown, member: keyof typeof PLACEHOLDERS): LookUp {
  const found = readObject(given, [member], ['partitionKey'], ['table', 'index', 'sortKey', 'userId']);
  const lookUp: LookUp = {
    ...(found.table !== undefined && { table: readName(found.table, [`${member}.table`]) }),
    ...(found.index !== undefined && { index: readName(found.index, [`${member}.index`]) }),
    partitionKey: readAttribute(found.partitionKey, `${member}.partitionKey`),
    ...(found.sortKey !== undefined && { sortKey: readAttribute(found.sortKey, `${member}.sortKey`) }),
    ...(found.userId !== undefined && { userId: readAttribute(found.userId, `${member}.userId`) }),
  };
  let values = `${lookUp.partitionKey.value}\n${lookUp.sortKey?.value}`;
  for (const [placeholder, form] of Object.entries(PLACEHOLDERS[member])) {
    const rest = values.replace(form, '');
    if (rest === values)
      throw new SettingError(`needs ${placeholder} in partitionKey.value or sortKey.value`, [member]);
    values = rest;
  }
  const [unknown] = values.match(/\{(provider|sub|email)[^}]*\}?/) ?? [];
  if (unknown) throw new SettingError(`has ${quote(unknown)} in a value: correct it, or write other text`, [member]);
  return lookUp;
}

/** The rules that involve the rest of the layout. */
export function checkLookUp(member: string, lookUp: LookUp, { userKey, tableKey }: Layout): void {
  const { table, index, partitionKey, sortKey, userId } = lookUp;
  const { value } = userId ?? userKey;
  if (!value.includes('{user_id}') || value.split('{user_id').length !== 2) {
    const [where, hint] = userId ? ['userId.value', ''] : ['userKey.value', '; userId may name another'];
    const what = `needs {user_id} once in ${where}, and not {user_id:lower}: the user id is read back from there${hint}`;
    throw new SettingError(what, [member]);
  }
  const isTableKey = partitionKey.name === tableKey[0] && (!sortKey || sortKey.name === tableKey[1]);
  if (table === undefined && index === undefined && !isTableKey) {
    const what = 'has keys that are not those in tableKey: name their index, or their table';
    throw new SettingError(what, [member]);
  }
}

function readAttribute(given: unknown, member: string): { name: string; value: string } {
  const { name, value } = readObject(given, [member], ['name', 'value']);
  return { name: readText(name, [`${member}.name`]), value: readText(value, [`${member}.value`]) };
}
