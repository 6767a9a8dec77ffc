// The figures of speed in the README and in docs/bench.md are those that the bench printed last.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { type Report, summary, tables } from './bench/report.ts';

const report: Report = JSON.parse(readFileSync('docs/bench.json', 'utf8'));

test('the README says how long the first answer takes as docs/bench.json has it', () => {
  const readme = readFileSync('README.md', 'utf8');
  assert.ok(readme.includes(summary(report)), `the README has to say: ${summary(report)}`);
});

test('docs/bench.md shows the figures of docs/bench.json', () => {
  assert.ok(readFileSync('docs/bench.md', 'utf8').includes(tables(report)), 'run npm run bench');
});
