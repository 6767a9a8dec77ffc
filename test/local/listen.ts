import type { Server } from 'node:http';
import { Server as HttpsServer } from 'node:https';

export type Listening = { url: string; close: () => void };

/** Has the server listen on loopback; port 0 takes a free one. Closing it ends its connections too. */
export async function listen(server: Server | HttpsServer, port = 0): Promise<Listening> {
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('a TCP address was expected');
  return {
    url: `${server instanceof HttpsServer ? 'https' : 'http'}://127.0.0.1:${address.port}`,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
