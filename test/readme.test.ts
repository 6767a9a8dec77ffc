// The README's figures of speed are those that the bench printed last, every one of them.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { type Report, summary } from './bench/report.ts';

test('shows the figures of docs/bench.json', () => {
  const report: Report = JSON.parse(readFileSync('docs/bench.json', 'utf8'));
  const readme = readFileSync('README.md', 'utf8');
  assert.ok(readme.includes(summary(report)), `the README has to show:\n${summary(report)}`);
});
