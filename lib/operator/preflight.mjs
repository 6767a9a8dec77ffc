// Each npm script runs this first. If something is missing, it ends with one line that says what to do, instead of an
// unhelpful stack trace. Plain JavaScript, since any version of Node may run it. It then runs the named script in this
// process: most shells replace themselves with a single command, so that signals sent to npm reach it.
import { existsSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

const missing = ['serverless', 'dynalite'].filter((name) => !existsSync(`node_modules/${name}`));
if (!existsSync('node_modules')) fail('Nothing is installed yet: run npm ci.');
if (missing.length > 0)
  fail('The dev dependencies are not installed, as with NODE_ENV=production: run npm ci --include=dev.');
if (Number.parseInt(process.versions.node, 10) < 24)
  fail(
    `Node.js 24 is needed, and this is ${process.versions.node}: run npm ci --ignore-scripts=false, which installs it ` +
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
