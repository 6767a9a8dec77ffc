import { readLayout } from '../sessions/layout.ts';
import { refuse, within } from '../sessions/members.ts';
import { readMoreStores, readUserIdPattern, type Store } from '../sessions/store.ts';

export type Settings = {
  secretIds: string[];
  validatorMaxAgeMs: number;
  stores: [main: Store, ...more: Store[]];
  settleMs: number;
};

/** The variable that names the validator records: each function has its own. */
type RecordsVariable = 'VALIDATOR_SECRET_IDS' | 'OPENID_PROVIDER_SECRET_IDS';

/** Reads and checks the function's environment. Throws one line that names the variable and says how to correct it. */
export function readSettings(env: NodeJS.ProcessEnv, variable: RecordsVariable): Settings {
  const main = {
    table: required(env, 'SESSIONS_TABLE', 'the name of the DynamoDB table that holds the sessions'),
    layout: within('SESSION_LAYOUT', () => readLayout(env.SESSION_LAYOUT?.trim() || 'default')),
    userIdPattern: readUserIdPattern(env.USER_ID_PATTERN?.trim() || '0|[1-9][0-9]{0,18}', 'USER_ID_PATTERN'),
  };
  return {
    secretIds: required(env, variable, 'the ids or ARNs of the validator records in Secrets Manager, comma separated')
      .split(',')
      .map((id) => id.trim() || refuse(`${variable} has an empty entry: remove the extra comma`)),
    validatorMaxAgeMs: 1000 * seconds(env, 'VALIDATOR_MAX_AGE_SECONDS', 300, 3600),
    stores: [main, ...within('MORE_STORES', () => readMoreStores(env.MORE_STORES?.trim() || 'none', main))],
    settleMs: 1000 * seconds(env, 'SETTLE_SECONDS', 0, 10),
  };
}

function required(env: NodeJS.ProcessEnv, name: string, meaning: string): string {
  return env[name]?.trim() || refuse(`${name} is missing: set it to ${meaning}`);
}

function seconds(env: NodeJS.ProcessEnv, name: string, fallback: number, max: number): number {
  const text = env[name]?.trim() || String(fallback);
  const value = Number(text);
  if (!/^\d+(\.\d+)?$/.test(text) || value > max)
    refuse(`${name} is "${text}": set it to a number of seconds from 0 to ${max}`);
  return value;
}
