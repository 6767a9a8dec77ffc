// Each npm script runs this first. If something is missing, it ends with one line that says what to do, instead of an
// unhelpful stack trace. Plain JavaScript, since any version of Node may run it. It then runs the named script in this
// process: most shells replace themselves with a single command, so that signals sent to npm reach it.
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';

const installed = modulesFrom(process.cwd());
const missing = ['serverless', 'dynalite'].filter(
  (name) => !installed.some((folder) => existsSync(join(folder, name))),
);
if (installed.length === 0) fail('Nothing is installed yet: run npm ci.');
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

/** Every node_modules from the folder upwards: as an npm workspace, the project has its modules in a folder above. */
function modulesFrom(folder) {
  const above = dirname(folder) === folder ? [] : modulesFrom(dirname(folder));
  return [join(folder, 'node_modules'), ...above].filter((modules) => existsSync(modules));
}

function fail(line) {
  console.error(line);
  process.exit(1);
}
