// The rooms of lib/: each imports only from those below it, and the README has a line for each.
import assert from 'node:assert/strict';
import { globSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';

/** What each room may import besides itself and packages, from the bottom up. */
const MAY_IMPORT: Record<string, string[]> = {
  'lib/errors.ts': [],
  'lib/aws': ['lib/errors.ts'],
  'lib/validator': ['lib/errors.ts', 'lib/aws'],
  'lib/token': ['lib/errors.ts', 'lib/validator'],
  'lib/sessions': ['lib/errors.ts', 'lib/aws'],
  'lib/request': ['lib/errors.ts', 'lib/token', 'lib/sessions'],
  functions: ['lib/request', 'lib/token', 'lib/validator', 'lib/sessions', 'lib/aws'],
  'lib/deploy': ['lib/request', 'lib/sessions'],
  'lib/operator': ['lib/errors.ts', 'lib/validator'],
};

/** The room of a file: its folder, or the file itself where it is a room of its own. */
function roomOf(file: string): string {
  return Object.keys(MAY_IMPORT).find((room) => file === room || file.startsWith(`${room}/`)) ?? file;
}

for (const file of globSync('{functions,lib}/**/*.ts')) {
  test(`${file} imports only from its own room and the rooms below it`, () => {
    const room = roomOf(file);
    const imports = [...readFileSync(file, 'utf8').matchAll(/from '(\.{1,2}\/.*)'/g)];
    const rooms = imports.map(([, path = '']) => roomOf(join(dirname(file), path)));
    assert.deepEqual(
      rooms.filter((other) => other !== room && !MAY_IMPORT[room]?.includes(other)),
      [],
    );
  });
}

test('functions/ holds handlers and nothing else', () => {
  for (const file of readdirSync('functions'))
    assert.match(readFileSync(join('functions', file), 'utf8'), /^export const handler =/m);
});

test('the README has one line for each room', () => {
  const readme = readFileSync('README.md', 'utf8');
  for (const room of Object.keys(MAY_IMPORT)) assert.equal(readme.split(`](${room})`).length, 2, room);
});
