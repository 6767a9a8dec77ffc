import { readFileSync } from 'node:fs';
import { type ParseArgsOptionsConfig, parseArgs } from 'node:util';

const HELP = { help: { type: 'boolean' } } as const;

/**
 * Reads the command line: this many words, or any number; the named options, which take text; and flags, which do not.
 * Of an option that is given more than once the last one counts; `lists` has them all. Exits with 0 after --help, with 2
 * on wrong usage.
 */
export function readCommand(usage: string, names: string[], words: number | 'any', flags: string[] = []) {
  refuseSwallowed(usage, [...names, ...flags]);
  const options: ParseArgsOptionsConfig = {};
  for (const name of names) options[name] = { type: 'string', multiple: true };
  for (const name of flags) options[name] = { type: 'boolean' };
  try {
    const { values, positionals } = parseArgs({ options: { ...options, ...HELP }, allowPositionals: true });
    if (values.help) {
      console.log(usage);
      process.exit(0);
    }
    if (words !== 'any' && positionals.length !== words)
      throw new Error(`${positionals.length} arguments given, ${words} expected`);
    const option = new Map<string, string>();
    const lists = new Map<string, string[]>();
    for (const [name, value] of Object.entries(values)) {
      lists.set(name, [value].flat().map(String));
      option.set(name, String([value].flat().at(-1)));
    }
    return { option, lists, words: positionals };
  } catch (error) {
    return refuseUsage(`${error instanceof Error ? error.message : error}\n\n${usage}`);
  }
}

/**
 * Options that do not come after `--` are taken by npm, and show up only in the environment: a logout meant for another
 * service would be carried out on the local one. Exits with 2.
 */
function refuseSwallowed(usage: string, names: string[]): void {
  for (const key of Object.keys(process.env)) {
    const name = key
      .replace(/^npm_config_/, '')
      .toLowerCase()
      .replaceAll('_', '-');
    if (!key.startsWith('npm_config_') || !names.includes(name) || isInNpmrc(name)) continue;
    refuseUsage(`npm kept --${name} for itself, and nothing was done: write -- before the options.\n\n${usage}`);
  }
}

/** Whether the option comes from an .npmrc, whose settings npm hands over too: many have an `email`. */
function isInNpmrc(name: string): boolean {
  const { npm_config_userconfig, NPM_CONFIG_USERCONFIG, npm_config_globalconfig } = process.env;
  return [npm_config_userconfig, NPM_CONFIG_USERCONFIG, npm_config_globalconfig].some((file) => {
    try {
      return new RegExp(`^\\s*${name}\\s*=`, 'm').test(readFileSync(file ?? '', 'utf8'));
    } catch {
      return false;
    }
  });
}

/** An address, by default the service's, with one slash at its end; exits with 2 when it is not an http address. */
export function readUrl(given = 'http://localhost:8069', name = '--url'): URL {
  const url = URL.parse(given.replace(/\/*$/, '/'));
  if (!url || !/^https?:$/.test(url.protocol)) return refuseUsage(`${name} is not an http address: ${given}`);
  if (url.username || url.password) refuseUsage(`${name} has a user or a password in it: leave them out`);
  return url;
}

/** Whether the service at this address is one that `npm start` may have started. */
export function isLocal({ hostname }: URL): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d+){3}$/.test(hostname);
}

/** Why fetch or the SDK got no answer, in a word or two. */
export function failureOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  if (!(cause instanceof Error)) return String(cause);
  return cause.message || ('code' in cause ? String(cause.code) : cause.name);
}

/** Prints what is wrong with the command line and exits with 2. */
export function refuseUsage(text: string): never {
  console.error(text);
  process.exit(2);
}

/** Prints the line and exits with 1. */
export function fail(line: string): never {
  console.error(line);
  process.exit(1);
}
