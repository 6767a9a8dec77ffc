/** Whose value is wrong: a variable of the environment, a parameter of the deploy, or a variable made from one. */
type Setting = { variable?: string | undefined; parameter?: string | undefined };

const PREDICATE = /^(is|has|must|lacks|needs|may) /;

/**
 * A setting is wrong. `path` leads to the faulty part of its value (entry, member); `what` says what is wrong there and
 * what to do. The message is the one line that an operator reads.
 */
export class SettingError extends Error {
  readonly what: string;
  readonly path: string[];
  readonly variable: string | undefined;
  readonly parameter: string | undefined;

  constructor(what: string, path: string[] = [], { variable, parameter }: Setting = {}) {
    const setting = variable ?? (parameter && `The parameter ${parameter}`);
    const place = [setting, ...path].filter((name) => name !== undefined).join(': ');
    const joint = PREDICATE.test(what) ? ' ' : ': '; // "TABLE is missing", but "TABLE: no table has that name"
    super(`${place && place + joint}${what}${variable && parameter ? ` (parameter ${parameter})` : ''}`);
    this.what = what;
    this.path = path;
    this.variable = variable;
    this.parameter = parameter;
  }
}

/** Runs a check. An error in it is one of this setting, or of the part of one that the path leads to. */
export function locate<T>({ path = [], ...setting }: Setting & { path?: string[] }, check: () => T): T {
  try {
    return check();
  } catch (error) {
    if (!(error instanceof SettingError)) throw error;
    const { what, variable, parameter } = error;
    throw new SettingError(what, [...path, ...error.path], { variable, parameter, ...setting });
  }
}
