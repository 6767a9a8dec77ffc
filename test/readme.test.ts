// What is printed in the README, CONTRIBUTING and docs/bench.md: figures of the last bench run, and code that runs.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
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

test('the test in CONTRIBUTING.md passes as it is printed there', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'contributing-'));
  after(() => rmSync(folder, { recursive: true }));
  const [, code = ''] = readFileSync('CONTRIBUTING.md', 'utf8').match(/^```ts\n(.*?)^```/ms) ?? [];
  const file = join(folder, 'mine.test.ts');
  writeFileSync(file, code.replaceAll("from '../", `from '${pathToFileURL('test')}/`));
  const env = { ...process.env, NODE_TEST_CONTEXT: undefined };
  const { stdout } = await promisify(execFile)(process.execPath, ['--test', file], { env });
  assert.match(stdout, /^ℹ pass 1$/m);
  assert.match(stdout, /^ℹ fail 0$/m);
});
