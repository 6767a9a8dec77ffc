// A request of a logout whose turn has come: it is carried out, or meets its fault. What the logout learns, and what
// it deletes, is noted.
import type { ServerResponse } from 'node:http';
import { mock } from 'node:test';
import type { Layout } from '../../lib/sessions/layout.ts';
import type { Item } from '../setup/tables.ts';
import type { Seen } from './invariant.ts';
import { type Held, relay, type Stage } from './stage.ts';

type Write = { DeleteRequest: { Key: Item } };
type Input = {
  IndexName?: string;
  Key?: Item;
  RequestItems?: Record<string, Write[]>;
  ConditionExpression?: string;
  ExpressionAttributeNames?: Record<string, string>;
};

/** Where it happens: the stores that share the table, an item of another user in each, and how long a Query takes. */
export type Place = { stage: Stage; table: string; stores: Layout[]; others: Item[]; queryMs: number };

/** Carries the request out. Returns what came of it, in words. */
export async function carryOut(held: Held, seen: Seen, fault: string | undefined, place: Place): Promise<string> {
  const { operation, response } = held;
  const input: Input = JSON.parse(held.body);
  if (operation === 'Query') {
    mock.timers.tick(place.queryMs);
    if (place.queryMs > 0) await place.stage.idle();
  }
  if (response.destroyed || fault === 'not carried out') {
    for (const id of idsOf(input)) seen.unanswered.add(id);
    return response.destroyed ? ': its client has given up' : lose(response);
  }
  if (fault === 'throttle') return refuse(response);
  return operation === 'Query' ? query(held, seen, fault, place) : remove(held, input, seen, fault, place);
}

async function query({ body, response }: Held, seen: Seen, fault: string | undefined, place: Place): Promise<string> {
  const { IndexName }: Input = JSON.parse(body);
  const layout = place.stores.find(({ index }) => (index ?? undefined) === IndexName);
  if (!layout) throw new Error(`a Query of no store: ${body}`);
  const { status, text } = await place.stage.call('Query', body);
  if (status !== 200) throw new Error(`a Query fails: ${text}`);
  const page: { Items: Item[] } = JSON.parse(text);
  if (fault === 'lost answer') return lose(response);
  if (IndexName && fault === 'lagging index') page.Items.shift();
  if (IndexName && fault === 'stale index') {
    const there = new Set(page.Items.map(idOf));
    const known = [...seen.shown.values()]
      .filter((shown) => shown.layout === layout)
      .map(({ id }) => ({ id: { S: id } }));
    const another = place.others.filter((item) => item[layout.userKey.name]).map((item) => keyOf(item, layout));
    page.Items.push(...[...known, ...another].filter((item) => !there.has(idOf(item))));
  }
  // In a key layout, what a second Query shows for the first time is a new login.
  for (const item of !IndexName && seen.queried ? [] : page.Items) {
    const shown = { id: idOf(item), layout, live: isLive(layout, item) };
    const name = `${IndexName} ${shown.id}`;
    if (!seen.shown.has(name)) seen.shown.set(name, shown);
  }
  seen.queried = true;
  relay(response, { status, text: JSON.stringify(page) });
  return ` shows ${page.Items.map(idOf).join(' ') || 'nothing'}`;
}

async function remove(
  { operation, body, response }: Held,
  input: Input,
  seen: Seen,
  fault: string | undefined,
  { stage, table, stores }: Place,
): Promise<string> {
  const names = Object.values(input.ExpressionAttributeNames ?? {});
  const layout = stores.find(({ index, userKey }) => index === null || names.includes(userKey.name));
  if (!layout) throw new Error(`a delete of no store: ${body}`);
  const keys = keysOf(input);
  const handedBack = fault === 'unprocessed' && operation === 'BatchWriteItem' ? Math.ceil(keys.length / 2) : 0;
  const taken = keys.slice(0, keys.length - handedBack);
  const before = await Promise.all(taken.map((Key) => itemAt(stage, table, Key)));

  const writes = Object.values(input.RequestItems ?? {}).flat();
  const sent = input.Key ? body : { RequestItems: { [table]: writes.slice(0, taken.length) } };
  const answer = taken.length > 0 ? await stage.call(operation, sent) : { status: 200, text: '{}' };
  const succeeded = answer.status === 200;
  for (const item of succeeded ? before : []) {
    if (item) seen.removals.push({ id: idOf(item), layout, item, live: isLive(layout, item) });
  }
  const what = succeeded
    ? before.map((item) => (item ? 'deleted' : 'was not there')).join(' ') || 'nothing'
    : 'refused';
  if (fault === 'lost answer') {
    for (const id of idsOf(input)) seen.unanswered.add(id);
    return `: ${what}${lose(response)}`;
  }
  const UnprocessedItems = handedBack > 0 ? { [table]: writes.slice(taken.length) } : {};
  relay(response, input.Key ? answer : { status: 200, text: JSON.stringify({ UnprocessedItems }) });
  return `: ${what}${handedBack > 0 ? `, ${handedBack} handed back` : ''}`;
}

/** What the table holds under the key. */
export async function itemAt(stage: Stage, table: string, Key: Item): Promise<Item | undefined> {
  const { text } = await stage.call('GetItem', { TableName: table, Key, ConsistentRead: true });
  const { Item }: { Item?: Item } = JSON.parse(text);
  return Item;
}

/** The request in words. */
export function nameOf({ logout, operation, body }: Held): string {
  const input: Input = JSON.parse(body);
  const { IndexName, ConditionExpression = '' } = input;
  const [isLive, isExpired] = [/NOT \(/, /<= :now/].map((form) => form.test(ConditionExpression));
  const condition = isLive ? ' if live' : isExpired ? ' if expired' : '';
  return [`logout ${logout + 1}:`, operation, IndexName, ...idsOf(input)].filter(Boolean).join(' ') + condition;
}

export function keyOf(item: Item, { tableKey = [] }: Partial<Layout> = {}): Item {
  return Object.fromEntries(tableKey.map((name) => [name, item[name] ?? { S: '' }]));
}

/** The last of its keys, which names a session. */
function idOf({ session_id, id }: Item): string {
  return (session_id ?? id)?.S ?? '';
}

function keysOf({ Key, RequestItems = {} }: Input): Item[] {
  const writes = Object.values(RequestItems).flat();
  return Key ? [Key] : writes.map(({ DeleteRequest }) => DeleteRequest.Key);
}

function idsOf(input: Input): string[] {
  return keysOf(input).map(idOf);
}

function isLive({ expiry }: Layout, item: Item): boolean {
  return Number(item[expiry?.name ?? '']?.N ?? Number.POSITIVE_INFINITY) * 1000 > Date.now();
}

function refuse(response: ServerResponse): string {
  const error = { __type: 'com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException' };
  relay(response, { status: 400, text: JSON.stringify(error) });
  return ': throttled';
}

function lose(response: ServerResponse): string {
  response.req.socket.resetAndDestroy();
  return ', no answer comes';
}
