import { setTimeout as sleep } from 'node:timers/promises';
import {
  type AttributeValue,
  BatchWriteItemCommand,
  ConditionalCheckFailedException,
  DeleteItemCommand,
  type DeleteItemCommandInput,
  DynamoDBClient,
  QueryCommand,
  type QueryCommandInput,
  type QueryCommandOutput,
  type WriteRequest,
} from '@aws-sdk/client-dynamodb';
import { awsError, clientSettings } from './aws.ts';
import type { Settings } from './config.ts';
import type { Layout } from './layout.ts';
import { Pace } from './pace.ts';

const BATCH = 25; // the most that BatchWriteItem takes
const SETTLE_PASSES = 2;

type Item = Record<string, AttributeValue>;

/** What became of a user's session items, counted as they go: it tells the truth about a failed logout too. */
export type Tally = {
  live: number;
  expired: number;
  writtenBack: number;
  passes: number;
  retries: number;
  throttles: number;
};

/** One look at the user's items: `wanted` picks those to delete, `gone` is told of each one deleted. */
type Pass = {
  user: AttributeValue;
  deadline: AbortSignal;
  pace: Pace;
  wanted: (id: string) => boolean;
  gone: (id: string, live: boolean) => void;
};

/** The table that holds the sessions, in the layout of the library that writes them. */
export class SessionTable {
  readonly #table: string;
  readonly #layout: Layout;
  readonly #settleMs: number;
  readonly #query: QueryCommandInput;
  readonly #reads = new DynamoDBClient(clientSettings(3));
  readonly #writes = new DynamoDBClient({ ...clientSettings(1), requestHandler: this.#reads.config.requestHandler });

  constructor({ table, layout, settleMs }: Settings) {
    this.#table = table;
    this.#layout = layout;
    this.#settleMs = settleMs;
    this.#query = userQuery(table, layout);
  }

