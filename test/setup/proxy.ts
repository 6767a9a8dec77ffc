// Stands between the function and a local AWS: captures the requests, and injects faults of the network and of AWS.
import assert from 'node:assert/strict';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { after } from 'node:test';
import { listen } from '../local/listen.ts';

export const AWS_JSON = { 'content-type': 'application/x-amz-json-1.0' };

/** A request as it arrived. */
export type Sent = { operation: string; headers: IncomingHttpHeaders; body: string };

/** A request on its way: `forward` has the local AWS carry it out, with this body or another; `relay` hands an answer back. */
export type Exchange = {
  operation: string;
  body: string;
  response: ServerResponse;
  forward: (body?: string) => Promise<Response>;
  relay: (answer: Response) => Promise<void>;
};

/** What to do with a request instead of passing it on. */
export type Fault = (exchange: Exchange) => void | Promise<void>;

export type Proxy = {
  url: string;
  /** Has the next requests of that operation whose body names the subject (a user, a table, a secret) meet the fault. */
  inject: (operation: string, subject: string, fault: Fault, times?: number) => void;
  /** Ends all faults of the subject. */
  clearFaults: (subject: string) => void;
  /** The requests that come while the work runs, in order. */
  capture: (work: () => Promise<unknown>) => Promise<Sent[]>;
  /** The operations of those requests whose body names the subject. */
  requests: (subject: string, work: () => Promise<unknown>) => Promise<string[]>;
  /** Closes the connections that wait for their next request. */
  closeIdle: () => void;
  /** As a NAT gateway does after a while: resets every connection that is open now when it is next used. */
  forgetConnections: () => void;
};

type Rule = { operation: string; subject: string; fault: Fault; times: number };

const FORWARDED = ['authorization', 'content-type', 'x-amz-date', 'x-amz-target'];

/**
 * Starts a proxy on loopback in front of the service at that address, until the test file ends. The file fails if no
 * request has met one of its faults: a test of that fault would prove nothing.
 */
export async function startProxy(target: string): Promise<Proxy> {
  let rules: Rule[] = [];
  const unmet = new Set<Rule>();
  const seen: Sent[] = [];
  const open = new Set<Socket>();
  const forgotten = new WeakSet<Socket>();

  // If the caller or the service goes away in the meantime, there is nobody left to answer.
  const server = createServer((request, response) => void pass(request, response).catch(() => response.destroy()));

  async function pass(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (forgotten.has(request.socket)) return void request.socket.resetAndDestroy();
    const operation = String(request.headers['x-amz-target']).replace(/^.*\./, '');
    const body = await text(request);
    seen.push({ operation, headers: request.headers, body });
    const headers = FORWARDED.map((name): [string, string] => [name, String(request.headers[name])]);
    const exchange: Exchange = {
      operation,
      body,
      response,
      forward: (changed = body) => fetch(target, { method: 'POST', headers, body: changed }),
      relay: async (answer) => {
        response.writeHead(answer.status, AWS_JSON).end(await answer.text());
      },
    };
    const rule = rules.find((rule) => rule.operation === operation && rule.times > 0 && names(body, rule.subject));
    if (!rule) return exchange.relay(await exchange.forward());
    rule.times--;
    unmet.delete(rule);
    await rule.fault(exchange);
  }

  server.on('connection', (socket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
  });
  const capture = async (work: () => Promise<unknown>) => {
    const start = seen.length;
    await work();
    return seen.slice(start);
  };
  const { url, close } = await listen(server);
  after(close);
  process.once('exit', () => {
    const faults = Array.from(unmet, ({ operation, subject }) => `${operation} ${subject}`);
    assert.deepEqual(faults, [], 'a fault that no request has met');
  });
  return {
    url,
    inject: (operation, subject, fault, times = Number.POSITIVE_INFINITY) => {
      const rule = { operation, subject, fault, times };
      rules.push(rule);
      unmet.add(rule);
    },
    clearFaults: (subject) => {
      rules = rules.filter((rule) => rule.subject !== subject);
    },
    capture,
    requests: async (subject, work) =>
      (await capture(work)).flatMap(({ operation, body }) => (names(body, subject) ? operation : [])),
    closeIdle: () => server.closeIdleConnections(),
    forgetConnections: () => {
      for (const socket of open) forgotten.add(socket);
    },
  };
}

function names(body: string, subject: string): boolean {
  return body.includes(`"${subject}"`);
}
