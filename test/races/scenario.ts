// What may happen while a logout runs: layouts, sessions, applications that save them, faults of AWS.
import fc from 'fast-check';
import type { Layout } from '../../lib/sessions/layout.ts';
import { readLayout } from '../../lib/settings/layout.ts';
import type { Item } from '../setup/tables.ts';

const USER = { name: 'userId', type: 'S', value: '{user_id}' } as const;
const SECONDS = { name: 'expires', unit: 'seconds' } as const;
const BY_INDEX: Layout = { tableKey: ['id'], index: 'userId-index', userKey: USER, expiry: SECONDS };

/** The stores of each kind of layout; those of one kind share a table. */
export const STORES: Record<string, [main: Layout, ...more: Layout[]]> = {
  key: [readLayout('default')],
  index: [BY_INDEX],
  'index with sort key': [{ ...BY_INDEX, sortKey: { name: 'kind', beginsWith: 'SESSION#' } }],
  'index with guard': [{ ...BY_INDEX, guard: { name: 'kind', equals: 'session' } }],
  'two stores': [
    BY_INDEX,
    { ...BY_INDEX, index: 'owner-index', userKey: { name: 'owner', type: 'S', value: 'of {user_id}' } },
  ],
};

/** How an application saves a session, step by step. Those in `UNSAFE` do not require that the item still exists. */
export const SAFE = ['none', 'update', 'put', 'two steps', 'two bare steps', 'new id', 'taken over', 'time to live'];
export const UNSAFE = ['upsert', 'put without a condition'];

/** The nth request of the first logout meets it. */
export const FAULTS = ['lost answer', 'not carried out', 'throttle', 'unprocessed', 'stale index', 'lagging index'];

export type Session = { store: number; expired: boolean; writer: string; saves: number };
export type Scenario = {
  layout: string;
  sessions: Session[];
  faults: { nth: number; fault: string }[];
  /** Seconds to settle. */
  settle: 0 | 5;
  secondLogout: boolean;
  /** Each Query takes a second: the time for lag ends after three. Otherwise whoever writes comes before settling. */
  slow: boolean;
  /** The logouts are asked to keep the first session. */
  keeps: boolean;
};

/** Scenarios of one kind of layout. */
export function scenarios(layout: string): fc.Arbitrary<Scenario> {
  const session = fc.record({
    store: fc.nat({ max: (STORES[layout]?.length ?? 1) - 1 }),
    expired: fc.boolean(),
    writer: fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...SAFE) }, fc.constantFrom(...UNSAFE)),
    saves: fc.integer({ min: 1, max: 3 }),
  });
  const fault = fc.record({ nth: fc.nat({ max: 9 }), fault: fc.constantFrom(...FAULTS) });
  return fc
    .record({
      layout: fc.constant(layout),
      sessions: fc.array(session, { minLength: 1, maxLength: 3 }),
      faults: fc.uniqueArray(fault, { maxLength: 2, selector: ({ nth }) => nth }),
      settle: fc.constantFrom(0, 5),
      secondLogout: fc.boolean(),
      slow: fc.boolean(),
      keeps: fc.boolean(),
    })
    .map((scenario) => {
      const endless = scenario.settle > 0 && scenario.sessions.some(({ writer }) => UNSAFE.includes(writer));
      return { ...scenario, slow: scenario.slow && !scenario.secondLogout && !endless };
    });
}

/** The session item as its application writes it; `leave` says which attributes are missing in the middle of a save. */
export function sessionItem(layout: Layout, userId: string, id: string, expired = false, leave: string[] = []): Item {
  const { tableKey, userKey, sortKey, expiry, guard } = layout;
  const kind = sortKey ? `${sortKey.beginsWith}${id}` : 'session';
  const item: Item = {
    ...Object.fromEntries(tableKey.map((name) => [name, { S: id }])),
    [userKey.name]: { S: userKey.value.replace('{user_id}', userId) },
    ...(expiry && { [expiry.name]: { N: String(Math.floor(Date.now() / 1000) + (expired ? -3600 : 3600)) } }),
    ...((sortKey ?? guard) && { kind: { S: kind } }),
  };
  return Object.fromEntries(Object.entries(item).filter(([name]) => !leave.includes(name)));
}

