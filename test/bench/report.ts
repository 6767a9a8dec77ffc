import type { Contestant, Id } from './contestants.ts';
import type { Growth } from './growth.ts';
import { type Row, THROTTLED, WHOLE_CORE_MB } from './measures.ts';

/** Our figure divided by another, and the most that it may be. */
export type Ratio = { text: string; bound?: number; value: number };

/** The results of a run, as docs/bench.json keeps them; `earlier` has the ratios of earlier runs, to show the noise. */
export type Report = {
  date: string;
  machine: string;
  versions: Record<string, string>;
  contestants: Pick<Contestant, 'id' | 'name'>[];
  bundle: { bytes: number; gzipped: number };
  rows: Row[];
  growth: Growth[];
  ratios: Ratio[];
  earlier: Ratio[][];
};

type Compared = { measure: string; unit: string; title: string; bounds: Partial<Record<Id, number>> };

/** Faster than every usual way to do the same, in every row. The floor has no bound: it has no SDK. `given` is an earlier zip. */
const BELOW_RIVALS = { natural: 1, hono: 1, powertools: 1, document_client: 1 };
const COMPARED: Compared[] = [
  row('first answer, 512 MB', 'ms', { given: 1.15 }),
  row('first answer, a whole core', 'ms', { given: 1.15 }),
  row('cold start', 'ms of CPU', { given: 1.15 }),
  row('warm, 1 session', 'ms of CPU', { given: 1.4 }),
  row('warm, 100 sessions', 'ms of CPU', { given: 1.4 }),
  row('5 ms a request, 100 sessions', 'ms', { given: 1.12 }),
  row('5 ms a request, 1 000 sessions', 'ms', { given: 1.12 }),
  row('an index, 5 ms a request, 100 sessions', 'ms', { given: 1.05 }),
  row('an index, 5 ms a request, 1 000 sessions', 'ms', { given: 1.05 }),
];
const SIZES_MB = [128, 256, 512, 1024, WHOLE_CORE_MB];

function row(measure: string, unit: string, bounds: Compared['bounds']): Compared {
  return { measure, unit, title: `${measure}, ${unit}`, bounds: { ...BELOW_RIVALS, ...bounds } };
}

/** Each of our figures over that of each rival, and over itself where the work grows. */
export function ratiosOf(rows: Row[], growth: Growth[], contestants: Contestant[]): Ratio[] {
  const ours = (measure: string, unit: string) => figure(rows, measure, unit, 'ours') ?? Number.NaN;
  return [
    ...COMPARED.flatMap(({ measure, unit, bounds }) =>
      contestants.flatMap(({ id, name }) => {
        const theirs = id === 'ours' ? undefined : figure(rows, measure, unit, id);
        if (theirs === undefined) return [];
        return { text: over(measure, unit, name), bound: bounds[id], value: ours(measure, unit) / theirs };
      }),
    ),
    { text: `${THROTTLED}: over 3 s`, bound: 1.15, value: ours(THROTTLED, 's') / 3 },
    ...growth.map(({ engine, fewMs, manyMs }) => ({
      text: `${engine}, 100 000 items of others: over 1 000`,
      bound: 1.2,
      value: manyMs / fewMs,
    })),
    {
      // Not over 10 sessions in a new process: there most of the memory that Lambda gives is not used yet.
      text: 'peak of memory, 10 000 sessions: over 1 000 times 10 sessions',
      bound: 1.3,
      value: ours('peak of memory, 10 000 sessions', 'MB') / ours('peak of memory, 1 000 times 10 sessions', 'MB'),
    },
  ];
}

/** The figures, and a warm call by memory size: docs/bench.md shows them. */
export function tables(report: Report): string {
  const { contestants, rows, growth, bundle, date, machine, versions } = report;
  const head = ['', ...contestants.map(({ name }) => name)];
  const figures = rows.map(({ measure, unit, of }) => [
    `${measure}, ${unit}`,
    ...contestants.map(({ id }) => (of[id] === undefined ? '' : short(of[id]))),
  ]);
  const grown = growth.map(({ engine, fewMs, manyMs }) => `${engine}: ${short(fewMs)} ms and ${short(manyMs)} ms`);
  const used = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  return [
    table([head, ...figures]),
    `The package: ${bundle.bytes} bytes, ${bundle.gzipped} gzipped.`,
    `The same logout with 1 000 and 100 000 items of other users in the table: ${grown.join('; ')}.`,
    sizes(rows),
    `${date}, ${machine}; ${used.join(', ')}.`,
  ].join('\n\n');
}

