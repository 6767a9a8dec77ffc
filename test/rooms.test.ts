// The rooms of lib/: each imports only from those below it, and the README has a line for each.
import assert from 'node:assert/strict';
import { globSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';

/** What each room may import besides itself and packages, from the bottom up. */
const MAY_IMPORT: Record<string, string[]> = {
  'lib/errors.ts': [],
  'lib/json.ts': [],
  'lib/pattern.ts': [],
  'lib/aws': ['lib/errors.ts'],
  'lib/validator': ['lib/errors.ts', 'lib/json.ts', 'lib/pattern.ts', 'lib/aws'],
  'lib/token': ['lib/errors.ts', 'lib/json.ts', 'lib/validator'],
  'lib/sessions': ['lib/errors.ts', 'lib/aws'],
  'lib/settings': ['lib/json.ts', 'lib/pattern.ts', 'lib/sessions'],
  'lib/request': ['lib/errors.ts', 'lib/json.ts', 'lib/token', 'lib/sessions'],
  functions: ['lib/request', 'lib/settings', 'lib/token', 'lib/validator', 'lib/sessions', 'lib/aws'],
  'lib/deploy': ['lib/json.ts', 'lib/settings', 'lib/sessions'],
  'lib/operator': ['lib/errors.ts', 'lib/request', 'lib/settings', 'lib/validator', 'lib/sessions', 'lib/deploy'],
};

/** The room of a file: its folder, or the file itself where it is a room of its own. */
function roomOf(file: string): string {
  return Object.keys(MAY_IMPORT).find((room) => file === room || file.startsWith(`${room}/`)) ?? file;
}

/** A file of this project in `import … from`, `export … from`, `import '…'` or `import('…')`. */
const IMPORT = /\b(?:from|import)\b\s*\(?\s*['"`](\.{1,2}\/[^'"`]*)/g;

for (const file of globSync('{functions,lib}/**/*.{ts,mjs}')) {
  test(`${file} imports only from its own room and the rooms below it`, () => {
    const room = roomOf(file);
    const imports = [...readFileSync(file, 'utf8').matchAll(IMPORT)];
    const rooms = imports.map(([, path = '']) => roomOf(join(dirname(file), path)));
    assert.deepEqual(
      rooms.filter((other) => other !== room && !MAY_IMPORT[room]?.includes(other)),
      [],
    );
  });
}

for (const file of readdirSync('functions')) {
  test(`functions/${file} exports a handler, and nothing else`, () => {
    const exported = readFileSync(join('functions', file), 'utf8').match(/^export\b.*?(?= =|$)/gm);
    assert.deepEqual(exported, ['export const handler']);
  });
}

test('the README has one line for each room', () => {
  const readme = readFileSync('README.md', 'utf8');
  for (const room of Object.keys(MAY_IMPORT)) assert.equal(readme.split(`](${room})`).length, 2, room);
});
