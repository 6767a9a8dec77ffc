// Checks on JSON that an operator writes. Each throws one line that says what to correct.

export function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return refuse('this is not valid JSON: correct its quotes, commas and brackets');
  }
}

/** The members of an object; null counts as absent. Refuses unknown and missing members. */
export function members(
  given: unknown,
  where: string,
  required: string[],
  optional: string[] = [],
): Record<string, unknown> {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) return refuse(`${where} must be an object`);
  const object = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== null));
  const allowed = [...required, ...optional];
  const unknown = Object.keys(given).find((name) => !allowed.includes(name));
  if (unknown !== undefined) {
    refuse(
      `${where} has the unknown member ${quote(unknown)}: remove it; the allowed members are ${allowed.join(', ')}`,
    );
  }
  const missing = required.find((name) => object[name] === undefined);
  if (missing !== undefined) refuse(`${where} lacks the member ${quote(missing)}: add it`);
  return object;
}

export function text(given: unknown, where: string): string {
  return typeof given === 'string' && given !== '' ? given : refuse(`${where} must be text that is not empty`);
}

export function oneOf<T extends string>(given: unknown, where: string, allowed: T[]): T {
  return allowed.find((value) => value === given) ?? refuse(`${where} must be one of ${allowed.join(', ')}`);
}

/** As JSON, so that an error stays one line whatever it quotes. */
export function quote(name: string | undefined): string {
  return name === undefined ? 'none' : JSON.stringify(name);
}

/** Puts the name of a setting, or of a part of one, in front of any error that `read` throws. */
export function within<T>(name: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    return refuse(`${name}: ${error instanceof Error ? error.message : error}`);
  }
}

export function refuse(line: string): never {
  throw new Error(line);
}
