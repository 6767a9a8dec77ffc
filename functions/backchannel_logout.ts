import middy from '@middy/core';
import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import { type AuditContext, audit, noteCaller, noteResult, noteUser } from '../lib/request/audit.ts';
import { backchannel, logoutToken } from '../lib/request/backchannel.ts';
import { type DeadlineContext, deadline } from '../lib/request/deadline.ts';
import { UNREADABLE } from '../lib/request/http.ts';
import { answer } from '../lib/sessions/logout_result.ts';
import { findUserId } from '../lib/sessions/look_up.ts';
import { SessionStores } from '../lib/sessions/session_stores.ts';
import { readSettings } from '../lib/settings/environment.ts';
import { logoutSubject } from '../lib/token/logout_token.ts';
import { verifyToken } from '../lib/token/verify.ts';
import { OPENID_PROVIDER } from '../lib/validator/record_kind.ts';
import { prefetchRecords } from '../lib/validator/remote_record.ts';

const settings = readSettings(process.env, 'OPENID_PROVIDER_SECRET_IDS');
const sessions = new SessionStores({ ...settings, settleMs: 0 }); // a provider hangs up after a few seconds
const records = await prefetchRecords(settings, OPENID_PROVIDER);

/** POST /auth/backchannel_logout: ends all sessions of the user whom an OpenID provider's logout token names. */
export const handler = middy<APIGatewayProxyEventV2, unknown, Error, AuditContext & DeadlineContext>({
  timeoutEarlyInMillis: 0, // off: lib/request/deadline.ts ends the work in time
})
  .use(audit('backchannel_logout', UNREADABLE))
  .use(backchannel())
  .use(deadline())
  .handler(async (event, context) => {
    const verified = await verifyToken(logoutToken(event), records, context.deadline);
    noteCaller(context.audit, verified);
    const subject = logoutSubject(verified);

    const userId = await findUserId(subject, verified.version.record, sessions, context.deadline);
    noteUser(context.audit, userId);

    const result = await sessions.end(userId, context.deadline);
    noteResult(context.audit, result);
    answer(result);
  });
