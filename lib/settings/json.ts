// Checks on JSON that an operator writes. Each throws a SettingError.
import { isObject } from '../json.ts';
import { SettingError } from './setting_error.ts';

export function parseJson(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch (error) {
    // V8 says where, or quotes what stands there: a setting holds no secret.
    const where = error instanceof Error ? error.message.replace(/\s+/g, ' ') : error;
    throw new SettingError(`this is not valid JSON: ${where}; correct its quotes, commas and brackets`);
  }
}

/** The members of the object at that path; null counts as absent. Refuses unknown and missing members. */
export function readObject(
  given: unknown,
  path: string[],
  required: string[],
  optional: string[] = [],
): Record<string, unknown> {
  if (!isObject(given)) throw new SettingError('must be an object', path);
  const allowed = [...required, ...optional];
  const unknown = Object.keys(given).find((member) => !allowed.includes(member));
  if (unknown !== undefined) {
    const what = `has the unknown member ${quote(unknown)}: remove it; the allowed members are ${allowed.join(', ')}`;
    throw new SettingError(what, path);
  }
  const members = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== null));
  const missing = required.find((member) => members[member] === undefined);
  if (missing !== undefined) throw new SettingError(`lacks the member ${quote(missing)}: add it`, path);
  return members;
}

export function readText(given: unknown, path: string[]): string {
  if (typeof given === 'string' && given !== '') return given;
  throw new SettingError('must be text that is not empty', path);
}

/** The name of a table or an index. */
export function readName(given: unknown, path: string[]): string {
  const name = readText(given, path);
  if (/^[\w.-]{3,255}$/.test(name)) return name;
  throw new SettingError('must be a name: 3 to 255 letters, digits, _, - and .', path);
}

export function readOneOf<T extends string>(given: unknown, path: string[], allowed: T[]): T {
  const found = allowed.find((value) => value === given);
  if (found !== undefined) return found;
  throw new SettingError(`must be one of ${allowed.join(', ')}`, path);
}

/** As JSON, so that an error stays one line whatever it quotes. */
export function quote(name: string | undefined): string {
  return name === undefined ? 'none' : JSON.stringify(name);
}
