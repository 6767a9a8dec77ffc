// What each npm script runs first: where something is missing it ends with one line that says what to do, in place of a
// stack that says nothing. Plain JavaScript, since it may meet any Node. Then it runs the script that is named, in this
// process: with a single command most shells make way for it, and what npm is sent reaches it.
import { existsSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

const missing = ['serverless', 'dynalite'].filter((name) => !existsSync(`node_modules/${name}`));
if (!existsSync('node_modules')) fail('Nothing is installed yet: run npm ci.');
if (missing.length > 0)
  fail('The dev dependencies are not installed, as with NODE_ENV=production: run npm ci --include=dev.');
if (Number.parseInt(process.versions.node, 10) < 24)
  fail(
    `Node.js 24 is needed, and this is ${process.versions.node}: run npm ci --ignore-scripts=false, which brings it ` +
      '(for glibc, not for musl), or install Node.js 24.',
  );

if (process.argv.length > 2) {
  process.argv.splice(1, 1);
  await import(pathToFileURL(process.argv[1]).href);
}

function fail(line) {
  console.error(line);
  process.exit(1);
}
