import type { ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import { after } from 'node:test';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { listen } from '../local/listen.ts';
import { newCertificate } from './certificate.ts';

type Answer = (response: ServerResponse) => unknown;
export type KeyServer = {
  url: string;
  /** How the next requests are answered: with a key set, or by a function. */
  serve: (answer: Answer | { keys: unknown }) => void;
  /** How many requests come while the work runs. */
  requests: (work: () => Promise<unknown>) => Promise<number>;
};

/** Starts an https server for a key set, with its own certificate; if `trusted`, this process accepts that. */
export async function startKeyServer({ trusted = true } = {}): Promise<KeyServer> {
  const certificate = await newCertificate();
  if (trusted) setDefaultCACertificates([...getCACertificates('default'), certificate.cert]);
  let answer: Answer = (response) => response.writeHead(404).end();
  let count = 0;
  const server = createServer(certificate, (_, response) => {
    count++;
    answer(response);
  });
  const { url, close } = await listen(server);
  after(close);
  return {
    url: `${url}/keys`,
    serve: (next) => {
      answer = typeof next === 'function' ? next : (response) => response.end(JSON.stringify(next));
    },
    requests: async (work) => {
      const before = count;
      await work();
      return count - before;
    },
  };
}
