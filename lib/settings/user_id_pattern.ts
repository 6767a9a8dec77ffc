import { wholePattern } from '../pattern.ts';
import { LIBRARY_USER_IDS } from '../sessions/known_layouts.ts';
import { SettingError } from './setting_error.ts';

const HINT =
  '; a needless escape is an error there, and a hyphen in a class needs one: [\\w-\\.]+ is written [\\w.\\-]+';

/** The pattern where none is set: the ids that the layout's library makes, else whole numbers of up to 19 digits. */
export function defaultUserIdPattern(layoutName = ''): string {
  const name = layoutName.trim();
  return (Object.hasOwn(LIBRARY_USER_IDS, name) && LIBRARY_USER_IDS[name]) || '0|[1-9][0-9]{0,18}';
}

/** The pattern that a whole user id must match. Throws a SettingError. */
export function readUserIdPattern(pattern: string): RegExp {
  try {
    return wholePattern(pattern);
  } catch (error) {
    const reason = error instanceof Error ? error.message.replace(/^.*: /s, '') : error;
    const hint = isValidOutsideUnicodeMode(pattern) ? HINT : '';
    const line = pattern.replace(/\s/g, ' ');
    throw new SettingError(`is not a regular expression in Unicode mode, ${reason}: ${line}${hint}`);
  }
}

function isValidOutsideUnicodeMode(pattern: string): boolean {
  try {
    return Boolean(new RegExp(pattern));
  } catch {
    return false;
  }
}
