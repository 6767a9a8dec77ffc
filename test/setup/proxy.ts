// Stands between the function and a local AWS: counts the requests, and does to them what the network and AWS may do.
import { once } from 'node:events';
import {
  Agent,
  createServer,
  request as httpRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http';
import type { Socket } from 'node:net';
import { buffer, text } from 'node:stream/consumers';
import { listen } from '../local/listen.ts';

export type Answer = { status: number; headers: IncomingHttpHeaders; body: Buffer };

/** One request on its way: `forward` has the local AWS carry it out, with this body or another; `relay` hands an answer back. */
export type Exchange = {
  operation: string;
  body: string;
  response: ServerResponse;
  forward: (body?: string) => Promise<Answer>;
  relay: (answer: Answer) => void;
};

/** What becomes of a request instead of being passed on. */
export type Fault = (exchange: Exchange) => void | Promise<void>;

export type Proxy = {
  url: string;
  /** The next requests of that operation whose body names the subject (a user, a table, a secret) meet the fault. */
  inject: (operation: string, subject: string, fault: Fault, times?: number) => void;
  /** Ends all faults of the subject. */
  heal: (subject: string) => void;
  /** The operations that are requested for the subject while the work runs, in order. */
  requests: (subject: string, work: () => Promise<unknown>) => Promise<string[]>;
  /** Closes the connections that wait for their next request. */
  closeIdle: () => void;
  /** As a NAT gateway does after a while: resets every connection that is open now when it is next used. */
  forgetConnections: () => void;
  close: () => void;
};

/** Starts a proxy on loopback before the service at that address. */
export async function startProxy(target: string): Promise<Proxy> {
  let rules: { operation: string; subject: string; fault: Fault; times: number }[] = [];
  const seen: { operation: string; body: string }[] = [];
  const open = new Set<Socket>();
  const forgotten = new WeakSet<Socket>();
  const agent = new Agent({ keepAlive: true });

  // Where the caller or the service goes away in between, there is nobody left to answer.
  const server = createServer((request, response) => void pass(request, response).catch(() => response.destroy()));

  async function pass(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (forgotten.has(request.socket)) return void request.socket.resetAndDestroy();
    const operation = String(request.headers['x-amz-target']).replace(/^.*\./, '');
    const body = await text(request);
    seen.push({ operation, body });
    const exchange: Exchange = {
      operation,
      body,
      response,
      forward: (changed = body) =>
        send(changed, { ...request.headers, 'content-length': String(Buffer.byteLength(changed)) }),
      relay: ({ status, headers, body }) => response.writeHead(status, headers).end(body),
    };
    const rule = rules.find((rule) => rule.operation === operation && rule.times > 0 && names(body, rule.subject));
    if (!rule) return exchange.relay(await exchange.forward());
    rule.times--;
    await rule.fault(exchange);
  }

  async function send(body: string, headers: IncomingHttpHeaders): Promise<Answer> {
    const outgoing = httpRequest(target, { method: 'POST', headers, agent }).end(body);
    const [incoming] = await once(outgoing, 'response');
    outgoing.on('error', () => {}); // the body that ends early says it too
    const answer = await buffer(incoming);
    const { 'transfer-encoding': _, connection: __, ...rest } = incoming.headers;
    return { status: incoming.statusCode, headers: { ...rest, 'content-length': String(answer.length) }, body: answer };
  }

  server.on('connection', (socket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
  });
  const { url, close } = await listen(server);
  return {
    url,
    inject: (operation, subject, fault, times = Number.POSITIVE_INFINITY) =>
      void rules.push({ operation, subject, fault, times }),
    heal: (subject) => {
      rules = rules.filter((rule) => rule.subject !== subject);
    },
    requests: async (subject, work) => {
      const start = seen.length;
      await work();
      return seen.slice(start).flatMap(({ operation, body }) => (names(body, subject) ? operation : []));
    },
    closeIdle: () => server.closeIdleConnections(),
    forgetConnections: () => {
      for (const socket of open) forgotten.add(socket);
    },
    close: () => {
      agent.destroy();
      close();
    },
  };
}

function names(body: string, subject: string): boolean {
  return body.includes(`"${subject}"`);
}
