import type { Contestant, Id } from './contestants.ts';
import type { Growth } from './growth.ts';
import { type Row, THROTTLED } from './measures.ts';

/** A figure of ours over another figure, and what it may be at most. */
export type Ratio = { text: string; bound?: number; value: number };

/** What a run found, as it is kept in docs/bench.json; `earlier` holds the ratios of the runs before, to show the noise. */
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

const COMPARED: Compared[] = [
  {
    measure: 'cold start',
    unit: 'ms of CPU',
    title: 'cold start, CPU',
    bounds: { floor: 2.1, natural: 0.45, hono: 0.65, powertools: 0.65, document_client: 0.75 },
  },
  { measure: 'warm, 1 session', unit: 'ms of CPU', title: 'warm, 1 session, CPU', bounds: { floor: 2.6 } },
  { measure: 'warm, 100 sessions', unit: 'ms of CPU', title: 'warm, 100 sessions, CPU', bounds: { floor: 2.9 } },
  {
    measure: '5 ms a request, 100 sessions',
    unit: 'ms',
    title: '100 sessions at 5 ms a request, time',
    bounds: { floor: 1.25, natural: 0.5, hono: 0.5, powertools: 0.5 },
  },
  {
    measure: '5 ms a request, 1 000 sessions',
    unit: 'ms',
    title: '1 000 sessions at 5 ms a request, time',
    bounds: { floor: 2, natural: 0.2 },
  },
];
const WHOLE_CORE_MB = 1769; // from here on Lambda gives a whole core, below it a share in proportion
const SIZES_MB = [128, 256, 512, 1024, WHOLE_CORE_MB];

/** Every figure of ours over that of each rival, and over itself where the work grows. */
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
    ...['10 sessions', '1 000 times 10 sessions'].map((less) => ({
      text: `peak of memory, 10 000 sessions: over ${less}`,
      bound: 1.3,
      value: ours('peak of memory, 10 000 sessions', 'MB') / ours(`peak of memory, ${less}`, 'MB'),
    })),
  ];
}

/** The figures, the ratios with their spread, and what they mean for the size of the function, as Markdown. */
export function tables(report: Report): string {
  const { contestants, rows, growth, bundle, ratios, earlier } = report;
  const head = ['', ...contestants.map(({ name }) => name)];
  const figures = rows.map(({ measure, unit, of }) => [
    `${measure}, ${unit}`,
    ...contestants.map(({ id }) => (of[id] === undefined ? '' : short(of[id]))),
  ]);
  const grown = growth.map(({ engine, fewMs, manyMs }) => `${engine}: ${short(fewMs)} ms and ${short(manyMs)} ms`);
  const bounded = ratios.map(({ text, bound = Number.POSITIVE_INFINITY, value }) => [
    text,
    ratio(value),
    Number.isFinite(bound) ? String(bound) : '',
    value <= bound ? '' : 'missed',
    spread(text, [ratios, ...earlier]),
  ]);
  return [
    table([head, ...figures]),
    `The package: ${bundle.bytes} bytes, ${bundle.gzipped} gzipped.`,
    `The same logout beside 1 000 and 100 000 items of others: ${grown.join('; ')}.`,
    table([['ours', 'ratio', 'at most', '', `of ${earlier.length + 1} runs`], ...bounded]),
    sizes(rows),
    summary(report),
  ].join('\n\n');
}

/** What the README shows of it: ours over each rival, from the least to the most of the runs, and what to make of it. */
export function summary({ contestants, date, versions, rows, ratios, earlier }: Report): string {
  const rivals = contestants.filter(({ id }) => id !== 'ours');
  const runs = [ratios, ...earlier];
  const line = ({ measure, unit, title }: Compared) => [
    title,
    ...rivals.map(({ name }) => spread(over(measure, unit, name), runs)),
  ];
  const took = (measure: string, size: number) => `${short(cpuMs(rows, measure, size))} ms`;
  const peaks = rows.filter(({ measure }) => measure.startsWith('peak of memory')).map(({ of }) => of.ours ?? 0);
  return [
    table([['this package over', ...rivals.map(({ name }) => name)], ...COMPARED.map(line)]),
    `${date}, Node.js ${versions.node}, AWS SDK ${versions['@aws-sdk/client-dynamodb']}; least and most of ${runs.length} runs of \`npm run bench\`, less is better. All figures, versions and the machine are in [docs/bench.json](docs/bench.json). Lambda gives a whole core at 1 769 MB and a share in proportion below. At 512 MB, the default, that makes ${took('cold start', 512)} for the CPU of a cold start and ${took('warm, 100 sessions', 512)} for a warm logout of 100 sessions; at 1 769 MB ${took('cold start', WHOLE_CORE_MB)} and ${took('warm, 100 sessions', WHOLE_CORE_MB)}, and more buys nothing. The process never held more than ${short(Math.max(...peaks))} MB: it is the CPU to choose by, and at 256 MB everything takes twice as long as at 512.`,
  ].join('\n\n');
}

/** How long the CPU of a call takes with the share of a core that Lambda gives. */
function sizes(rows: Row[]): string {
  const measures = ['cold start', 'warm, 1 session', 'warm, 100 sessions'];
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
  return rows.find((row) => row.measure === measure && row.unit === unit)?.of[id];
}

function over(measure: string, unit: string, name: string): string {
  return `${measure}, ${unit}: over ${name}`;
}

/** The ratio of all runs, from the least to the most. */
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
