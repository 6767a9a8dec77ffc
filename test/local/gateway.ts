import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { after } from 'node:test';
import { gatewayEvent } from '../setup/events.ts';
import type { Lambda } from '../setup/lambda.ts';
import { listen } from './listen.ts';

type Reply = { status: number; headers?: Record<string, string>; body?: string };
export type Arrival = { userId: string; token: string; at: number };
export type Gateway = {
  url: string;
  /** Every request that has come, in order. */
  arrivals: Arrival[];
  /** What to answer to requests for the user, one after the other, in place of the function; `false` ends the connection. */
  faults: Map<string, (Reply | false)[]>;
};

/** API Gateway in front of the function, over HTTP on loopback, until the test file ends. */
export async function startGateway(lambda: Lambda): Promise<Gateway> {
  const gateway: Gateway = { url: '', arrivals: [], faults: new Map() };
  const server = createServer(async (request, response) => {
    const userId = decodeURIComponent(request.url?.match(/^\/auth\/logout_user\/([^/]+)$/)?.[1] ?? '');
    const token = String(request.headers.authorization).replace('Bearer ', '');
    gateway.arrivals.push({ userId, token, at: Date.now() });
    const body = await text(request);
    const fault =
      userId === '' ? { status: 404, body: '{"message":"Not Found"}' } : gateway.faults.get(userId)?.shift();
    if (fault === false) return void response.destroy();
    const answer =
      fault ??
      (await lambda.send(gatewayEvent({ userId, token, headers: { 'content-type': 'application/json' }, body })));
    const content = 'text' in answer ? answer.text : (answer.body ?? '{"message":"Too Many Requests"}');
    for (const [name, value] of Object.entries(answer.headers ?? {})) response.setHeader(name, String(value));
    response.writeHead(answer.status).end(content);
  });
  const { url, close } = await listen(server);
  after(close);
  gateway.url = url;
  return gateway;
}