  /**
   * Deletes every session item of the user. Returns when none of those that were there is left; throws ServiceError
   * UNAVAILABLE when AWS fails or the deadline comes first: then some may be left, and repeating is safe.
   */
  async endSessions(user: AttributeValue, deadline: AbortSignal, tally: Tally): Promise<void> {
    const pace = new Pace(deadline);
    const deleted = new Set<string>(); // kept only for settling: a set of 100 000 keys is no small thing
    const gone = (id: string, live: boolean) => {
      tally[live ? 'live' : 'expired']++;
      if (this.#settleMs > 0) deleted.add(id);
    };
    const writtenBack = () => void tally.writtenBack++;
    const pass = (wanted: Pass['wanted'], gone: Pass['gone']) => {
      tally.passes++;
      return this.#pass({ user, deadline, pace, wanted, gone });
    };
    try {
      if (this.#layout.index === null) {
        await pass(() => true, gone); // one consistent Query sees them all
      } else {
        const seen = new Set<string>();
        while ((await pass((id) => seen.size < seen.add(id).size, gone)) > 0); // an index lags: until it shows nothing new
      }
      for (let round = 0; round < SETTLE_PASSES && deleted.size > 0; round++) {
        await sleep(this.#settleMs, undefined, { signal: deadline });
        if ((await pass((id) => deleted.has(id), writtenBack)) === 0) break; // unknown keys are new logins, and live
      }
    } catch (error) {
      throw awsError(error);
    } finally {
      tally.retries = pace.retries;
      tally.throttles = pace.throttles;
    }
  }

  /** Deletes what is wanted of the user's items, page by page; returns how many that were. */
  async #pass(pass: Pass): Promise<number> {
    let found = 0;
    try {
      for await (const page of this.#pages(pass)) {
        const items = page.filter((item) => pass.wanted(this.#id(item)));
        found += items.length;
        if (this.#layout.index === null) {
          for (let at = 0; at < items.length; at += BATCH) {
            const batch = items.slice(at, at + BATCH);
            await pass.pace.start(() => this.#deleteBatch(batch, pass));
          }
        } else {
          for (const item of items) await pass.pace.start(() => this.#deleteOwned(item, pass));
        }
      }
    } finally {
      await pass.pace.finish();
    }
    return found;
  }

  /** Pages of the user's items, keys and expiry only. The next page is queried while the caller works on the last. */
  async *#pages({ user, deadline }: Pass): AsyncGenerator<Item[]> {
    const query = (ExclusiveStartKey?: Item): Promise<QueryCommandOutput> => {
      const values = { ...this.#query.ExpressionAttributeValues, ':user': user };
      const command = new QueryCommand({ ...this.#query, ExpressionAttributeValues: values, ExclusiveStartKey });
      const page = this.#reads.send(command, { abortSignal: deadline });
      page.catch(() => {}); // thrown where it is awaited, not while the page before is being deleted
      return page;
    };
    let next: Promise<QueryCommandOutput> | undefined = query();
    while (next) {
      const page: QueryCommandOutput = await next;
      next = page.LastEvaluatedKey && query(page.LastEvaluatedKey);
      yield page.Items ?? [];
    }
  }

  /** Deletes up to 25 items. DynamoDB hands some back under load; a forgotten one is a session that survives its logout. */
  async #deleteBatch(items: Item[], { deadline, pace, gone }: Pass): Promise<void> {
    let requests: WriteRequest[] = items.map((item) => ({ DeleteRequest: { Key: this.#key(item) } }));
    while (requests.length > 0) {
      const command = new BatchWriteItemCommand({ RequestItems: { [this.#table]: requests } });
      const { UnprocessedItems } = await pace.send(() => this.#writes.send(command, { abortSignal: deadline }));
      requests = UnprocessedItems?.[this.#table] ?? [];
      if (requests.length > 0) await pace.slower();
    }
    const now = Date.now();
    for (const item of items) gone(this.#id(item), !expired(item, this.#layout, now));
  }

  /** Deletes the item only while it is this user's session: between query and delete its key may have changed hands. */
  async #deleteOwned(item: Item, { user, deadline, pace, gone }: Pass): Promise<void> {
    let lost: boolean | undefined;
    // Live or expired is told by the condition that let the delete through: an index need not carry the expiry.
    for (const live of this.#layout.expiry ? [true, false] : [true]) {
      const command = new DeleteItemCommand({
        TableName: this.#table,
        Key: this.#key(item),
        ...ownedBy(user, this.#layout, live),
      });
      const outcome = await pace.send(async (lostAnswers) => {
        try {
          await this.#writes.send(command, { abortSignal: deadline });
          return 'deleted';
        } catch (error) {
          if (!(error instanceof ConditionalCheckFailedException)) throw error;
          return lostAnswers > 0 ? 'lost' : 'refused';
        }
      });
      if (outcome === 'deleted') return gone(this.#id(item), live);
      if (outcome === 'lost') lost ??= live;
    }
    // Refused, but only after an answer was lost on the way: that delete had been carried out.
    if (lost !== undefined) gone(this.#id(item), lost);
  }

  #key(item: Item): Item {
    return Object.fromEntries(this.#layout.tableKey.map((name) => [name, item[name] ?? { NULL: true }]));
  }

  #id(item: Item): string {
    return JSON.stringify(this.#key(item));
  }
}

/** The Query for a user's items but for the user. Of an index it asks the table's keys only: it may carry no more. */
function userQuery(table: string, { tableKey, index, userKey, sortKey, expiry }: Layout): QueryCommandInput {
  const projected = [...new Set(index === null && expiry ? [...tableKey, expiry.name] : tableKey)];
  // Always by alias: user, token, key, data, ttl and many more are reserved words.
  const names: Record<string, string> = { '#user': userKey.name };
  for (const [n, name] of projected.entries()) names[`#${n}`] = name;
  const query = {
    TableName: table,
    ...(index === null ? { ConsistentRead: true } : { IndexName: index }),
    ProjectionExpression: projected.map((_, n) => `#${n}`).join(', '),
    ExpressionAttributeNames: names,
  };
  if (!sortKey?.beginsWith) return { ...query, KeyConditionExpression: '#user = :user' };
  return {
    ...query,
    KeyConditionExpression: '#user = :user AND begins_with(#sort, :prefix)',
    ExpressionAttributeNames: { ...names, '#sort': sortKey.name },
    ExpressionAttributeValues: { ':prefix': { S: sortKey.beginsWith } },
  };
}

/** The condition that an item still is a session of the user, and a live one where that is asked. */
function ownedBy(user: AttributeValue, { userKey, expiry, guard }: Layout, live: boolean) {
  const conditions = ['#user = :user'];
  const names: Record<string, string> = { '#user': userKey.name };
  const values: Item = { ':user': user };
  if (guard) {
    conditions.push('#guard = :guard');
    names['#guard'] = guard.name;
    values[':guard'] = { S: guard.equals };
  }
  if (live && expiry) {
    conditions.push('(attribute_not_exists(#expiry) OR #expiry > :now)');
    names['#expiry'] = expiry.name;
    values[':now'] = timestamp(Date.now(), expiry.unit);
  }
  return {
    ConditionExpression: conditions.join(' AND '),
    ExpressionAttributeNames: names,
    ExpressionAttributeValues: values,
  } satisfies Partial<DeleteItemCommandInput>;
}

/** Whether the item's time is over; one without a readable expiry is live. */
function expired(item: Item, { expiry }: Layout, now: number): boolean {
  const value = expiry && (item[expiry.name]?.N ?? item[expiry.name]?.S);
  if (!value) return false;
  if (expiry.unit === 'iso') return Date.parse(value) <= now;
  return Number(value) * (expiry.unit === 'seconds' ? 1000 : 1) <= now;
}

function timestamp(now: number, unit: NonNullable<Layout['expiry']>['unit']): AttributeValue {
  if (unit === 'iso') return { S: new Date(now).toISOString() };
  return { N: String(unit === 'seconds' ? now / 1000 : now) };
}
