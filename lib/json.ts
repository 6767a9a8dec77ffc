const NAMES_AND_BRACKETS = /"([^"\\]*(?:\\.[^"\\]*)*)"(\s*:)?|[[\]{}]/g;

/** A name stands twice in one object. `path`: that name, after the one of the outermost object that holds it. */
export class RepeatedNameError extends Error {
  readonly path: string[];

  constructor(path: string[]) {
    super('a name stands twice in one object');
    this.path = path;
  }
}

/**
 * Parses JSON in which no object has a name twice, at any depth: of such, readers take either the first or the last
 * (RFC 8259 §4). Throws RepeatedNameError, or a SyntaxError, whose message quotes the text.
 */
export function parseStrictJson(text: string): unknown {
  const value: unknown = JSON.parse(text);
  checkNames(text);
  return value;
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Goes through text that is known to be JSON. */
function checkNames(text: string): void {
  const open: Set<string>[] = []; // the names of each object or list that has begun; a list has none
  let outermost: string | undefined;
  for (const [token, written = '', colon] of text.matchAll(NAMES_AND_BRACKETS)) {
    if (token === '{' || token === '[') open.push(new Set());
    else if (token === '}' || token === ']') open.pop();
    else if (colon) {
      const name: string = written.includes('\\') ? JSON.parse(`"${written}"`) : written;
      const names = open.at(-1);
      if (names?.has(name)) throw new RepeatedNameError(open.length > 1 && outermost ? [outermost, name] : [name]);
      names?.add(name);
      if (open.length === 1) outermost = name;
    }
  }
}
