import middy from '@middy/core';
import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import { type AuditContext, audit, noteCaller, noteResult, noteSubject, noteUser } from '../lib/request/audit.ts';
import { type DeadlineContext, deadline } from '../lib/request/deadline.ts';
import { header, UNREADABLE } from '../lib/request/http.ts';
import { revocation, subjectIdentifier } from '../lib/request/revocation.ts';
import { answer } from '../lib/sessions/logout_result.ts';
import { findUserId } from '../lib/sessions/look_up.ts';
import { SessionStores } from '../lib/sessions/session_stores.ts';
import { readSettings } from '../lib/settings/environment.ts';
import { bearerToken } from '../lib/token/bearer.ts';
import { checkRevocation } from '../lib/token/revocation.ts';
import { readSubject } from '../lib/token/subject.ts';
import { verifyToken } from '../lib/token/verify.ts';
import { REVOCATION_ISSUER } from '../lib/validator/record_kind.ts';
import { prefetchRecords } from '../lib/validator/remote_record.ts';

const settings = readSettings(process.env, 'REVOCATION_ISSUER_SECRET_IDS');
const sessions = new SessionStores({ ...settings, settleMs: 0 }); // nothing says how long the caller waits
const records = await prefetchRecords(settings, REVOCATION_ISSUER);

/** POST /auth/global_token_revocation: ends all sessions of the user whom the request of an issuer, such as Okta, names. */
export const handler = middy<APIGatewayProxyEventV2, unknown, Error, AuditContext & DeadlineContext>({
  timeoutEarlyInMillis: 0, // off: lib/request/deadline.ts ends the work in time
})
  .use(audit('global_token_revocation', UNREADABLE))
  .use(revocation())
  .use(deadline())
  .handler(async (event, context) => {
    const token = bearerToken(header(event, 'authorization'));
    const verified = await verifyToken(token, records, context.deadline);
    noteCaller(context.audit, verified);
    checkRevocation(verified);

    const identifier = subjectIdentifier(event);
    noteSubject(context.audit, identifier);
    const subject = readSubject(identifier, verified.version.record);

    const userId = await findUserId(subject, verified.version.record, sessions, context.deadline);
    noteUser(context.audit, userId);

    const result = await sessions.end(userId, context.deadline);
    noteResult(context.audit, result);
    answer(result);
  });
