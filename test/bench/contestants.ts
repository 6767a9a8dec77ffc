import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { unzipSync } from 'fflate';

/** What is compared: its name in the tables, what it is made of, and the file that Lambda would load. */
export type Contestant = { id: Id; name: string; of: string[]; file: string };
export type Id = keyof typeof NAMES;

const SDK = ['@aws-sdk/client-dynamodb', '@aws-sdk/client-secrets-manager'];
const NAMES = {
  ours: { name: 'this package', of: [...SDK, '@middy/core', 'jose'] },
  given: { name: 'the zip given', of: [] },
  floor: { name: 'floor: no SDK', of: [] },
  natural: { name: 'middy + jose, unbundled', of: [...SDK, '@middy/core', 'jose'] },
  hono: { name: 'Hono', of: [...SDK, 'hono'] },
  powertools: { name: 'Powertools', of: [...SDK, '@aws-lambda-powertools/event-handler', 'jose'] },
  document_client: { name: 'DocumentClient', of: [...SDK, '@aws-sdk/lib-dynamodb', 'jsonwebtoken'] },
};

/** Packages ours with `serverless package` and bundles the rivals, into the folder. A zip may be given as one more. */
export async function buildContestants(folder: string, zip?: string): Promise<Contestant[]> {
  symlinkSync(join(process.cwd(), 'node_modules'), join(folder, 'node_modules'));
  const ours = packageOurs(folder);
  // The rivals at their best: everything that makes ours small, except leaving out parts of the SDK.
  const bundled = { platform: 'node', target: 'node24', bundle: true, minify: true, format: 'cjs' } as const;
  const rivals = ['floor', 'hono', 'powertools', 'document_client'].map((id) => `test/bench/rivals/${id}.ts`);
  const outExtension = { '.js': '.cjs' };
  await build({ ...bundled, mainFields: ['module', 'main'], entryPoints: rivals, outdir: folder, outExtension });
  const unbundled = { platform: 'node', bundle: true, packages: 'external', format: 'esm' } as const;
  await build({ ...unbundled, entryPoints: ['test/bench/rivals/natural.ts'], outfile: join(folder, 'natural.mjs') });
  await build({ ...unbundled, entryPoints: ['test/bench/runtime.ts'], outfile: join(folder, 'runtime.mjs') });

  const contestant = (id: Id, file: string): Contestant => ({ id, ...NAMES[id], file });
  return [
    contestant('ours', unpackHandler(await ours, folder, 'ours')),
    ...(zip ? [contestant('given', unpackHandler(zip, folder, 'given'))] : []),
    contestant('floor', join(folder, 'floor.cjs')),
    contestant('natural', join(folder, 'natural.mjs')),
    contestant('hono', join(folder, 'hono.cjs')),
    contestant('powertools', join(folder, 'powertools.cjs')),
    contestant('document_client', join(folder, 'document_client.cjs')),
  ];
}

/** The versions of everything that takes part. */
export function versions(): Record<string, string> {
  const packages = [...new Set(Object.values(NAMES).flatMap(({ of }) => of))].sort();
  const read = (name: string): { version: string } =>
    JSON.parse(readFileSync(join('node_modules', name, 'package.json'), 'utf8'));
  return { node: process.versions.node, ...Object.fromEntries(packages.map((name) => [name, read(name).version])) };
}

async function packageOurs(folder: string): Promise<string> {
  const target = join(folder, 'package');
  mkdirSync(target);
  const words = ['node_modules/serverless/bin/serverless.js', 'package', '--package', target];
  await promisify(execFile)(process.execPath, words, { env: { ...process.env, SLS_TELEMETRY_DISABLED: '1' } });
  return join(target, 'logout_user.zip');
}

/** Puts the one file of a package into the folder, beside the runtime that loads it. */
function unpackHandler(zip: string, folder: string, name: string): string {
  const [[path, content] = []] = Object.entries(unzipSync(readFileSync(zip)));
  if (!path || !content) throw new Error(`${zip} is empty`);
  const file = join(folder, `${name}${extname(path)}`);
  writeFileSync(file, content);
  return file;
}