/** One write of an application to DynamoDB. Once one is refused, the application drops the session. */
export type Write = { what: string; operation: string; input: Record<string, unknown> };

/** What the application does to its session, write after write. */
export function writesOf({ writer, saves }: Session, layout: Layout, user: string, other: string, id: string): Write[] {
  const { tableKey, userKey, expiry } = layout;
  const [partition = ''] = tableKey;
  const inKey = userKey.name === partition;
  const whole = sessionItem(layout, user, id);
  const Key = Object.fromEntries(tableKey.map((name) => [name, whole[name] ?? { S: '' }]));
  const exists = { ConditionExpression: 'attribute_exists(#0)', ExpressionAttributeNames: { '#0': partition } };
  const put = (what: string, Item: Item, condition: object = exists): Write => ({
    what,
    operation: 'PutItem',
    input: { Item: { ...Item, data: { S: 'saved' } }, ...condition },
  });
  const update = (what: string, attributes: Item, condition = true): Write => {
    const names = Object.keys(attributes);
    return {
      what,
      operation: 'UpdateItem',
      input: {
        Key,
        UpdateExpression: `SET ${names.map((_, n) => `#a${n} = :a${n}`).join(', ')}`,
        ...(condition && { ConditionExpression: 'attribute_exists(#0)' }),
        ExpressionAttributeNames: {
          ...(condition && { '#0': partition }),
          ...Object.fromEntries(names.map((name, n) => [`#a${n}`, name])),
        },
        ExpressionAttributeValues: Object.fromEntries(names.map((name, n) => [`:a${n}`, attributes[name]])),
      },
    };
  };
  const data: Item = { data: { S: 'saved' }, ...(expiry && { [expiry.name]: whole[expiry.name] ?? { S: '' } }) };
  const rest = Object.fromEntries(Object.entries(whole).filter(([name]) => name === userKey.name || name === 'kind'));
  const again = <T>(writes: T[]) => Array.from({ length: saves }, () => writes).flat();

  switch (writer) {
    case 'update':
      return again([update('saves by UpdateItem, if it exists', data)]);
    case 'put':
      return again([put('saves by PutItem, if it exists', whole)]);
    case 'two steps':
    case 'two bare steps': {
      if (inKey) return again([put('saves by PutItem, if it exists', whole)]);
      const leave = writer === 'two steps' ? [userKey.name] : [userKey.name, 'kind', expiry?.name ?? ''];
      return again([
        put('saves without its user, if it exists', sessionItem(layout, user, id, false, leave)),
        update('adds its user, if it exists', { ...rest, ...data }),
      ]);
    }
    case 'new id':
      return [
        put('is copied to a new id', sessionItem(layout, user, `${id}'`), {}),
        { what: 'is deleted, having a new id', operation: 'DeleteItem', input: { Key } },
      ];
    case 'taken over':
      if (inKey) return [{ what: 'is deleted by its application', operation: 'DeleteItem', input: { Key } }];
      return [
        put('becomes another user’s, if it exists', sessionItem(layout, other, id)),
        update('saves by UpdateItem, if it exists', data),
      ];
    case 'time to live':
      return [
        {
          what: 'is deleted by time to live, if it has expired',
          operation: 'DeleteItem',
          input: {
            Key,
            ConditionExpression: '#e <= :now',
            ExpressionAttributeNames: { '#e': expiry?.name ?? '' },
            ExpressionAttributeValues: { ':now': { N: String(Math.floor(Date.now() / 1000)) } },
          },
        },
      ];
    case 'upsert':
      return again([update('saves by UpdateItem, without a condition', data, false)]);
    case 'put without a condition':
      return again([put('saves by PutItem, without a condition', whole, {})]);
    default:
      return [];
  }
}
