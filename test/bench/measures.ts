import type { Contestant, Id } from './contestants.ts';
import { type Aws, Environment } from './environment.ts';
import type { Usage } from './runtime.ts';

/** One line of the table: a figure for each contestant that has one. */
export type Row = { measure: string; unit: string; of: Partial<Record<Id, number>> };

export const THROTTLED = '1 000 deletes a second, 3 000 sessions';

/** From this size on Lambda gives a whole core, below it a share in proportion. */
export const WHOLE_CORE_MB = 1769;

const COLD_SECONDS = 25;
const FIRST_ROUNDS = 25;
const WARM_SECONDS = 16;
const GENERATIONS = 2; // V8 compiles slightly different code in each process
const LEAST_ROUNDS = 4;
const WARM_UP_SECONDS = 2;
const LATENCY_ROUNDS = 13;
const GIVE_UP_MS = 10_000;

/** Load and first event, each in a new process: the least CPU of shuffled runs. */
export async function coldStart(aws: Aws, contestants: Contestant[]): Promise<Row[]> {
  aws.behave();
  const runs = new Runs();
  for (const _round of rounds(COLD_SECONDS)) {
    for (const { id, file } of shuffled(contestants)) runs.add(id, await firstAnswerOf(aws, file, 1), 1);
  }
  await noneLeft(aws);
  return [{ measure: 'cold start', unit: 'ms of CPU', of: runs.least(({ cpuMs }) => cpuMs) }];
}

/** From the start of the load to the first answer, at 5 ms a request: the median of shuffled runs, by memory size. */
export async function firstAnswer(aws: Aws, contestants: Contestant[]): Promise<Row[]> {
  aws.behave({ latencyMs: 5 });
  const rows: Row[] = [];
  for (const [size, share] of Object.entries({ '512 MB': 512 / WHOLE_CORE_MB, 'a whole core': 1 })) {
    const runs = new Runs();
    for (let round = 0; round < FIRST_ROUNDS; round++) {
      for (const { id, file } of shuffled(contestants)) runs.add(id, await firstAnswerOf(aws, file, share), 1);
    }
    await noneLeft(aws);
    rows.push({ measure: `first answer, ${size}`, unit: 'ms', of: runs.median(({ wallMs }) => wallMs) });
  }
  return rows;
}

/** The load on a whole core and the first event on its share of one, as Lambda gives them. */
async function firstAnswerOf(aws: Aws, file: string, share: number): Promise<Usage> {
  const environment = new Environment(file, aws.world);
  const load = await environment.loaded();
  const first = await environment.invoke(aws.newUsers(1), 1, share);
  environment.close();
  return { ...first, cpuMs: load.cpuMs + first.cpuMs, wallMs: load.wallMs + first.wallMs };
}

/** An event in a warm environment: the least CPU of shuffled blocks of events. */
export async function warm(aws: Aws, contestants: Contestant[], sessions: number, events: number): Promise<Row[]> {
  const runs = new Runs();
  for (let generation = 0; generation < GENERATIONS; generation++) {
    const warmed = await startAll(aws, contestants);
    for (const _round of rounds(WARM_SECONDS / GENERATIONS)) {
      for (const { id, environment } of shuffled(warmed)) {
        runs.add(id, await environment.invoke(aws.newUsers(sessions, events), events), events);
      }
    }
    for (const { environment } of warmed) environment.close();
  }
  await noneLeft(aws);
  return [{ measure: `warm, ${plural(sessions)}`, unit: 'ms of CPU', of: runs.least(({ cpuMs }) => cpuMs) }];
}

/** An event in a warm environment, while AWS takes 5 ms a request: the median time, for more and more sessions. */
export function latency(aws: Aws, contestants: Contestant[]): Promise<Row[]> {
  return latencies('5 ms a request', [10, 25, 100, 1000, 10_000], aws, contestants);
}

/** The same where an index finds the user: two Queries, and a delete for each session. */
export function latencyByIndex(aws: Aws, contestants: Contestant[]): Promise<Row[]> {
  return latencies('an index, 5 ms a request', [100, 1000], aws, contestants, {
    SESSION_LAYOUT: JSON.stringify({
      tableKey: ['session_id', 'user_id'],
      index: 'owner-index',
      userKey: { name: 'owner', type: 'S', value: '{user_id}' },
      expiry: { name: 'expires_at', unit: 'seconds' },
    }),
  });
}

async function latencies(
  measure: string,
  sizes: number[],
  aws: Aws,
  contestants: Contestant[],
  settings: Record<string, string> = {},
): Promise<Row[]> {
  const warmed = await startAll(aws, contestants, settings);
  const rows: Row[] = [];
  for (const sessions of sizes) {
    aws.behave({ latencyMs: 5 });
    const runs = new Runs();
    for (let round = 0; round < LATENCY_ROUNDS; round++) {
      for (const { id, environment } of shuffled(warmed)) {
        const slow = runs.longest(id) > 1000; // once is enough
        const endless = id === 'document_client' && sessions > 1000; // Lambda would have ended it long before
        if (!slow && !endless) runs.add(id, await environment.invoke(aws.newUsers(sessions)), 1);
      }
    }
    await noneLeft(aws);
    rows.push({ measure: `${measure}, ${plural(sessions)}`, unit: 'ms', of: runs.median(({ wallMs }) => wallMs) });
  }
  for (const { environment } of warmed) environment.close();
  return rows;
}

