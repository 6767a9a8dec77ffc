import { globSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { unpack } from './zip.ts';

const SOURCES = ['functions/*', 'lib/**/*.ts', 'serverless.yml', 'package-lock.json'];
const unpacked = new Map<string, URL>();

/** The file to load the function from: its source or, when the variable FUNCTION is "packaged", what is deployed. */
export function functionFile(name: string): URL {
  const form = process.env.FUNCTION ?? 'source';
  if (form === 'source') return pathToFileURL(`functions/${name}.ts`);
  if (form !== 'packaged') throw new Error(`FUNCTION is "${form}": set it to source or to packaged`);
  const file = unpacked.get(name) ?? packagedFile(name, readPackage(`.serverless/${name}.zip`));
  unpacked.set(name, file);
  return file;
}

/** The file to load the function from, out of its zip. */
export function packagedFile(name: string, zip: Buffer): URL {
  return pathToFileURL(join(unpack(zip), `functions/${name}.mjs`));
}

function readPackage(zip: string): Buffer {
  const packaged = statSync(zip, { throwIfNoEntry: false });
  if (!packaged) throw new Error(`There is no ${zip}: run npm run package:all first`);
  const newer = globSync(SOURCES).find((file) => statSync(file).mtimeMs > packaged.mtimeMs);
  if (newer) throw new Error(`${newer} is newer than ${zip}: run npm run package:all first`);
  return readFileSync(zip);
}
