// `npm run races`: logouts while applications write, in every order that fast-check's scheduler comes upon.
import { parseArgs } from 'node:util';
import { explore } from './explore.ts';
import { PLANTED } from './planted.ts';

const USAGE = `Races: logouts while applications write, one step at a time, in ever new orders.

  npm run races -- [options]

  --races    how many; default 20000, which takes some ten minutes
  --seed     of a run to repeat; default: a new one
  --planted  plants one fault after the other in the code instead, and looks for each

Exit code: 0 every answer kept its promise (with --planted: every fault was found), 1 one did not, 2 wrong usage.`;

const { races, seed, planted } = readOptions();
const progress = (done: number) => {
  if (process.stderr.isTTY) process.stderr.write(`\r${done} of ${races} races`);
  else if (done % 1000 === 0) console.error(`${done} of ${races} races`);
};
if (planted) {
  for (const name of Object.keys(PLANTED)) {
    const { races: run, found } = await explore({ seed, races, planted: name });
    console.log(`${found ? 'found' : 'NOT FOUND'}, after ${run} races: ${name}${found ? `\n${found}\n` : ''}`);
    if (!found) process.exitCode = 1;
  }
} else {
  console.log(`seed ${seed}`);
  const { races: run, found } = await explore({ seed, races, progress });
  console.log(`\n${found ?? `${run} races, and every answer kept its promise.`}`);
  if (found) process.exitCode = 1;
}

function readOptions() {
  try {
    const { values } = parseArgs({
      options: {
        races: { type: 'string', default: '20000' },
        seed: { type: 'string', default: String(Date.now() % 1e9) },
        planted: { type: 'boolean', default: false },
        help: { type: 'boolean' },
      },
    });
    if (values.help) {
      console.log(USAGE);
      process.exit(0);
    }
    const [races, seed] = [Number(values.races), Number(values.seed)];
    if (!Number.isSafeInteger(races) || races < 1) throw new Error('--races must be a whole number above 0');
    if (!Number.isSafeInteger(seed)) throw new Error('--seed must be a whole number');
    return { races, seed, planted: values.planted };
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\n\n${USAGE}`);
    process.exit(2);
  }
}
