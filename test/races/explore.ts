// Many races, in as many processes as there are cores, until one breaks a promise.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import type { Batch, Report } from './batch.ts';
import { STORES } from './scenario.ts';

const BATCH = 25; // races of one layout and one seed

/** What to explore: at least so many races, and as many more as the seconds hold. */
export type Exploration = {
  seed: number;
  races: number;
  seconds?: number;
  /** A fault to plant in the code: see planted.ts. */
  planted?: string;
  progress?: (races: number) => void;
};

/** Explores. Returns how many races were run, and the first one that breaks a promise, in words. */
export async function explore({ seed, races, seconds = 0, planted, progress }: Exploration) {
  const end = performance.now() + 1000 * seconds;
  const layouts = Object.keys(STORES);
  let next = 0;
  let run = 0;
  let found: string | undefined;
  const work = async () => {
    const worker = fork('test/races/batch.ts', planted ? [planted] : []);
    while (!found && (next * BATCH < races || performance.now() < end)) {
      const number = next++;
      const batch = { layout: layouts[number % layouts.length] ?? '', seed: seed + number, races: BATCH };
      const report = await ask(worker, batch);
      run += report.races;
      found ??= report.found;
      progress?.(run);
    }
    worker.kill();
  };
  await Promise.all(Array.from({ length: availableParallelism() }, work));
  return { races: run, found };
}

/** Has the process run the batch. */
export async function ask(worker: ChildProcess, batch: Batch): Promise<Report> {
  const waiting = new AbortController();
  const { signal } = waiting;
  const ended = once(worker, 'exit', { signal }).then(() =>
    Promise.reject(new Error('a process of the races has ended')),
  );
  worker.send(batch);
  const [report]: Report[] = await Promise.race([once(worker, 'message', { signal }), ended]);
  ended.catch(() => {}); // it is waited for no longer
  waiting.abort();
  if (!report) throw new Error('no report');
  return report;
}
