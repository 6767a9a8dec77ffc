// The speed figures in the README, in docs/bench.md and in its picture are those of the last bench run.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { plot } from './bench/plot.ts';
import { type Report, SUMMARY, summary, tables } from './bench/report.ts';

const report: Report = JSON.parse(readFileSync('docs/bench.json', 'utf8'));

test('the README gives the time of the first answer as docs/bench.json has it', () => {
  assert.equal(SUMMARY.exec(readFileSync('README.md', 'utf8'))?.[0], summary(report), 'run npm run bench');
});

test('the README shows docs/bench.svg, with a description as its alternative text', () => {
  assert.match(readFileSync('README.md', 'utf8'), /!\[[^\]]{80,}\]\(docs\/bench\.svg\)/);
});

test('docs/bench.md shows the figures of docs/bench.json', () => {
  assert.ok(readFileSync('docs/bench.md', 'utf8').includes(tables(report)), 'run npm run bench');
});

test('docs/bench.svg is drawn from the figures of docs/bench.json', () => {
  assert.equal(readFileSync('docs/bench.svg', 'utf8'), plot(report), 'run npm run bench');
});