/** Our figures over the others', for whoever changes the code: those with a bound must stay below. */
export function ratioTable({ ratios, earlier }: Report): string {
  const bounded = ratios.map(({ text, bound, value }) => [
    text,
    ratio(value),
    bound === undefined ? '' : String(bound),
    bound === undefined || value <= bound ? '' : 'missed',
    spread(text, [ratios, ...earlier]),
  ]);
  return table([['ours over', 'ratio', 'at most', '', `of ${earlier.length + 1} runs`], ...bounded]);
}

/** Where the README speaks of speed. */
export const SUMMARY = /In a model of Lambda at 512 MB.*?\(docs\/bench\.md\)\)\./;

/** What it says there. */
export function summary({ rows }: Report): string {
  const { ours, given: _, floor, ...rivals } = of(rows, 'first answer, 512 MB', 'ms');
  const others = Object.values(rivals).map(Math.round);
  return `In a model of Lambda at 512 MB, without the time that Lambda itself takes to start, the first answer takes ${Math.round(ours ?? 0)} ms. The same work takes ${Math.round(floor ?? 0)} ms without an SDK, and ${Math.min(...others)} to ${Math.max(...others)} ms in the usual ways ([how that was measured](docs/bench.md)).`;
}

/** How long a warm call's CPU work takes on the share of a core that Lambda gives. */
function sizes(rows: Row[]): string {
  const measures = ['warm, 1 session', 'warm, 100 sessions'];
  return table([
    ['memory, MB', 'share of a core', ...measures.map((measure) => `${measure}, ms`)],
    ...SIZES_MB.map((size) => {
      const times = measures.map((measure) => short(cpuMs(rows, measure, size)));
      return [String(size), (size / WHOLE_CORE_MB).toFixed(2), ...times];
    }),
  ]);
}

function cpuMs(rows: Row[], measure: string, size: number): number {
  const onWholeCore = figure(rows, measure, 'ms of CPU', 'ours') ?? Number.NaN;
  return onWholeCore / (size / WHOLE_CORE_MB);
}

function figure(rows: Row[], measure: string, unit: string, id: Id): number | undefined {
  return of(rows, measure, unit)[id];
}

function of(rows: Row[], measure: string, unit: string): Row['of'] {
  return rows.find((row) => row.measure === measure && row.unit === unit)?.of ?? {};
}

function over(measure: string, unit: string, name: string): string {
  return `${measure}, ${unit}: over ${name}`;
}

/** The ratio in all runs, from the least to the greatest. */
function spread(text: string, runs: Ratio[][]): string {
  const values = runs.flatMap((run) => run.find((one) => one.text === text)?.value ?? []);
  if (values.length === 0) return '';
  const [least = '', most = ''] = [Math.min(...values), Math.max(...values)].map(ratio);
  return least === most ? least : `${least} to ${most}`;
}

function table([head = [], ...body]: string[][]): string {
  const widths = head.map((_, column) => Math.max(...[head, ...body].map((row) => row[column]?.length ?? 0)));
  const line = (row: string[]) =>
    `| ${row.map((cell, n) => (n ? cell.padStart(widths[n] ?? 0) : cell.padEnd(widths[n] ?? 0))).join(' | ')} |`;
  return [
    line(head),
    line(widths.map((width, n) => (n ? `${'-'.repeat(width - 1)}:` : '-'.repeat(width)))),
    ...body.map(line),
  ].join('\n');
}

function short(figure: number): string {
  return figure >= 100 || Number.isInteger(figure) ? figure.toFixed(0) : figure.toPrecision(3);
}

function ratio(value: number): string {
  return value.toFixed(2);
}
