import { readFileSync } from 'node:fs';
import { readAnyLayout } from '../../lib/deploy/library_layouts.ts';
import type { Layout } from '../../lib/sessions/layout.ts';

/** docs/session-stores.md: what it tells an operator to copy is what the tests run. */
export const GUIDE = readFileSync(new URL('../../docs/session-stores.md', import.meta.url), 'utf8');

/** The layouts that the guide gives, by name or as JSON, exactly as they are there, each with the heading above it. */
export const layouts: [heading: string, given: string][] = GUIDE.split(/^##+ /m).flatMap((section) => {
  const heading = section.slice(0, section.indexOf('\n'));
  const given = section.matchAll(/^```json\n(.*?)^```|^`layout: ([\w-]+)`$/gms);
  return [...given].map(([, json, name]): [string, string] => [heading, json ?? name ?? '']);
});

/** The layout under that heading: the first one, or the one with this number. */
export function layoutOf(heading: string, number = 1): Layout {
  const given = layouts.filter(([other]) => other === heading)[number - 1]?.[1];
  if (!given) throw new Error(`docs/session-stores.md has no layout ${number} under ${heading}`);
  return readAnyLayout(given);
}

/** Every heading of the guide. */
export const headings: string[] = [...GUIDE.matchAll(/^##+ (.*)$/gm)].map(([, heading = '']) => heading);

/** Where a link to the heading leads. */
export function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\w\s-]/g, '')
    .replaceAll(' ', '-');
}

/** The section under that heading of the second level. */
export function section(heading: string): string {
  return GUIDE.split(/^## /m).find((text) => text.startsWith(`${heading}\n`)) ?? '';
}

/** What the guide says to send in `except` for a known layout, or for that heading: its `<…>` become these values. */
export function exceptOf(library: string, ...values: string[]): string[] {
  const heading = headings.find((other) => other === library || other.endsWith(`(\`${library}\`)`)) ?? '';
  const rows = section('Keep the session it comes from').split('\n');
  const cell = rows.find((row) => row.includes(`](#${anchorOf(heading)})`))?.split('|')[2] ?? '';
  const keys = [...cell.matchAll(/`(.+?)`/g)].map(([, key = '']) => key);
  if (keys.length === 0) throw new Error(`docs/session-stores.md does not say what to send for ${library}`);
  return keys.map((key) => key.replaceAll(/<\w+>/g, () => values.shift() ?? ''));
}

/** The code block in that language that contains this text. */
export function snippet(language: string, part: string): string {
  const code = blocks(GUIDE, language).find((block) => block.includes(part));
  if (!code) throw new Error(`docs/session-stores.md has no ${language} with ${part}`);
  return code;
}

function blocks(text: string, language: string): string[] {
  return [...text.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\``, 'gms'))].map(([, block = '']) => block);
}
