import middy from '@middy/core';
import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import { type AuditContext, audit, noteCaller, noteResult, noteSubject, noteUser } from '../lib/request/audit.ts';
import { type DeadlineContext, deadline } from '../lib/request/deadline.ts';
import { MAX_BODY_BYTES, UNREADABLE } from '../lib/request/http.ts';
import { push, pushedToken } from '../lib/request/push.ts';
import { answer } from '../lib/sessions/logout_result.ts';
import { findUserId } from '../lib/sessions/look_up.ts';
import { SessionStores } from '../lib/sessions/session_stores.ts';
import { readSettings } from '../lib/settings/environment.ts';
import { securityEvent } from '../lib/token/security_event.ts';
import { readSubject } from '../lib/token/subject.ts';
import { verifyToken } from '../lib/token/verify.ts';
import { EVENT_TRANSMITTER } from '../lib/validator/record_kind.ts';
import { prefetchRecords } from '../lib/validator/remote_record.ts';

const settings = readSettings(process.env, 'EVENT_TRANSMITTER_SECRET_IDS');
const sessions = new SessionStores({ ...settings, settleMs: 0 }); // a transmitter hangs up, some after one second
const records = await prefetchRecords(settings, EVENT_TRANSMITTER);

/** POST /auth/security_events: ends all sessions of the user whom a pushed Security Event Token is about. */
export const handler = middy<APIGatewayProxyEventV2, unknown, Error, AuditContext & DeadlineContext>({
  timeoutEarlyInMillis: 0, // off: lib/request/deadline.ts ends the work in time
})
  .use(audit('security_events', UNREADABLE))
  .use(push())
  .use(deadline())
  .handler(async (event, context) => {
    const verified = await verifyToken(pushedToken(event), records, context.deadline, MAX_BODY_BYTES);
    noteCaller(context.audit, verified);
    const { identifier, reported } = securityEvent(verified);
    noteSubject(context.audit, identifier, reported);
    const subject = readSubject(identifier, verified.version.record);

    const userId = await findUserId(subject, verified.version.record, sessions, context.deadline);
    noteUser(context.audit, userId);

    const result = await sessions.end(userId, context.deadline);
    noteResult(context.audit, result);
    answer(result);
  });
