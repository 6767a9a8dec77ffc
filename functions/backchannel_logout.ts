import middy from '@middy/core';
import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import { newDynamoDB, newSecretsManager } from '../lib/aws/client.ts';
import { type AuditContext, audit, noteCaller, noteNoAccount, noteRequest } from '../lib/request/audit.ts';
import { type DeadlineContext, deadline } from '../lib/request/deadline.ts';
import { logoutToken, oauth } from '../lib/request/oauth.ts';
import { readSettings } from '../lib/request/settings.ts';
import { findUserId } from '../lib/sessions/account.ts';
import { SessionStores } from '../lib/sessions/end_sessions.ts';
import { readUserId } from '../lib/sessions/user_id.ts';
import { logoutSubject } from '../lib/token/logout_token.ts';
import { verifyToken } from '../lib/token/verify.ts';
import { OPENID_PROVIDER } from '../lib/validator/record.ts';
import { prefetch, RemoteRecord } from '../lib/validator/remote_record.ts';

const settings = readSettings(process.env, 'OPENID_PROVIDER_SECRET_IDS');
const [secrets, dynamodb] = [newSecretsManager(), newDynamoDB(settings.stores.length)];
const records = settings.secretIds.map(
  (id) => new RemoteRecord(id, settings.validatorMaxAgeMs, secrets, OPENID_PROVIDER),
);
const sessions = new SessionStores({ ...settings, settleMs: 0 }, dynamodb); // a provider hangs up after a few seconds
await prefetch(records);

/** POST /auth/backchannel_logout: ends all sessions of the user whom an OpenID provider's logout token names. */
export const handler = middy<APIGatewayProxyEventV2, unknown, Error, AuditContext & DeadlineContext>({
  timeoutEarlyInMillis: 0,
})
  .use(audit('backchannel_logout'))
  .use(oauth())
  .use(deadline())
  .handler(async (event, context) => {
    const verified = await verifyToken(logoutToken(event), records, context.deadline);
    noteCaller(context.audit, verified);
    const subject = logoutSubject(verified);

    const { record } = verified.version;
    const found = await findUserId(subject, record, settings.stores, dynamodb, context.deadline);
    if (found === undefined) return noteNoAccount(context.audit);
    const { userId, userKeys } = readUserId(found, settings.stores);
    noteRequest(context.audit, userId);

    await sessions.endSessions(userKeys, context.deadline, context.audit.tallies);
  });
