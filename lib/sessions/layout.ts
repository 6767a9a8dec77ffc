/** Where a session library keeps a user's items; docs/session-stores.md explains each member. */
export type Layout = {
  /** The table's own key: partition key, then the sort key if it has one. */
  tableKey: string[];
  /** The index to find a user's items by; null when the user is the table's partition key. */
  index: string | null;
  /** The key attribute that names the user; `{user_id}` and `{user_id:lower}` in its value are replaced. */
  userKey: { name: string; type: 'S' | 'N'; value: string };
  /** Sort key of the table or index, and the prefix that it has in session items. */
  sortKey?: { name: string; beginsWith: string };
  expiry?: { name: string; unit: 'seconds' | 'milliseconds' | 'iso' };
  /** Only with an index: an attribute that has this value, or one of these, in every session item and in no other. */
  guard?: { name: string; equals: GuardValue | GuardValue[] };
  /** The items that link a provider's account to a user; `{provider}` and `{sub}` in the keys' values are replaced. */
  account?: LookUp;
  /** The items that link an address to a user; `{email}` and `{email:lower}` in the keys' values are replaced. */
  email?: LookUp;
};
export type GuardValue = string | boolean;

/** Where to find the user whom something else names. The table is by default the store's own. */
export type LookUp = {
  table?: string;
  /** Absent: the table's own key. */
  index?: string;
  partitionKey: Attribute;
  sortKey?: Attribute;
  /** The attribute with the user's id, which stands in its value as `{user_id}`; by default the layout's `userKey`. */
  userId?: Attribute;
};
type Attribute = { name: string; value: string };

export const USER_ID_PLACEHOLDER = /\{user_id(:lower)?\}/g;
const MAX_KEY_BYTES = 2048; // of a partition key of type S, in a table or an index

/** Every attribute that the function names in its requests, and so all that its role may touch. */
export function layoutAttributes({ tableKey, userKey, sortKey, expiry, guard }: Layout): string[] {
  const names = [...tableKey, userKey.name, sortKey?.name, expiry?.name, guard?.name];
  return [...new Set(names.filter((name) => name !== undefined))];
}

/**
 * The user's key value, or undefined when this layout cannot hold such an id. For type N only canonical integers of at
 * most 38 digits: "007" would be user 7.
 */
export function userKeyValue({ userKey }: Layout, userId: string): { S: string } | { N: string } | undefined {
  const value = userKey.value.replace(USER_ID_PLACEHOLDER, (_, lower) => (lower ? userId.toLowerCase() : userId));
  if (userKey.type === 'N') return /^(0|-?[1-9]\d{0,37})$/.test(value) ? { N: value } : undefined;
  return Buffer.byteLength(value) <= MAX_KEY_BYTES ? { S: value } : undefined;
}
