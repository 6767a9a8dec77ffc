// What each npm script runs first. Plain JavaScript, since it may meet any Node: without what is missing here the scripts
// end with a stack that tells nothing. Ends with one line that says what to do.
import { existsSync } from 'node:fs';

const missing = ['serverless', 'dynalite'].filter((name) => !existsSync(`node_modules/${name}`));
if (!existsSync('node_modules')) fail('Nothing is installed yet: run npm ci.');
if (missing.length > 0)
  fail('The dev dependencies are not installed, as with NODE_ENV=production: run npm ci --include=dev.');
if (Number.parseInt(process.versions.node, 10) < 24)
  fail(
    `Node.js 24 is needed, and this is ${process.versions.node}: run npm ci --ignore-scripts=false, which brings it ` +
      '(for glibc, not for musl), or install Node.js 24.',
  );

function fail(line) {
  console.error(line);
  process.exit(1);
}