/** 3 000 sessions in a partition that takes 1 000 deletes a second: how long it takes, and what is left in the end. */
export async function throttled(aws: Aws, contestants: Contestant[]): Promise<Row[]> {
  aws.behave({ latencyMs: 5, deletesPerSecond: 1000 });
  const seconds: Row = { measure: THROTTLED, unit: 's', of: {} };
  const left: Row = { measure: THROTTLED, unit: 'sessions left', of: {} };
  for (const { id, file } of contestants) {
    const environment = await startWarm(aws, file);
    const user = aws.newUsers(3000);
    const giveUp = setTimeout(() => environment.close(), GIVE_UP_MS);
    const usage = await environment.invoke(user).catch(() => undefined);
    clearTimeout(giveUp);
    environment.close();
    if (usage?.answered) seconds.of[id] = usage.wallMs / 1000;
    left.of[id] = await aws.left();
  }
  return [seconds, left];
}

/** The most memory that a process ever held: for one event of 10 sessions, for one of 10 000, for 1 000 of 10. */
export async function memory(aws: Aws, contestants: Contestant[]): Promise<Row[]> {
  aws.behave();
  const peaks = async (measure: string, sessions: number, events: number): Promise<Row> => {
    const runs = new Runs();
    for (const { id, file } of contestants) {
      const environment = await startWarm(aws, file);
      runs.add(id, await environment.invoke(aws.newUsers(sessions, events), events), events);
      environment.close();
    }
    await noneLeft(aws);
    return { measure: `peak of memory, ${measure}`, unit: 'MB', of: runs.median(({ peakMB }) => peakMB) };
  };
  return [
    await peaks('10 sessions', 10, 1),
    await peaks('10 000 sessions', 10_000, 1),
    await peaks('1 000 times 10 sessions', 10, 1000),
  ];
}

type Started = { id: Id; environment: Environment };

/** A warm environment for each contestant: V8 has compiled what is used often, and connections are open. */
async function startAll(aws: Aws, contestants: Contestant[], settings = {}): Promise<Started[]> {
  aws.behave();
  const started = [];
  for (const { id, file } of contestants) {
    const environment = await startWarm(aws, file, settings);
    for (const _round of rounds(WARM_UP_SECONDS)) await environment.invoke(aws.newUsers(100));
    started.push({ id, environment });
  }
  return started;
}

async function startWarm(aws: Aws, file: string, settings = {}): Promise<Environment> {
  const environment = new Environment(file, { ...aws.world, env: { ...aws.world.env, ...settings } });
  await environment.loaded();
  await environment.invoke(aws.newUsers(1));
  return environment;
}

class Runs {
  readonly #runs = new Map<Id, Usage[]>();

  add(id: Id, usage: Usage, events: number): void {
    if (usage.answered !== events) throw new Error(`${id} answered ${usage.answered} of ${events} events with true`);
    this.#runs.set(id, [...(this.#runs.get(id) ?? []), usage]);
  }

  /** ms of its longest run; 0 before the first. */
  longest(id: Id): number {
    return Math.max(0, ...(this.#runs.get(id) ?? []).map(({ wallMs }) => wallMs));
  }

  least(figure: (usage: Usage) => number): Row['of'] {
    return Object.fromEntries([...this.#runs].map(([id, runs]) => [id, Math.min(...runs.map(figure))]));
  }

  median(figure: (usage: Usage) => number): Row['of'] {
    return Object.fromEntries([...this.#runs].map(([id, runs]) => [id, medianOf(runs.map(figure))]));
  }
}

export function medianOf(figures: number[]): number {
  return figures.sort((a, b) => a - b)[figures.length >> 1] ?? Number.NaN;
}

/** Rounds until the time is over. */
function* rounds(seconds: number): Generator<void> {
  const end = performance.now() + seconds * 1000;
  for (let round = 0; round < LEAST_ROUNDS || performance.now() < end; round++) yield;
}

function shuffled<T>(list: T[]): T[] {
  return list
    .map((entry) => ({ entry, at: Math.random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ entry }) => entry);
}

/** Each contestant does the whole work, or the figures mean nothing. */
async function noneLeft(aws: Aws): Promise<void> {
  const left = await aws.left();
  if (left > 0) throw new Error(`${left} sessions were left`);
}

function plural(sessions: number): string {
  return `${sessions.toLocaleString('en').replaceAll(',', ' ')} session${sessions === 1 ? '' : 's'}`;
}
