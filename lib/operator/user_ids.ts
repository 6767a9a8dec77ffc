import { fromPrintable } from '../request/printable.ts';

// User ids as text: those of a list to log out, and those in a file of results.

/**
 * The user ids in a file, each one once: JSON lines with `user_id` when it begins with `{`, else one id a line. Both
 * are read as the audit record writes ids. Throws a line that says which one to correct.
 */
export function readUserIds(text: string): string[] {
  const lines = text.replace(/^\ufeff/, '').split(/\r?\n/);
  const read = /^\s*\{/.test(lines.find((line) => line.trim() !== '') ?? '') ? fromJson : (line: string) => line;
  const userIds = new Set<string>();
  for (const [n, line] of lines.entries()) {
    if (line.trim() === '') continue;
    try {
      userIds.add(fromPrintable(read(line)));
    } catch (error) {
      throw new Error(`line ${n + 1}: ${error instanceof Error ? error.message : error}`);
    }
  }
  return [...userIds];
}

function fromJson(line: string): string {
  let value: unknown;
  try {
    // A number by its digits, even beyond 2^53.
    value = JSON.parse(line, (key, value, { source }) =>
      key === 'user_id' && typeof value === 'number' ? source : value,
    );
  } catch {
    throw new Error('this is not one JSON object: write each on a line of its own (jq -c)');
  }
  const { user_id }: { user_id?: unknown } = Object(value);
  if (typeof user_id !== 'string' || user_id === '') throw new Error('there is no user_id in this object');
  return user_id;
}
