import type { Contestant, Id } from './contestants.ts';
import type { Growth } from './growth.ts';
import { type Row, THROTTLED } from './measures.ts';

/** A figure of ours over another figure, and what it may be at most. */
export type Ratio = { text: string; bound: number; value: number };

/** What a run found, as it is kept in docs/bench.json; `earlier` holds the ratios of the runs before, to show the noise. */
export type Report = {
  date: string;
  machine: string;
  versions: Record<string, string>;
  bundle: { bytes: number; gzipped: number };
  rows: Row[];
  growth: Growth[];
  ratios: Ratio[];
  earlier: Ratio[][];
};

const BOUNDS: [measure: string, unit: string, rival: Id, bound: number][] = [
  ['cold start', 'ms of CPU', 'floor', 2.1],
  ['cold start', 'ms of CPU', 'natural', 0.45],
  ['cold start', 'ms of CPU', 'hono', 0.65],
  ['cold start', 'ms of CPU', 'powertools', 0.65],
  ['cold start', 'ms of CPU', 'document_client', 0.75],
  ['warm, 1 session', 'ms of CPU', 'floor', 2.6],
  ['warm, 100 sessions', 'ms of CPU', 'floor', 2.9],
  ['5 ms a request, 100 sessions', 'ms', 'floor', 1.25],
  ['5 ms a request, 100 sessions', 'ms', 'natural', 0.5],
  ['5 ms a request, 100 sessions', 'ms', 'hono', 0.5],
  ['5 ms a request, 100 sessions', 'ms', 'powertools', 0.5],
  ['5 ms a request, 1 000 sessions', 'ms', 'floor', 2],
  ['5 ms a request, 1 000 sessions', 'ms', 'natural', 0.2],
];

/** Every ratio that has a bound. */
export function ratiosOf(rows: Row[], growth: Growth[], contestants: Contestant[]): Ratio[] {
  const figure = (measure: string, unit: string, id: Id): number => {
    const found = rows.find((row) => row.measure === measure && row.unit === unit)?.of[id];
    if (found === undefined) throw new Error(`there is no figure of ${id} for "${measure}" in ${unit}`);
    return found;
  };
  const nameOf = (id: Id) => contestants.find((contestant) => contestant.id === id)?.name;
  const ours = (measure: string, unit: string) => figure(measure, unit, 'ours');
  return [
    ...BOUNDS.map(([measure, unit, rival, bound]) => ({
      text: `${measure}, ${unit}: over ${nameOf(rival)}`,
      bound,
      value: ours(measure, unit) / figure(measure, unit, rival),
    })),
    { text: `${THROTTLED}: over 3 s`, bound: 1.15, value: ours(THROTTLED, 's') / 3 },
    ...growth.map(({ engine, fewMs, manyMs }) => ({
      text: `${engine}, 100 000 items of others: over 1 000`,
      bound: 1.2,
      value: manyMs / fewMs,
    })),
    ...['10 sessions', '1 000 times 10 sessions'].map((less) => ({
      text: `peak of memory, 10 000 sessions: over ${less}`,
      bound: 1.3,
      value: ours('peak of memory, 10 000 sessions', 'MB') / ours(`peak of memory, ${less}`, 'MB'),
    })),
  ];
}

/** The figures as two tables in Markdown, for the terminal and the README alike. */
export function tables({ rows, growth, bundle, ratios, earlier }: Report, contestants: Contestant[]): string {
  const head = ['', ...contestants.map(({ name }) => name)];
  const figures = rows.map(({ measure, unit, of }) => [
    `${measure}, ${unit}`,
    ...contestants.map(({ id }) => (of[id] === undefined ? '' : short(of[id]))),
  ]);
  const grown = growth.map(({ engine, fewMs, manyMs }) => `${engine}: ${short(fewMs)} ms and ${short(manyMs)} ms`);
  const bounded = ratios.map(({ text, bound, value }) => {
    const values = [value, ...earlier.flatMap((run) => run.find((ratio) => ratio.text === text)?.value ?? [])];
    const spread = values.length > 1 ? `${ratio(Math.min(...values))} to ${ratio(Math.max(...values))}` : '';
    return [text, ratio(value), String(bound), value <= bound ? '' : 'missed', spread];
  });
  return [
    table([head, ...figures]),
    `The package: ${bundle.bytes} bytes, ${bundle.gzipped} gzipped.`,
    `The same logout beside 1 000 and 100 000 items of others: ${grown.join('; ')}.`,
    table([['ours', 'ratio', 'at most', '', `of ${earlier.length + 1} runs`], ...bounded]),
  ].join('\n\n');
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
