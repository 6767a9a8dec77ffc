import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { unzip } from '../setup/zip.ts';

/** What is compared: its name in the tables, what it is made of, and the file that Lambda would load. */
export type Contestant = { id: Id; name: string; of: string[]; file: string };
export type Id = keyof typeof NAMES;

const SDK = ['@aws-sdk/client-dynamodb', '@aws-sdk/client-secrets-manager'];
const NAMES = {
  ours: { name: 'this package', of: [...SDK, '@middy/core', 'jose'] },
  floor: { name: 'floor: no SDK', of: [] },
  natural: { name: 'middy + jose, unbundled', of: [...SDK, '@middy/core', 'jose'] },
  hono: { name: 'Hono', of: [...SDK, 'hono'] },
  powertools: { name: 'Powertools', of: [...SDK, '@aws-lambda-powertools/event-handler', 'jose'] },
  document_client: { name: 'DocumentClient', of: [...SDK, '@aws-sdk/lib-dynamodb', 'jsonwebtoken'] },
};

/** Packages ours with `serverless package` and bundles the rivals, into the folder. */
export async function buildContestants(folder: string): Promise<Contestant[]> {
  symlinkSync(join(process.cwd(), 'node_modules'), join(folder, 'node_modules'));
  const ours = packageOurs(folder);
  // The rivals' best: everything that makes ours small but leaving parts of the SDK out.
  const bundled = { platform: 'node', target: 'node24', bundle: true, minify: true, format: 'cjs' } as const;
  const rivals = ['floor', 'hono', 'powertools', 'document_client'].map((id) => `test/bench/rivals/${id}.ts`);
  const outExtension = { '.js': '.cjs' };
  await build({ ...bundled, mainFields: ['module', 'main'], entryPoints: rivals, outdir: folder, outExtension });
  const unbundled = { platform: 'node', bundle: true, packages: 'external', format: 'esm' } as const;
  await build({ ...unbundled, entryPoints: ['test/bench/rivals/natural.ts'], outfile: join(folder, 'natural.mjs') });
  await build({ ...bundled, entryPoints: ['test/bench/runtime.ts'], outfile: join(folder, 'runtime.cjs') });
  await ours;
  return ids().map((id) => ({
    id,
    ...NAMES[id],
    file: join(folder, id === 'natural' || id === 'ours' ? `${id}.mjs` : `${id}.cjs`),
  }));
}

/** The versions of everything that takes part. */
export function versions(): Record<string, string> {
  const packages = [...new Set(ids().flatMap((id) => NAMES[id].of))].sort();
  const read = (name: string): { version: string } =>
    JSON.parse(readFileSync(join('node_modules', name, 'package.json'), 'utf8'));
  return { node: process.versions.node, ...Object.fromEntries(packages.map((name) => [name, read(name).version])) };
}

async function packageOurs(folder: string): Promise<void> {
  const target = join(folder, 'package');
  mkdirSync(target);
  const words = ['node_modules/serverless/bin/serverless.js', 'package', '--package', target];
  await promisify(execFile)(process.execPath, words, { env: { ...process.env, SLS_TELEMETRY_DISABLED: '1' } });
  const [file] = Object.values(unzip(readFileSync(join(target, 'logout_user.zip'))));
  if (!file) throw new Error('the package is empty');
  writeFileSync(join(folder, 'ours.mjs'), file);
}

function ids(): Id[] {
  return ['ours', 'floor', 'natural', 'hono', 'powertools', 'document_client'];
}
