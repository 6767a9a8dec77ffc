import { mock } from 'node:test';
import { assertAccepted } from './answers.ts';
import type { Request } from './events.ts';
import { type Answer, coldStart } from './lambda.ts';
import { startProxiedAws } from './route.ts';
import { createTable } from './tables.ts';
import { newRecord, storeRecord, tokenOf } from './tokens.ts';

/** Sends a token to a function; returns the answer. */
export type Send = (token: string, request?: Request, remainingMs?: number) => Promise<Answer>;

/** Starts a local AWS for the test file, behind proxies that count its requests. Only `pass` moves the clock. */
export async function startRecords() {
  mock.timers.enable({ apis: ['Date'], now: Date.now() });
  const { secretsManager: secrets, dynamodb } = await startProxiedAws();
  const table = await createTable('default');

  /** A cold start with these secrets. */
  const startWithSecrets = async (secretIds: string[], settings: Record<string, string> = {}): Promise<Send> => {
    const lambda = await coldStart({
      VALIDATOR_SECRET_IDS: secretIds.join(','),
      SESSIONS_TABLE: table,
      ...settings,
    });
    return (token, request, remainingMs) => lambda.invoke({ userId: '0', token, ...request }, remainingMs);
  };
  /** A cold start with these records, each in a secret of its own. */
  const startWith = async (...records: unknown[]): Promise<Send> =>
    startWithSecrets(await Promise.all(records.map((record) => storeRecord(record))));

  /** A function that has a record in its cache. */
  const warm = async (members: Record<string, unknown> = {}) => {
    const record = newRecord(members);
    const secretId = await storeRecord(record);
    const send = await startWithSecrets([secretId]);
    assertAccepted(await send(await tokenOf(record)), { key_stage: 'current', stale_record: 0 });
    return { record, secretId, send };
  };

  /** A function that has a record in its cache which has since been replaced. */
  const rotated = async (members: Record<string, unknown> = {}) => {
    const { record: old, secretId, send } = await warm(members);
    const fresh = newRecord(members);
    await storeRecord(fresh, secretId);
    return { old, fresh, secretId, send };
  };
  return { startWith, startWithSecrets, warm, rotated, secrets, dynamodb, table };
}

/** Lets the seconds pass. */
export function pass(seconds: number): void {
  mock.timers.tick(1000 * seconds);
}
