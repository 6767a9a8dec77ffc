import middy from '@middy/core';
import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import { type AuditContext, audit, noteCaller, noteReason, noteResult, noteUser } from '../lib/request/audit.ts';
import { type DeadlineContext, deadline } from '../lib/request/deadline.ts';
import { header } from '../lib/request/http.ts';
import { jsonRpc, type RpcContext, readParams, readRequest } from '../lib/request/json_rpc.ts';
import { answer } from '../lib/sessions/logout_result.ts';
import { SessionStores } from '../lib/sessions/session_stores.ts';
import { readSettings } from '../lib/settings/environment.ts';
import { bearerToken, checkCaller } from '../lib/token/bearer.ts';
import { verifyToken } from '../lib/token/verify.ts';
import { CALLER } from '../lib/validator/record_kind.ts';
import { prefetchRecords } from '../lib/validator/remote_record.ts';

const settings = readSettings(process.env, 'VALIDATOR_SECRET_IDS');
const sessions = new SessionStores(settings);
const records = await prefetchRecords(settings, CALLER);

/** POST /auth/logout_user/{user_id}: ends all sessions of the user. Returns whether any of them was live. */
export const handler = middy<APIGatewayProxyEventV2, unknown, Error, AuditContext & DeadlineContext & RpcContext>({
  timeoutEarlyInMillis: 0, // off: lib/request/deadline.ts ends the work in time
})
  .use(audit('logout_user'))
  .use(jsonRpc())
  .use(deadline())
  .handler(async (event, context) => {
    const token = bearerToken(header(event, 'authorization'));
    const verified = await verifyToken(token, records, context.deadline);
    noteCaller(context.audit, verified);
    checkCaller(verified, event.pathParameters?.user_id);

    const request = readRequest(event);
    context.rpcId = request.id;
    const { reason, except } = readParams(request);
    const userId = sessions.checkUserId(event.pathParameters?.user_id);
    noteUser(context.audit, userId);
    noteReason(context.audit, reason);

    const result = await sessions.end(userId, context.deadline, except);
    noteResult(context.audit, result);
    return answer(result);
  });
