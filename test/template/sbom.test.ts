import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { serverless } from '../setup/package.ts';

type Metafile = { outputs: Record<string, { inputs: object }> };

test('npm run sbom lists every package that the zips contain code of, and nothing else', async () => {
  const esbuild = '  esbuild:\n';
  const kept = { replace: { [esbuild]: `${esbuild}    metafile: true\n    keepOutputDirectory: true\n` } };
  const { folder, output } = await serverless('package', { openidProviders: 'any' }, kept);
  const metafiles = globSync('.esbuild-package/.build/functions/*-meta.json', { cwd: folder });
  assert.equal(metafiles.length, 2, output);
  const files = metafiles.flatMap((name) => {
    const { outputs }: Metafile = JSON.parse(readFileSync(join(folder, name), 'utf8'));
    return Object.values(outputs).flatMap(({ inputs }) => Object.keys(inputs));
  });
  const names = files.flatMap((file) => file.match(/.*node_modules\/((?:@[^/]+\/)?[^/]+)/)?.[1] ?? []);

  const bom: { components: { name: string; version: string; licenses: unknown[] }[] } = JSON.parse(
    execFileSync('npm', ['run', '--silent', 'sbom'], { encoding: 'utf8' }),
  );
  const listed = bom.components.map(({ name }) => name);
  assert.deepEqual(listed.toSorted(), [...new Set(names)].toSorted());
  assert.ok(listed.includes('jose') && listed.includes('@aws-sdk/client-dynamodb'));
  for (const { name, version, licenses } of bom.components) {
    const installed: { version: string } = JSON.parse(readFileSync(`node_modules/${name}/package.json`, 'utf8'));
    assert.deepEqual([version, licenses.length], [installed.version, 1], name);
  }
});
