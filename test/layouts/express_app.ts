import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after } from 'node:test';
import connectDynamoDb from 'connect-dynamodb';
import express from 'express';
import session from 'express-session';

declare module 'express-session' {
  interface SessionData {
    userId: string;
    cart: string[];
  }
}

/** Calls a path of the application with the cookie it was given; returns the body of the answer. */
export type Browser = (method: 'GET' | 'POST', path: string) => Promise<string>;
type SpecialKeys = { specialKeys?: { name: string; type: 'S' }[]; skipThrowMissingSpecialKeys?: boolean };

/** Starts an application whose sessions connect-dynamodb keeps in the table; returns a function to open a browser. */
export async function startExpress(table: string, options: SpecialKeys): Promise<() => Browser> {
  const Store = connectDynamoDb(session);
  const store = new Store({ table, initialized: true, ...options });
  const app = express();
  app.use(session({ store, secret: 'a test', resave: false, saveUninitialized: false, cookie: { maxAge: 3_600_500 } }));
  app.post('/login/:userId', (request, response) => {
    request.session.userId = request.params.userId;
    response.end();
  });
  app.post('/cart', (request, response) => {
    request.session.cart = ['x'];
    response.end();
  });
  app.get('/session-id', ({ sessionID }, response) => void response.end(sessionID));
  app.get('/session', ({ session: { userId, cart } }, response) => void response.json({ userId, cart }));

  const server = app.listen(0, '127.0.0.1');
  await once(server, 'listening');
  after(() => {
    server.close();
    server.closeAllConnections();
  });
  const address = server.address();
  assert.ok(typeof address === 'object' && address);
  return () => {
    let cookie = '';
    return async (method, path) => {
      const response = await fetch(`http://127.0.0.1:${address.port}${path}`, { method, headers: { cookie } });
      cookie = response.headers.getSetCookie()[0]?.split(';')[0] ?? cookie;
      return response.text();
    };
  };
}
