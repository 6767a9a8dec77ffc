// A stand-in for AWS over TLS, in its own process: one secret, and a DynamoDB with one partition for each user, who at
// first has as many sessions as there are millions in the id. The parent sends orders and questions as messages.
import { once } from 'node:events';
import { createServer } from 'node:https';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';

export type Orders = {
  secretString: string;
  latencyMs: number;
  /** What a partition deletes in a second; more is handed back. */
  deletesPerSecond: number;
};
/** At first its addresses; then the number of sessions left of all users since the last question. */
export type Answer = { secretsManager?: string; dynamodb?: string; left?: number };

type Key = { session_id: { S: string }; user_id: { S: string } };
type Input = {
  TableName?: string;
  ExpressionAttributeValues?: Record<string, { S: string }>;
  ExclusiveStartKey?: Key;
  RequestItems?: Record<string, { DeleteRequest: { Key: Key } }[]>;
  Key?: Key;
};
type Partition = { alive: boolean[]; left: number; allowance: number; at: number };

const PAGE = 2500; // items of 400 bytes in 1 MB
const BURST_SECONDS = 0.1; // of the allowance, for use at once

const partitions = new Map<string, Partition>();
let orders: Orders;

const operations: Record<string, (input: Input) => { status?: number; [member: string]: unknown }> = {
  GetSecretValue: () => ({ SecretString: orders.secretString, VersionId: '1', CreatedDate: 1 }),

  Query({ ExpressionAttributeValues = {}, ExclusiveStartKey }) {
    const userId = Object.values(ExpressionAttributeValues)[0]?.S ?? '';
    const { alive } = partition(userId);
    const Items = [];
    let n = ExclusiveStartKey ? Number(ExclusiveStartKey.session_id.S) + 1 : 0;
    for (; n < alive.length && Items.length < PAGE; n++)
      if (alive[n]) Items.push({ ...key(userId, n), expires_at: { N: '4102444800' } });
    return {
      Items,
      Count: Items.length,
      ScannedCount: Items.length,
      ...(n < alive.length && { LastEvaluatedKey: key(userId, n - 1) }),
    };
  },

  BatchWriteItem({ RequestItems = {} }) {
    const [[table = '', writes = []] = []] = Object.entries(RequestItems);
    const unprocessed = writes.filter(({ DeleteRequest }) => !deleted(DeleteRequest.Key));
    if (unprocessed.length === writes.length) return throttled;
    return { UnprocessedItems: unprocessed.length > 0 ? { [table]: unprocessed } : {} };
  },

  DeleteItem: ({ Key }) => (Key && deleted(Key) ? {} : throttled),
};

const throttled = {
  status: 400,
  __type: 'com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException',
  message: 'The level of configured provisioned throughput for the table was exceeded.',
};

function key(userId: string, n: number): Key {
  return { user_id: { S: userId }, session_id: { S: String(n).padStart(36, '0') } };
}

function partition(userId: string): Partition {
  const known = partitions.get(userId);
  if (known) return known;
  const sessions = Math.floor(Number(userId) / 1e6);
  const created = {
    alive: Array.from({ length: sessions }, () => true),
    left: sessions,
    allowance: orders.deletesPerSecond * BURST_SECONDS,
    at: performance.now(),
  };
  partitions.set(userId, created);
  return created;
}

/** Deletes the item if the partition's allowance lets it. */
function deleted({ user_id, session_id }: Key): boolean {
  const place = partition(user_id.S);
  const now = performance.now();
  const { deletesPerSecond } = orders;
  place.allowance = Math.min(
    deletesPerSecond * BURST_SECONDS,
    place.allowance + ((now - place.at) / 1000) * deletesPerSecond,
  );
  place.at = now;
  if (place.allowance < 1) return false;
  place.allowance--;
  if (place.alive[Number(session_id.S)]) place.left--;
  place.alive[Number(session_id.S)] = false;
  return true;
}

process.on('message', (message: { orders: Orders } | { report: true }) => {
  if ('orders' in message) orders = message.orders;
  else {
    answer({ left: [...partitions.values()].reduce((sum, { left }) => sum + left, 0) });
    partitions.clear();
  }
});
process.on('disconnect', () => process.exit());

// Two addresses, as AWS has: a client needs a connection to each.
const servers = [listen(), listen()] as const;
Promise.all(servers).then(([secretsManager, dynamodb]) => answer({ secretsManager, dynamodb }));

async function listen(): Promise<string> {
  const server = createServer({ key: process.env.TLS_KEY, cert: process.env.TLS_CERT }, async (request, response) => {
    const target = String(request.headers['x-amz-target']).replace(/^.*\./, '');
    const input: Input = JSON.parse(await text(request));
    await sleep(orders.latencyMs);
    const { status = 200, ...body } = operations[target]?.(input) ?? {
      status: 400,
      __type: 'UnknownOperationException',
    };
    const json = JSON.stringify(body);
    response
      .writeHead(status, { 'content-type': 'application/x-amz-json-1.0', 'content-length': json.length })
      .end(json);
  });
  server.keepAliveTimeout = 60_000;
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('a TCP address was expected');
  return `https://127.0.0.1:${address.port}`;
}

function answer(message: Answer): void {
  process.send?.(message);
}
