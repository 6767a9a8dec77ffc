// What AWS and the network do to a request, each as the proxy can do it.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Answer, Exchange, Fault } from '../setup/proxy.ts';

type WriteRequest = { DeleteRequest: { Key: unknown } };
type Batch = { RequestItems: Record<string, WriteRequest[]> };

const TRICKLE_MS = 50;

/** AWS answers with a typed error. */
export function refuse(status: number, type: string, headers: Record<string, string> = {}): Fault {
  return json(
    status,
    { __type: `com.amazonaws.dynamodb.v20120810#${type}`, message: 'arn:aws:dynamodb:secret-detail' },
    headers,
  );
}

/** Something before AWS answers with a page of HTML. */
export function html(status: number): Fault {
  return ({ response }) =>
    void response
      .writeHead(status, { 'content-type': 'text/html' })
      .end('<html><body>Service Unavailable</body></html>');
}

/** A whole answer, its body not what its headers say. */
export function garbled({ response }: Exchange): void {
  response
    .writeHead(200, { 'content-type': 'application/x-amz-json-1.0' })
    .end('{"Items":[{"user_id":{"S":"secret-detail"');
}

/** A whole answer that says nothing. */
export function empty({ response }: Exchange): void {
  response.writeHead(200, { 'content-type': 'application/x-amz-json-1.0' }).end('{}');
}

/** BatchWriteItem carries out none of the batch, or all but so many, and hands the rest back. */
export function handBack(count = 25): Fault {
  return async (exchange) => {
    const { table, deletes } = readBatch(exchange);
    await writeSome(exchange, table, deletes, Math.max(0, deletes.length - count));
  };
}

/** A partition that takes so many deletes a second and saves up a tenth of that; what does not fit is handed back or refused. */
export function partition(perSecond: number): Fault {
  let capacity = 0;
  let filledAt = performance.now();
  return async (exchange) => {
    const now = performance.now();
    capacity = Math.min(perSecond / 10, capacity + ((now - filledAt) * perSecond) / 1000);
    filledAt = now;
    const { table, deletes } =
      exchange.operation === 'BatchWriteItem' ? readBatch(exchange) : { table: '', deletes: [] };
    const fits = Math.min(Math.floor(capacity), deletes.length || 1);
    if (fits === 0) return refuse(400, 'ProvisionedThroughputExceededException')(exchange);
    capacity -= fits;
    if (deletes.length === 0) return exchange.relay(await exchange.forward());
    await writeSome(exchange, table, deletes, fits);
  };
}

/** The connection is reset instead of an answer. */
export function reset({ response }: Exchange): void {
  response.req.socket.resetAndDestroy();
}

/** The connection is closed in order, but before the answer. */
export function hangUp({ response }: Exchange): void {
  response.req.socket.end();
}

/** The request is carried out, and its answer lost. */
export async function loseAnswer(exchange: Exchange): Promise<void> {
  await exchange.forward();
  reset(exchange);
}

/** The connection ends in the middle of the answer. */
export async function truncate(exchange: Exchange): Promise<void> {
  await half(exchange);
  exchange.response.req.socket.end();
}

/** No answer ever comes. */
export function silence(): void {}

/** The answer stops in its middle; the connection stays. */
export async function stall(exchange: Exchange): Promise<void> {
  await half(exchange);
}

/** The answer comes a byte at a time, for ever. */
export async function trickle({ response }: Exchange): Promise<void> {
  response.writeHead(200, { 'content-type': 'application/x-amz-json-1.0' });
  while (!response.destroyed) {
    response.write(' ');
    await sleep(TRICKLE_MS);
  }
}

/** The head of the answer comes a byte at a time, for ever. */
export async function trickleHead({ response }: Exchange): Promise<void> {
  const { socket } = response.req;
  socket.write('HTTP/1.1 200 OK\r\nx-slow: ');
  while (!socket.destroyed) {
    socket.write('.');
    await sleep(TRICKLE_MS);
  }
}

/** AWS finds the signature's date wrong, and dates its answer an hour ahead of us. */
export const clockSkew: Fault = ({ response }) => {
  const date = new Date(Date.now() + 3_600_000).toUTCString();
  const body = { __type: 'com.amazon.coral.service#InvalidSignatureException', message: 'Signature expired' };
  response.sendDate = false;
  response.writeHead(400, { 'content-type': 'application/x-amz-json-1.0', date }).end(JSON.stringify(body));
};

/** Nothing happens: the request is one that the next fault does not meet. */
export async function passOn({ forward, relay }: Exchange): Promise<void> {
  relay(await forward());
}

function json(status: number, body: unknown, headers: Record<string, string> = {}): Fault {
  return ({ response }) =>
    void response
      .writeHead(status, { 'content-type': 'application/x-amz-json-1.0', ...headers })
      .end(JSON.stringify(body));
}

function readBatch({ body }: Exchange): { table: string; deletes: WriteRequest[] } {
  const { RequestItems }: Batch = JSON.parse(body);
  const [entry] = Object.entries(RequestItems);
  if (!entry) throw new Error('a batch was expected');
  return { table: entry[0], deletes: entry[1] };
}

async function writeSome(exchange: Exchange, table: string, deletes: WriteRequest[], count: number): Promise<void> {
  if (count > 0) await exchange.forward(JSON.stringify({ RequestItems: { [table]: deletes.slice(0, count) } }));
  const rest = deletes.slice(count);
  await json(200, { UnprocessedItems: rest.length > 0 ? { [table]: rest } : {} })(exchange);
}

async function half({ forward, response }: Exchange): Promise<void> {
  const { status, headers, body }: Answer = await forward();
  response.writeHead(status, { ...headers, 'content-length': body.length }).write(body.subarray(0, body.length / 2));
}
