import type { Contestant, Id } from './contestants.ts';
import type { Row } from './measures.ts';

const COLOURS: Record<Id, string> = {
  ours: '#0b6bcb',
  given: '#54aeff',
  floor: '#8c959f',
  natural: '#bf3989',
  hono: '#e16f24',
  powertools: '#bf8700',
  document_client: '#1a7f37',
};
const WIDTH = 880;
const HEIGHT = 340;
const TOP = 60;
const BOTTOM = 290;
const BARS = { left: 175, right: 360 };
const LINES = { left: 470, right: 710 };

/** Two plots side by side: the first answer of a cold function, and how the time of a logout grows with the number of sessions. */
export function plot(rows: Row[], contestants: Contestant[]): string {
  const first = rows.find(({ measure }) => measure === 'first answer, 512 MB')?.of ?? {};
  const walls = rows.flatMap(({ measure, of }) => {
    const [, sessions] = /^5 ms a request, ([\d ]+) session/.exec(measure) ?? [];
    return sessions ? { sessions: Number(sessions.replaceAll(' ', '')), of } : [];
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12">`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`,
    ...bars(first, contestants),
    ...lines(walls, contestants),
    '</svg>\n',
  ].join('\n');
}

function bars(first: Row['of'], contestants: Contestant[]): string[] {
  const most = Math.max(...Object.values(first));
  const step = (BOTTOM - TOP) / contestants.length;
  return [
    text(20, 30, 'First answer of a cold function, 512 MB: ms', 'font-weight="bold"'),
    ...contestants.flatMap(({ id, name }, n) => {
      const y = TOP + n * step;
      const width = ((first[id] ?? 0) / most) * (BARS.right - BARS.left);
      return [
        text(BARS.left - 8, y + step / 2, name, 'text-anchor="end"'),
        `<rect x="${BARS.left}" y="${round(y + 4)}" width="${round(width)}" height="${round(step - 12)}" fill="${COLOURS[id]}"/>`,
        text(BARS.left + width + 6, y + step / 2, (first[id] ?? 0).toFixed(0)),
      ];
    }),
  ];
}

function lines(walls: { sessions: number; of: Row['of'] }[], contestants: Contestant[]): string[] {
  const x = scale(10, 10_000, LINES.left, LINES.right);
  const y = scale(10, 10_000, BOTTOM, TOP);
  const decades = [10, 100, 1000, 10_000];
  const ends = contestants.map(({ id, name }) => {
    const points = walls.flatMap(({ sessions, of }) => (of[id] ? { x: x(sessions), y: y(of[id]) } : []));
    return { id, name, points, labelY: points.at(-1)?.y ?? BOTTOM };
  });
  ends.sort((a, b) => a.labelY - b.labelY);
  for (const [n, end] of ends.entries()) end.labelY = Math.max(end.labelY, (ends[n - 1]?.labelY ?? 0) + 15);
  return [
    text(LINES.left - 50, 30, 'Logout of so many sessions, 5 ms a request: ms', 'font-weight="bold"'),
    ...decades.flatMap((decade) => [
      `<path d="M${LINES.left} ${round(y(decade))}H${LINES.right}M${round(x(decade))} ${BOTTOM}V${TOP}" stroke="#d8dee4"/>`,
      text(LINES.left - 8, y(decade), decade.toLocaleString('en').replace(',', ' '), 'text-anchor="end"'),
      text(x(decade), BOTTOM + 18, decade.toLocaleString('en').replace(',', ' '), 'text-anchor="middle"'),
    ]),
    ...ends.flatMap(({ id, name, points, labelY }) => [
      `<polyline points="${points.map((point) => `${round(point.x)},${round(point.y)}`).join(' ')}" fill="none" stroke="${COLOURS[id]}" stroke-width="${id === 'ours' ? 3 : 2}"/>`,
      text((points.at(-1)?.x ?? LINES.left) + 8, labelY, name, `fill="${COLOURS[id]}"`),
    ]),
  ];
}

/** A logarithmic scale. */
function scale(from: number, to: number, start: number, end: number) {
  return (value: number) => start + ((end - start) * Math.log(value / from)) / Math.log(to / from);
}

function text(x: number, y: number, content: string, attributes = ''): string {
  return `<text x="${round(x)}" y="${round(y)}" dominant-baseline="middle" ${attributes}>${content}</text>`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
