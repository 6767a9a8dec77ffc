import { type Layout, readLayout } from '../sessions/layout.ts';

export type Settings = {
  secretIds: string[];
  validatorMaxAgeMs: number;
  table: string;
  layout: Layout;
  userIdPattern: RegExp;
  settleMs: number;
};

/** The function's environment, checked. Throws one line that names the variable at fault and the mend. */
export function readSettings(env: NodeJS.ProcessEnv): Settings {
  return {
    secretIds: required(
      env,
      'VALIDATOR_SECRET_IDS',
      'the ids or ARNs of the validator records in Secrets Manager, comma separated',
    )
      .split(',')
      .map((id) => id.trim() || refuse('VALIDATOR_SECRET_IDS has an empty entry: remove the extra comma')),
    validatorMaxAgeMs: 1000 * seconds(env, 'VALIDATOR_MAX_AGE_SECONDS', 300, 3600),
    table: required(env, 'SESSIONS_TABLE', 'the name of the DynamoDB table that holds the sessions'),
    layout: named('SESSION_LAYOUT', () => readLayout(env.SESSION_LAYOUT?.trim() || 'default')),
    userIdPattern: wholeMatch(env.USER_ID_PATTERN?.trim() || '0|[1-9][0-9]{0,18}'),
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

function wholeMatch(pattern: string): RegExp {
  try {
    new RegExp(pattern, 'u'); // by itself first: "a)(b" is only valid between our parentheses
    return new RegExp(`^(?:${pattern})$`, 'u');
  } catch {
    return refuse(`USER_ID_PATTERN is not a regular expression: ${pattern}`);
  }
}

/** What `read` says is wrong is wrong with the variable of that name. */
function named<T>(variable: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    return refuse(`${variable}: ${error instanceof Error ? error.message : error}`);
  }
}

function refuse(line: string): never {
  throw new Error(line);
}
