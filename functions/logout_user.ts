import middy from '@middy/core';
import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import { newDynamoDB, newSecretsManager } from '../lib/aws/client.ts';
import { type AuditContext, audit, noteCaller, noteRequest } from '../lib/request/audit.ts';
import { type DeadlineContext, deadline } from '../lib/request/deadline.ts';
import { header } from '../lib/request/http.ts';
import { jsonRpc, type RpcContext, readParams } from '../lib/request/json_rpc.ts';
import { readSettings } from '../lib/request/settings.ts';
import { SessionStores } from '../lib/sessions/end_sessions.ts';
import { total } from '../lib/sessions/tally.ts';
import { readUserId } from '../lib/sessions/user_id.ts';
import { bearerToken, checkCaller } from '../lib/token/bearer.ts';
import { verifyToken } from '../lib/token/verify.ts';
import { CALLER } from '../lib/validator/record.ts';
import { prefetch, RemoteRecord } from '../lib/validator/remote_record.ts';

const settings = readSettings(process.env, 'VALIDATOR_SECRET_IDS');
const secrets = newSecretsManager();
const records = settings.secretIds.map((id) => new RemoteRecord(id, settings.validatorMaxAgeMs, secrets, CALLER));
const sessions = new SessionStores(settings, newDynamoDB(settings.stores.length));
await prefetch(records);

/** POST /auth/logout_user/{user_id}: ends all sessions of the user. Returns whether any of them was live. */
export const handler = middy<APIGatewayProxyEventV2, unknown, Error, AuditContext & DeadlineContext & RpcContext>({
  timeoutEarlyInMillis: 0,
})
  .use(audit('logout_user'))
  .use(jsonRpc())
  .use(deadline())
  .handler(async (event, context) => {
    const token = bearerToken(header(event, 'authorization'));
    const verified = await verifyToken(token, records, context.deadline);
    noteCaller(context.audit, verified);
    checkCaller(verified, event.pathParameters?.user_id);

    const params = readParams(event, context);
    const { userId, userKeys } = readUserId(event.pathParameters?.user_id, settings.stores);
    noteRequest(context.audit, userId, params.reason);

    await sessions.endSessions(userKeys, context.deadline, context.audit.tallies);
    return total(context.audit.tallies).live > 0;
  });
