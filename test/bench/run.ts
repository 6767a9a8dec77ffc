// `npm run bench`: the packaged function beside other ways to do the same work. Prints tables, and writes them, a plot and
// two sentences to docs/ and the README. It takes about six minutes on an otherwise idle machine. With --against=<zip>
// an earlier package is one more contestant; docs/ and the README are then left alone.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { gzipSync } from 'node:zlib';
import { buildContestants, type Contestant, type Id, versions } from './contestants.ts';
import { Aws } from './environment.ts';
import { growth } from './growth.ts';
import { coldStart, firstAnswer, latency, latencyByIndex, memory, type Row, throttled, warm } from './measures.ts';
import { plot } from './plot.ts';
import { type Report, ratiosOf, ratioTable, SUMMARY, summary, tables } from './report.ts';

const started = performance.now();
const folder = mkdtempSync(join(tmpdir(), 'bench-'));
process.once('exit', () => rmSync(folder, { recursive: true }));

const { against } = parseArgs({ options: { against: { type: 'string' } } }).values;
const contestants = await step('build', () => buildContestants(folder, against));
const only = (...ids: Id[]): Contestant[] => contestants.filter(({ id }) => ids.includes(id));
const [ours] = only('ours');
if (!ours) throw new Error('nothing was built');
const without = (id: Id): Contestant[] => contestants.filter((contestant) => contestant.id !== id);

const aws = await Aws.start(folder);
const rows: Row[] = [
  ...(await step('first answers', () => firstAnswer(aws, contestants))),
  ...(await step('cold starts', () => coldStart(aws, contestants))),
  ...(await step('warm, 1 session', () => warm(aws, contestants, 1, 60))),
  ...(await step('warm, 100 sessions', () => warm(aws, without('document_client'), 100, 15))),
  ...(await step('5 ms a request', () => latency(aws, contestants))),
  ...(await step('5 ms a request, by an index', () => latencyByIndex(aws, only('ours', 'given')))),
  ...(await step('1 000 deletes a second', () => throttled(aws, contestants))),
  ...(await step('memory', () => memory(aws, only('ours', 'floor', 'natural')))),
];
aws.close();
const grown = await step('a table that grows', () => growth(ours.file));

const bundle = readFileSync(ours.file);
const before = readEarlier();
const report: Report = {
  date: new Date().toISOString().slice(0, 10),
  machine: `${cpus().length} x ${cpus()[0]?.model}`,
  versions: versions(),
  contestants: contestants.map(({ id, name }) => ({ id, name })),
  bundle: { bytes: bundle.length, gzipped: gzipSync(bundle, { level: 9 }).length },
  rows,
  growth: grown,
  ratios: ratiosOf(rows, grown, contestants),
  earlier: [],
};
// Only runs of the same package on the same machine are comparable.
const subject = ({ machine, versions, bundle }: Report) => JSON.stringify([machine, versions, bundle]);
if (before && subject(before) === subject(report)) report.earlier = [before.ratios, ...before.earlier].slice(0, 2);
console.log(`\n${tables(report)}\n\n${ratioTable(report)}\n\n${summary(report)}\n`);
if (!against) {
  writeFileSync('docs/bench.json', `${JSON.stringify(report, null, 1)}\n`);
  writeFileSync('docs/bench.svg', plot(report));
  replaceIn('docs/bench.md', /(?<=<!-- figures -->\n).*(?=\n<!-- end -->)/s, tables(report));
  replaceIn('README.md', SUMMARY, summary(report));
  console.log('Written: docs/bench.json, docs/bench.svg, docs/bench.md, and its sentences in README.md.');
}

function replaceIn(file: string, part: RegExp, text: string): void {
  writeFileSync(
    file,
    readFileSync(file, 'utf8').replace(part, () => text),
  );
}

async function step<T>(name: string, work: () => Promise<T>): Promise<T> {
  console.error(`${((performance.now() - started) / 1000).toFixed(0).padStart(4)} s  ${name}`);
  return await work();
}

function readEarlier(): Report | undefined {
  try {
    return JSON.parse(readFileSync('docs/bench.json', 'utf8'));
  } catch {
    return undefined; // the first run
  }
}
