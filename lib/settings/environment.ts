import type { Store } from '../sessions/store.ts';
import { quote } from './json.ts';
import { readLayout } from './layout.ts';
import { locate, SettingError } from './setting_error.ts';
import { readMoreStores } from './stores.ts';
import { defaultUserIdPattern, readUserIdPattern } from './user_id_pattern.ts';

export type Settings = {
  secretIds: string[];
  validatorMaxAgeMs: number;
  stores: [main: Store, ...more: Store[]];
  settleMs: number;
};

/** The variable that names the validator records: each function has its own. */
export type RecordsVariable =
  | 'VALIDATOR_SECRET_IDS'
  | 'OPENID_PROVIDER_SECRET_IDS'
  | 'REVOCATION_ISSUER_SECRET_IDS'
  | 'EVENT_TRANSMITTER_SECRET_IDS';

/** Reads and checks the function's environment. Throws a SettingError that names the variable. */
export function readSettings(env: NodeJS.ProcessEnv, recordsVariable: RecordsVariable): Settings {
  const read = <T>(variable: string, fallback: string, check: (value: string) => T) =>
    locate({ variable }, () => check(env[variable]?.trim() || fallback));
  const main = {
    table: read('SESSIONS_TABLE', '', required('the name of the DynamoDB table that holds the sessions')),
    layout: read('SESSION_LAYOUT', 'default', readLayout),
    userIdPattern: read('USER_ID_PATTERN', defaultUserIdPattern(env.SESSION_LAYOUT), readUserIdPattern),
  };
  return {
    secretIds: read(recordsVariable, '', readRecordIds),
    validatorMaxAgeMs: read('VALIDATOR_MAX_AGE_SECONDS', '300', milliseconds(3600)),
    stores: [main, ...read('MORE_STORES', 'none', (list) => readMoreStores(list, main))],
    settleMs: read('SETTLE_SECONDS', '0', milliseconds(10)),
  };
}

function required(meaning: string) {
  return (value: string): string => {
    if (value === '') throw new SettingError(`is missing: set it to ${meaning}`);
    return value;
  };
}

function readRecordIds(list: string): string[] {
  const given = required('the ids or ARNs of the validator records in Secrets Manager, comma separated')(list);
  const ids = given.split(',').map((id) => id.trim());
  if (ids.includes('')) throw new SettingError('has an empty entry: remove the extra comma');
  return ids;
}

/** Reads a number of seconds. */
function milliseconds(maxSeconds: number) {
  return (text: string): number => {
    const seconds = Number(text);
    if (/^\d+(\.\d+)?$/.test(text) && seconds <= maxSeconds) return 1000 * seconds;
    throw new SettingError(`is ${quote(text)}: set it to a number of seconds from 0 to ${maxSeconds}`);
  };
}
