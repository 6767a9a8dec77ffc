import { type ParseArgsOptionsConfig, parseArgs } from 'node:util';

const HELP = { help: { type: 'boolean' } } as const;

/** Reads the command line: so many words, and options that take text. Exits with 0 after --help, with 2 when it does not fit. */
export function readCommand(usage: string, names: string[], words: number) {
  const options: ParseArgsOptionsConfig = Object.fromEntries(names.map((name) => [name, { type: 'string' }]));
  try {
    const { values, positionals } = parseArgs({ options: { ...options, ...HELP }, allowPositionals: true });
    if (values.help) {
      console.log(usage);
      process.exit(0);
    }
    if (positionals.length !== words) throw new Error(`${positionals.length} arguments given, ${words} expected`);
    const option = new Map<string, string>();
    for (const [name, value] of Object.entries(values)) if (typeof value === 'string') option.set(name, value);
    return { option, words: positionals };
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\n\n${usage}`);
    process.exit(2);
  }
}

/** The service's address without a slash at its end; exits with 2 when it is none. */
export function readUrl(given = 'http://localhost:8069'): URL {
  if (URL.canParse(given) && /^https?:$/.test(new URL(given).protocol)) return new URL(given.replace(/\/*$/, '/'));
  console.error(`--url is not an http address: ${given}`);
  process.exit(2);
}

/** Prints the line and exits with 1. */
export function fail(line: string): never {
  console.error(line);
  process.exit(1);
}
