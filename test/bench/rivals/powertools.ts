// (d) Powertools for AWS Lambda: its HTTP event handler, with jose, one batch at a time; bundled.
import { Router } from '@aws-lambda-powertools/event-handler/http';
import type { Context } from 'aws-lambda';
import { jwtVerify } from 'jose';
import { endSessions, readValidator } from './sequential.ts';

const app = new Router();

app.post('/auth/logout_user/:user_id', async ({ req, params }) => {
  const { secret_key, audience, issuer } = await readValidator();
  const token = req.headers.get('authorization')?.replace('Bearer ', '') ?? '';
  await jwtVerify(token, new TextEncoder().encode(secret_key), { algorithms: ['HS256'], audience, issuer });
  const { id = null } = JSON.parse(await req.text());
  const result = (await endSessions(params.user_id ?? '')) > 0;
  return { jsonrpc: '2.0', id, result };
});

export const handler = (event: unknown, context: Context) => app.resolve(event, context);
