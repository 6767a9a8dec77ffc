import { startLocalAws } from '../local/aws.ts';
import { startDynamodbLocal } from '../local/dynamodb_local.ts';
import { createTable, type Item, newSessions, putItems } from '../setup/tables.ts';
import { storeRecord } from '../setup/tokens.ts';
import { Environment, newWorld } from './environment.ts';
import { medianOf } from './measures.ts';

/** An engine, and the median time in ms of the same logout beside few and beside many items of other users. */
export type Growth = { engine: string; fewMs: number; manyMs: number };

const FEW = 1000;
const MANY = 100_000;
const SESSIONS = 25;
const CALLS = 40;
const WRITERS = 4;

/** One logout after another, in turn in a table with 1 000 items of others and in one with 100 000, on real engines. */
export async function growth(file: string): Promise<Growth[]> {
  const aws = await startLocalAws();
  Object.assign(process.env, aws.environment);
  const grown = [await grow(file, 'dynalite')];
  const local = await startDynamodbLocal(0).catch(() => undefined);
  if (local) {
    process.env.AWS_ENDPOINT_URL_DYNAMODB = local.url;
    grown.push(await grow(file, 'DynamoDB Local'));
    local.close();
  } else console.error('DynamoDB Local is left out: it needs Java 17 on the PATH.');
  aws.close();
  return grown;
}

async function grow(file: string, engine: string): Promise<Growth> {
  const few = await place(file, FEW);
  const many = await place(file, MANY);
  for (let user = 1; user <= CALLS; user++) {
    for (const { table, environment, times } of user % 2 ? [few, many] : [many, few]) {
      await putItems(table, newSessions(String(user), SESSIONS));
      const { wallMs, answered } = await environment.invoke(user);
      if (!answered) throw new Error(`${engine}: user ${user} was not logged out`);
      times.push(wallMs);
    }
  }
  for (const { environment } of [few, many]) environment.close();
  return { engine, fewMs: medianOf(few.times), manyMs: medianOf(many.times) };
}

/** A table that holds this many items of others, and a warm function that uses it. */
async function place(file: string, others: number) {
  const table = await createTable('default');
  const share = others / WRITERS;
  await Promise.all(Array.from({ length: WRITERS }, (_, n) => putItems(table, itemsOfOthers(n * share, share))));
  const { AWS_ENDPOINT_URL_DYNAMODB = '', AWS_ENDPOINT_URL_SECRETS_MANAGER = '' } = process.env;
  const { AWS_ACCESS_KEY_ID = '', AWS_SECRET_ACCESS_KEY = '' } = process.env; // DynamoDB Local keeps tables by key
  const keys = { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY };
  const addresses = { AWS_ENDPOINT_URL_DYNAMODB, AWS_ENDPOINT_URL_SECRETS_MANAGER };
  const world = newWorld({ ...keys, ...addresses, SESSIONS_TABLE: table });
  world.env.VALIDATOR_SECRET_IDS = await storeRecord(world.secretString);
  const environment = new Environment(file, world);
  await environment.loaded();
  await environment.invoke(0);
  const times: number[] = [];
  return { table, environment, times };
}

/** Sessions of other users, five each. */
function itemsOfOthers(from: number, count: number): Item[] {
  return Array.from({ length: count / 5 }, (_, n) => newSessions(String(1_000_000 + from + n), 5)).flat();
}
