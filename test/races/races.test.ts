// The promise, proven by many orders of events rather than argued: test/races/invariant.ts says what it is.
import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { test } from 'node:test';
import { ask, explore } from './explore.ts';

test('an answer keeps its promise, whoever goes first: at least 500 races, and as many as 20 s hold', async () => {
  const { races, found } = await explore({ seed: 1, races: 500, seconds: 20 });
  assert.equal(found, undefined, found);
  assert.ok(races >= 500, `${races} races`);
});

test('a seed gives the same steps whenever it is run', async () => {
  const steps = async () => {
    const worker = fork('test/races/batch.ts');
    const report = await ask(worker, { layout: 'index with guard', seed: 7, races: 10 });
    worker.kill();
    return report.steps;
  };
  assert.equal(await steps(), await steps());
});
