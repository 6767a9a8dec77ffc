import type { Id } from './contestants.ts';
import type { Report } from './report.ts';

type Point = { x: number; y: number };
type Line = { id: Id; name: string; points: Point[]; end: Point };

const BARS = { left: 190, right: 435, top: 60, step: 30 };
const LINES = { left: 64, right: 364, top: 332, bottom: 584 };
const ROW = 17; // of text

// Narrow, so that the text stays large enough on a phone. With its own background, since a page may ignore dark mode.
const HEAD = `<svg xmlns="http://www.w3.org/2000/svg" width="480" height="640" viewBox="0 0 480 640"
  role="img" aria-labelledby="title desc">
<title id="title">How long a logout takes</title>
<desc id="desc">A bar for each way to write the function: the first answer of a cold one, the fastest first.
A line for each: the time from request to answer for 10 to 10 000 sessions. Lines that coincide have one label.</desc>
<style>
  text { font: 14px system-ui, sans-serif; dominant-baseline: middle }
  .title { font-weight: bold } .middle { text-anchor: middle } .end { text-anchor: end }
  text, rect { fill: currentColor } path, polyline { fill: none; stroke: currentColor } polyline { stroke-width: 2 }
  svg { color: #1f2328 } .page { color: #fff } .grid { color: #d1d9e0 }
  .mark { color: #bc4c00 } .ours { color: #0969da } .floor { color: #59636e }
  @media (prefers-color-scheme: dark) {
    svg { color: #f0f6fc } .page { color: #0d1117 } .grid { color: #3d444d }
    .mark { color: #f0883e } .ours { color: #4493f8 } .floor { color: #9198a1 }
  }
</style>
<rect width="480" height="640" class="page"/>`;

/** Two charts, one above the other: the first answer of a cold function, and the time of a logout by its sessions. */
export function plot(report: Report): string {
  return [HEAD, ...bars(report), ...lines(report), '</svg>\n'].join('\n');
}

function bars({ rows, contestants }: Report): string[] {
  const first = rows.find(({ measure }) => measure === 'first answer, 512 MB')?.of ?? {};
  const sorted = contestants.map(({ id, name }) => ({ id, name, ms: first[id] ?? 0 })).sort((a, b) => a.ms - b.ms);
  return [
    text(16, 22, 'First answer of a cold function at 512 MB', 'title'),
    text(16, 46, 'milliseconds from its start to its answer'),
    ...sorted.flatMap(({ id, name, ms }, n) => {
      const y = BARS.top + (n + 0.5) * BARS.step;
      const width = round((ms / Math.max(...Object.values(first))) * (BARS.right - BARS.left));
      return [
        text(BARS.left - 8, y, name, 'end'),
        `<rect x="${BARS.left}" y="${y - 10}" width="${width}" height="20" class="mark ${id}"/>`,
        text(BARS.left + width + 6, y, ms.toFixed(0)),
      ];
    }),
  ];
}

function lines({ rows, contestants }: Report): string[] {
  const x = logarithmic(10, 10_000, LINES.left, LINES.right);
  const y = logarithmic(10, 10_000, LINES.bottom, LINES.top);
  const drawn = contestants.map(({ id, name }): Line => {
    const points = rows.flatMap(({ measure, of }) => {
      const [, sessions] = /^5 ms a request, ([\d ]+) session/.exec(measure) ?? [];
      return sessions && of[id] ? { x: x(Number(sessions.replaceAll(' ', ''))), y: y(of[id]) } : [];
    });
    return { id, name: name.replace(/[,:].*/, ''), points, end: points.at(-1) ?? { x: LINES.left, y: LINES.bottom } };
  });
  return [
    text(16, 276, 'Time from request to answer, by number of sessions', 'title'),
    text(16, 300, 'milliseconds, while AWS takes 5 ms for each request'),
    ...['10', '100', '1 000', '10 000'].flatMap((label) => {
      const decade = Number(label.replace(' ', ''));
      return [
        `<path d="M${LINES.left} ${y(decade)}H${LINES.right}M${x(decade)} ${LINES.bottom}v5" class="grid"/>`,
        text(LINES.left - 8, y(decade), label, 'end'),
        text(x(decade), LINES.bottom + 16, label, 'middle'),
      ];
    }),
    ...drawn
      .toReversed()
      .map(({ id, points }) => `<polyline points="${points.map(({ x, y }) => [x, y]).join(' ')}" class="mark ${id}"/>`),
    ...labels(drawn),
    text(LINES.left, LINES.bottom + 40, 'sessions ended (both axes are logarithmic)'),
  ];
}

/** Lines that are nowhere 5 units apart share a label at their end, with a name in each row. No labels overlap. */
function labels(drawn: Line[]): string[] {
  const groups = Map.groupBy(drawn, (one) => drawn.find(({ points }) => coincide(one.points, points)) ?? one);
  let free = 0;
  return [...groups]
    .sort(([a], [b]) => a.end.y - b.end.y)
    .flatMap(([{ id, end }, group]) => {
      const top = Math.max(free, end.y - ((group.length - 1) / 2) * ROW);
      free = top + group.length * ROW;
      const rows = group.map(({ name }, n) => (n + 1 < group.length ? `${name},` : name));
      return rows.map((row, n) => text(end.x + 8, top + n * ROW, row, `mark ${id}`));
    });
}

function coincide(one: Point[], other: Point[]): boolean {
  return one.length === other.length && one.every(({ y }, n) => Math.abs(y - (other[n]?.y ?? Number.NaN)) < 5);
}

function logarithmic(from: number, to: number, start: number, end: number) {
  return (value: number) => round(start + ((end - start) * Math.log(value / from)) / Math.log(to / from));
}

function text(x: number, y: number, content: string, look = 'plain'): string {
  return `<text x="${round(x)}" y="${round(y)}" class="${look}">${content}</text>`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
