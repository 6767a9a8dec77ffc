import { appendFileSync, ftruncateSync, openSync, readFileSync } from 'node:fs';
import { fromPrintable, printable } from '../request/printable.ts';

/** What happened to one user: `result` once the service has said true or false, else why it has not. */
export type Result = { result: boolean } | { status?: number; error: string };

/** The file of an earlier run, and of this one: one JSON line a user, added as soon as the answer is there. */
export class Results {
  /** The users whom the service has answered true or false. */
  readonly done = new Set<string>();
  readonly #address: string;
  readonly #file: number | undefined;

  /** Without a path nothing is kept. Throws a line when the file is not one of this address. */
  constructor(path: string | undefined, address: string) {
    this.#address = address;
    this.#file = path === undefined ? undefined : openSync(path, 'a+');
    if (path === undefined || this.#file === undefined) return;
    const text = readFileSync(path, 'utf8');
    const whole = text.slice(0, text.lastIndexOf('\n') + 1);
    for (const [n, line] of whole.split('\n').slice(0, -1).entries()) this.#read(line, `line ${n + 1} of ${path}`);
    // A run that was killed may have left half a line.
    if (whole !== text) ftruncateSync(this.#file, Buffer.byteLength(whole));
  }

  add(userId: string, result: Result): void {
    if (this.#file === undefined) return;
    const time = new Date().toISOString();
    const line = { time, address: this.#address, user_id: printable(userId), ...result };
    appendFileSync(this.#file, `${JSON.stringify(line)}\n`);
  }

  #read(line: string, where: string): void {
    const { address, user_id, result } = parse(line);
    if (typeof address !== 'string' || typeof user_id !== 'string')
      throw new Error(`${where} is not a result of npm run logout: name another file`);
    if (address !== this.#address)
      throw new Error(`${where} is a result of ${address}, and this is ${this.#address}: name another file`);
    if (typeof result === 'boolean') this.done.add(fromPrintable(user_id));
  }
}

function parse(line: string): Record<string, unknown> {
  try {
    return Object(JSON.parse(line));
  } catch {
    return {};
  }
}
