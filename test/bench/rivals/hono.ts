// (c) Hono: its Lambda adapter and its jwt, one batch at a time; bundled.
import { Hono } from 'hono';
import { handle } from 'hono/aws-lambda';
import { verify } from 'hono/jwt';
import { endSessions, readValidator } from './sequential.ts';

const app = new Hono();

app.post('/auth/logout_user/:user_id', async (c) => {
  const { secret_key, audience, issuer } = await readValidator();
  const token = c.req.header('authorization')?.replace('Bearer ', '') ?? '';
  await verify(token, secret_key, { alg: 'HS256', aud: audience, iss: issuer });
  const { id = null } = await c.req.json();
  const result = (await endSessions(c.req.param('user_id'))) > 0;
  return c.json({ jsonrpc: '2.0', id, result });
});

export const handler = handle(app);
