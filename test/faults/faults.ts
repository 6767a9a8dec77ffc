// What AWS and the network may do to a request, as faults for the proxy.
import { setTimeout as sleep } from 'node:timers/promises';
import { AWS_JSON, type Exchange, type Fault } from '../setup/proxy.ts';

const TRICKLE_MS = 50;

/** A complete answer with this body. */
export function answer(status: number, body: string, headers: Record<string, string> = AWS_JSON): Fault {
  return ({ response }) => void response.writeHead(status, headers).end(body);
}

/** AWS answers with a typed error. */
export function refuse(status: number, type: string, headers: Record<string, string> = {}): Fault {
  const error = { __type: `com.amazonaws.dynamodb.v20120810#${type}`, message: 'arn:aws:dynamodb:secret-detail' };
  return answer(status, JSON.stringify(error), { ...AWS_JSON, ...headers });
}

/** Something in front of AWS answers with a page of HTML. */
export function html(status: number): Fault {
  return answer(status, '<html><body>Service Unavailable</body></html>', { 'content-type': 'text/html' });
}

/** A complete answer, but its body is not what its headers say. */
export const garbled = answer(200, '{"Items":[{"user_id":{"S":"secret-detail"');

/** A complete answer that says nothing. */
export const empty = answer(200, '{}');

/** BatchWriteItem hands `count` deletes of the batch back, or all of them, and carries out the others. */
export function handBack(count = 25): Fault {
  return (exchange) => writeSome(exchange, (deletes) => deletes - count);
}

/** A partition that takes this many deletes a second, and saves up a tenth of that; it hands back or refuses more. */
export function partition(perSecond: number): Fault {
  let capacity = 0;
  let filledAt = performance.now();
  return async (exchange) => {
    const now = performance.now();
    capacity = Math.min(perSecond / 10, capacity + ((now - filledAt) * perSecond) / 1000);
    filledAt = now;
    if (capacity < 1) return refuse(400, 'ProvisionedThroughputExceededException')(exchange);
    await writeSome(exchange, (deletes) => {
      const fits = Math.min(Math.floor(capacity), deletes);
      capacity -= fits;
      return fits;
    });
  };
}

/** The connection is reset instead of an answer. */
export function reset({ response }: Exchange): void {
  response.req.socket.resetAndDestroy();
}

/** The connection is closed cleanly, but before the answer. */
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
  await stall(exchange);
  exchange.response.req.socket.end();
}

/** No answer ever comes. */
export function silence(): void {}

/** The answer stops in the middle; the connection stays open. */
export async function stall({ forward, response }: Exchange): Promise<void> {
  const answer = await forward();
  const body = await answer.text();
  response.writeHead(answer.status, { ...AWS_JSON, 'content-length': Buffer.byteLength(body) });
  response.write(body.slice(0, body.length / 2));
}

/** The answer comes a byte at a time, forever. */
export async function trickle({ response }: Exchange): Promise<void> {
  response.writeHead(200, AWS_JSON);
  while (!response.destroyed) {
    response.write(' ');
    await sleep(TRICKLE_MS);
  }
}

/** The head of the answer comes a byte at a time, forever. */
export async function trickleHead({ response }: Exchange): Promise<void> {
  const { socket } = response.req;
  socket.write('HTTP/1.1 200 OK\r\nx-slow: ');
  while (!socket.destroyed) {
    socket.write('.');
    await sleep(TRICKLE_MS);
  }
}

/** AWS finds the signature's date wrong, and dates its answer an hour ahead of us. */
export function clockSkew(exchange: Exchange): void | Promise<void> {
  exchange.response.sendDate = false;
  return refuse(400, 'InvalidSignatureException', { date: new Date(Date.now() + 3_600_000).toUTCString() })(exchange);
}

/** Passes the request on unharmed: the next fault meets a later one. */
export async function passOn({ forward, relay }: Exchange): Promise<void> {
  await relay(await forward());
}

/** Carries out as many deletes of the batch as `take` says, and hands the rest back. */
async function writeSome(exchange: Exchange, take: (deletes: number) => number): Promise<void> {
  const { RequestItems }: { RequestItems: Record<string, unknown[]> } = JSON.parse(exchange.body);
  const [[table, deletes] = ['', []]] = Object.entries(RequestItems);
  const count = Math.max(0, take(deletes.length));
  if (count > 0) await exchange.forward(JSON.stringify({ RequestItems: { [table]: deletes.slice(0, count) } }));
  const rest = deletes.slice(count);
  await answer(200, JSON.stringify({ UnprocessedItems: rest.length > 0 ? { [table]: rest } : {} }))(exchange);
}
