import assert from 'node:assert/strict';
import { after } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startLocalAws } from '../local/aws.ts';
import { type Answer, coldStart, type Lambda } from './lambda.ts';
import { startProxy } from './proxy.ts';
import { newRecord, signToken, storeRecord } from './tokens.ts';

/** Starts a local AWS with a proxy before each of its services, until the test file ends. */
export async function startFaultyAws() {
  const aws = await startLocalAws();
  const dynamodb = await startProxy(aws.environment.AWS_ENDPOINT_URL_DYNAMODB ?? assert.fail());
  const secretsManager = await startProxy(aws.environment.AWS_ENDPOINT_URL_SECRETS_MANAGER ?? assert.fail());
  after(() => {
    for (const server of [dynamodb, secretsManager, aws]) server.close();
  });
  Object.assign(process.env, aws.environment, {
    AWS_ENDPOINT_URL_DYNAMODB: dynamodb.url,
    AWS_ENDPOINT_URL_SECRETS_MANAGER: secretsManager.url,
  });
  return { dynamodb, secretsManager };
}

/** Logs the user out; like Lambda, it ends a function that has not answered in its time. */
export type Logout = (userId: string, remainingMs?: number) => Promise<Answer>;

/** A cold start on the table with a validator record of its own, which is there before the start. */
export async function startRoute(
  environment: Record<string, string>,
  beforeStart: (secretId: string) => void = () => {},
): Promise<{ secretId: string; lambda: Lambda; key: string; logout: Logout }> {
  const { secret_key: key, ...record } = newRecord();
  const secretId = await storeRecord({ ...record, secret_key: key });
  beforeStart(secretId);
  const lambda = await coldStart({ VALIDATOR_SECRET_IDS: secretId, ...environment });
  const logout: Logout = async (userId, remainingMs = 10_000) => {
    const timeUp = new AbortController();
    const killed = sleep(remainingMs, undefined, { signal: timeUp.signal }).then(() => assert.fail('Task timed out'));
    const answer = lambda.invoke({ userId, token: await signToken(key), remainingMs });
    return Promise.race([answer, killed]).finally(() => timeUp.abort());
  };
  return { secretId, lambda, key, logout };
}

/** Asserts the one answer that the route has for this status; a 200 is asserted by its result. */
export function assertFailure({ status, headers, text }: Answer, expected: 500 | 503): void {
  const error =
    expected === 503
      ? { code: -32000, message: 'Some sessions may be left: send the request again' }
      : { code: -32603, message: 'Internal error' };
  assert.equal(status, expected, text);
  assert.deepEqual(JSON.parse(text), { jsonrpc: '2.0', id: null, error }, 'nothing else is told');
  if (expected === 503) assert.match(String(headers['retry-after']), /^[1-5]$/);
  else assert.equal(headers['retry-after'], undefined);
}
