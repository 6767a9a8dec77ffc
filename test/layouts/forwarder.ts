import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { after } from 'node:test';
import { listen } from '../local/listen.ts';
import type { Item } from '../setup/tables.ts';

/** What comes between the answer to the n-th Query and its arrival: the items that it returns are those that arrive. */
export type OnQuery = (items: Item[], query: number) => Item[] | Promise<Item[]>;

type Forwarder = { address: string; stand: (onQuery: OnQuery) => void };

/** Starts a server that passes every call on to DynamoDB until the test file ends; Queries go by way of `stand`. */
export async function startForwarder(dynamodb: string): Promise<Forwarder> {
  let onQuery: OnQuery = (items) => items;
  let queries = 0;
  const server = createServer(async (request, response) => {
    const headers = new Headers();
    for (const name of ['authorization', 'content-type', 'x-amz-date', 'x-amz-target'])
      headers.set(name, String(request.headers[name]));
    const answer = await fetch(dynamodb, { method: 'POST', headers, body: await text(request) });
    let body = await answer.text();
    if (answer.ok && headers.get('x-amz-target')?.endsWith('.Query')) {
      const page: { Items: Item[] } = JSON.parse(body);
      body = JSON.stringify({ ...page, Items: await onQuery(page.Items, ++queries) });
    }
    response.writeHead(answer.status, { 'content-type': 'application/x-amz-json-1.0' }).end(body);
  });
  const { url, close } = await listen(server);
  after(close);
  return {
    address: url,
    stand: (next) => {
      onQuery = next;
      queries = 0;
    },
  };
}
