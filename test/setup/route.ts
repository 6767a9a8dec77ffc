import { after } from 'node:test';
import type { Layout } from '../../lib/sessions/layout.ts';
import { startLocalAws } from '../local/aws.ts';
import { type Answer, coldStart, FUNCTIONS, type FunctionName, type Lambda } from './lambda.ts';
import { type Sent, startProxy } from './proxy.ts';
import { createTable } from './tables.ts';
import { newRecord, signToken, storeRecord } from './tokens.ts';

type Environment = Record<string, string>;

/** Starts a local AWS until the test file ends, and points the SDK to it; its environment points others there. */
export async function startAws(): Promise<Environment> {
  const { environment, close } = await startLocalAws();
  after(close);
  Object.assign(process.env, environment);
  return environment;
}

/** Starts a local AWS with a proxy in front of each of its services. */
export async function startProxiedAws() {
  const { AWS_ENDPOINT_URL_DYNAMODB = '', AWS_ENDPOINT_URL_SECRETS_MANAGER = '' } = await startAws();
  const dynamodb = await startProxy(AWS_ENDPOINT_URL_DYNAMODB);
  const secretsManager = await startProxy(AWS_ENDPOINT_URL_SECRETS_MANAGER);
  const endpoints = {
    AWS_ENDPOINT_URL_DYNAMODB: dynamodb.url,
    AWS_ENDPOINT_URL_SECRETS_MANAGER: secretsManager.url,
  };
  Object.assign(process.env, endpoints);
  /** The requests that come to either service while the work runs: first those to Secrets Manager. */
  const capture = async (work: () => Promise<unknown>): Promise<Sent[]> => {
    let sent: Sent[] = [];
    const read = await secretsManager.capture(async () => {
      sent = await dynamodb.capture(work);
    });
    return [...read, ...sent];
  };
  return { endpoints, dynamodb, secretsManager, capture };
}

const JSON_TYPE = { 'content-type': 'application/json' };

type Started = { table: string; secretIds: string[]; lambda: Lambda };

/** A cold start with these records, each in a secret of its own, on a new table unless the environment names one. */
export async function startFunction(
  name: FunctionName,
  records: unknown[],
  environment: Environment = {},
  beforeStart: (...secretIds: string[]) => void = () => {},
): Promise<Started> {
  const secretIds = await Promise.all(records.map((record) => storeRecord(record)));
  const { SESSION_LAYOUT = 'default', SESSIONS_TABLE = await createTable(SESSION_LAYOUT) } = environment;
  beforeStart(...secretIds);
  const settings = { [FUNCTIONS[name].records]: secretIds.join(), SESSIONS_TABLE, ...environment };
  return { table: SESSIONS_TABLE, secretIds, lambda: await coldStart(settings, name) };
}

/** Logs the user out, but for the sessions with these keys. Lambda leaves the function so much time. */
export type Logout = (userId: string, more?: { except?: string[]; remainingMs?: number }) => Promise<Answer>;
type Route = Started & { secretId: string; key: string; logout: Logout };

/** A cold start of logout_user with a record of its own. */
export async function startRoute(environment?: Environment, beforeStart?: (secretId: string) => void): Promise<Route> {
  const record = newRecord();
  const key = record.secret_key;
  const started = await startFunction('logout_user', [record], environment, beforeStart);
  const logout: Logout = async (userId, { except, remainingMs } = {}) => {
    const params = except && { headers: JSON_TYPE, body: JSON.stringify({ params: { except } }) };
    return started.lambda.invoke({ userId, token: await signToken(key), ...params }, remainingMs);
  };
  return { ...started, secretId: started.secretIds.join(), key, logout };
}

/** A cold start on a table with that layout, for user ids of any form. Returns its logout. */
export async function startLogout(
  table: string,
  layout: string | Layout,
  environment: Record<string, string> = {},
): Promise<Logout> {
  const SESSION_LAYOUT = typeof layout === 'string' ? layout : JSON.stringify(layout);
  return (await startRoute({ SESSIONS_TABLE: table, SESSION_LAYOUT, USER_ID_PATTERN: '.+', ...environment })).logout;
}
