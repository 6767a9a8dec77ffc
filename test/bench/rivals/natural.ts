// (b) As people usually write it: middy, jose and the SDK, one batch at a time; deployed unbundled.
import middy from '@middy/core';
import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import { jwtVerify } from 'jose';
import { endSessions, readValidator } from './sequential.ts';

export const handler = middy<APIGatewayProxyEventV2, unknown>().handler(async (event) => {
  const { secret_key, audience, issuer } = await readValidator();
  const token = event.headers.authorization?.replace('Bearer ', '') ?? '';
  await jwtVerify(token, new TextEncoder().encode(secret_key), { algorithms: ['HS256'], audience, issuer });
  const { id = null } = JSON.parse(event.body ?? '{}');
  const result = (await endSessions(event.pathParameters?.user_id ?? '')) > 0;
  return {
    statusCode: 200,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ jsonrpc: '2.0', id, result }),
  };
});
