import { after } from 'node:test';
import type { Layout } from '../../lib/sessions/layout.ts';
import { startLocalAws } from '../local/aws.ts';
import { type Answer, coldStart } from '../setup/lambda.ts';
import { newRecord, signToken, storeRecord } from '../setup/tokens.ts';

/** Logs a user out by the route. */
export type Logout = (userId: string) => Promise<Answer>;

/** Starts a local AWS for the test file; its `route` is the function on one of its tables, in any layout. */
export async function startRoute() {
  const aws = await startLocalAws();
  Object.assign(process.env, aws.environment);
  after(() => aws.close());
  const record = newRecord();
  const secretId = await storeRecord(record);

  const route = async (
    table: string,
    layout: string | Layout,
    environment: Record<string, string> = {},
  ): Promise<Logout> => {
    const lambda = await coldStart({
      VALIDATOR_SECRET_IDS: secretId,
      SESSIONS_TABLE: table,
      SESSION_LAYOUT: typeof layout === 'string' ? layout : JSON.stringify(layout),
      USER_ID_PATTERN: '.+',
      ...environment,
    });
    return async (userId) => lambda.invoke({ userId, token: await signToken(record.secret_key) });
  };
  return { aws, route };
}
