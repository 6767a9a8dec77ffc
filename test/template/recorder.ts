import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { listen } from '../local/listen.ts';
import { type Call, readCall } from './iam.ts';

/** Passes calls on to a local AWS. `take` hands over those that came since it was last asked. */
export type Recorder = { url: string; take: () => Call[]; close: () => void };

/** Starts a recorder on loopback before the service at that address. */
export async function startRecorder(service: string): Promise<Recorder> {
  let calls: Call[] = [];
  const server = createServer(async (request, response) => {
    const headers = new Headers();
    for (const name of ['authorization', 'content-type', 'x-amz-date', 'x-amz-target'])
      headers.set(name, String(request.headers[name]));
    const body = await text(request);
    calls.push(readCall(String(request.headers['x-amz-target']), body));
    const answer = await fetch(service, { method: 'POST', headers, body });
    response.writeHead(answer.status, { 'content-type': 'application/x-amz-json-1.0' }).end(await answer.text());
  });
  return {
    ...(await listen(server)),
    take: () => {
      const taken = calls;
      calls = [];
      return taken;
    },
  };
}
