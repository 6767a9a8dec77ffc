// A process that runs batches of races. A race that breaks a promise is shrunk to as few steps as fast-check finds.
import { hash } from 'node:crypto';
import fc from 'fast-check';
import { plant } from './planted.ts';
import { type Outcome, runRace } from './race.ts';
import { type Scenario, scenarios } from './scenario.ts';
import { startStage } from './stage.ts';

export type Batch = { layout: string; seed: number; races: number };
/** How many races were run, a hash of all their steps, and the smallest one that breaks a promise, in words. */
export type Report = { races: number; steps: string; found: string | undefined };

plant(process.argv[2]);
const stage = await startStage();
let number = 0;

process.on('message', async ({ layout, seed, races }: Batch) => {
  let steps = '';
  let found: string | undefined;
  const property = fc.asyncProperty(scenarios(layout), fc.scheduler(), async (scenario, scheduler) => {
    const outcome = await runRace(stage, ++number, scenario, scheduler);
    steps = hash('sha256', steps + outcome.steps.join('\n'));
    if (outcome.broken !== undefined) found = inWords(seed, scenario, outcome);
    return outcome.broken === undefined;
  });
  const { numRuns } = await fc.check(property, { seed, numRuns: races });
  process.send?.({ races: numRuns, steps, found } satisfies Report);
});

/** What there was, what happened, and what is wrong with it. */
function inWords(
  seed: number,
  { layout, sessions, faults, settle, slow, keeps }: Scenario,
  { steps, broken }: Outcome,
): string {
  return [
    `Seed ${seed}, layout ${layout}${settle ? `, settling for ${settle} s` : ''}${slow ? ', each Query takes a second' : ''}${keeps ? ', a is to be kept' : ''}.`,
    ...sessions.map(({ writer, expired }, n) => `Session ${'abc'[n]}: ${expired ? 'expired' : 'live'}, ${writer}.`),
    ...faults.map(({ nth, fault }) => `Request ${nth + 1} of logout 1: ${fault}.`),
    ...steps.map((step, n) => `${String(n + 1).padStart(3)}. ${step}`),
    `Broken: ${broken}.`,
  ].join('\n');
}
