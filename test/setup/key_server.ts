import type { ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import { after } from 'node:test';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { listen } from '../local/listen.ts';
import { type Certificate, newCertificate } from './certificate.ts';

type Answer = (response: ServerResponse) => unknown;
export type KeyServer = {
  url: string;
  /** How the next requests are answered: with a key set, or by a function. */
  serve: (answer: Answer | { keys: unknown }) => void;
  /** How many requests come while the work runs. */
  requests: (work: () => Promise<unknown>) => Promise<number>;
};

/** Starts an https server for a key set, with a certificate of its own or that one; if `trusted`, this process accepts it. */
export async function startKeyServer({
  trusted = true,
  certificate,
}: {
  trusted?: boolean;
  certificate?: Certificate;
} = {}): Promise<KeyServer> {
  const shown = certificate ?? (await newCertificate());
  if (trusted) setDefaultCACertificates([...getCACertificates('default'), shown.cert]);
  let answer: Answer = (response) => response.writeHead(404).end();
  let count = 0;
  const server = createServer(shown, (_, response) => {
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
