import { readFileSync } from 'node:fs';
import type { Layout } from '../../lib/sessions/layout.ts';

/** docs/session-stores.md: what it tells an operator to copy is what the tests run. */
export const GUIDE = readFileSync(new URL('../../docs/session-stores.md', import.meta.url), 'utf8');

/** The layouts that the guide gives as JSON, exactly as they are there, each with the heading above it. */
export const layouts: [heading: string, json: string][] = GUIDE.split(/^##+ /m).flatMap((section) => {
  const heading = section.slice(0, section.indexOf('\n'));
  return blocks(section, 'json').map((json): [string, string] => [heading, json]);
});

/** The layout under that heading: the first one, or the one with this number. */
export function layoutOf(heading: string, number = 1): Layout {
  const json = layouts.filter(([other]) => other === heading)[number - 1]?.[1];
  if (!json) throw new Error(`docs/session-stores.md has no layout ${number} under ${heading}`);
  return JSON.parse(json);
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
