// `npm run sbom`: npm's own list of the dependencies, in CycloneDX, limited to those that are in the package.
import { execFileSync } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { build } from 'esbuild';
import { parse } from 'yaml';

type Bom = {
  metadata: { component: { 'bom-ref': string; name: string } };
  components: { 'bom-ref': string }[];
  dependencies: { ref: string; dependsOn: string[] }[];
};

const bundled = await bundledPackages();
const { metadata, components, dependencies, ...bom } = npmSbom();
const root = metadata.component['bom-ref'];
const isListed = (ref: string) => ref === root || bundled.has(ref);
const listed = {
  ...bom,
  metadata: { ...metadata, component: { ...metadata.component, name: root.replace(/@[^@]*$/, '') } }, // npm uses the folder's
  components: components.filter((component) => isListed(component['bom-ref'])),
  dependencies: dependencies
    .filter(({ ref }) => isListed(ref))
    .map(({ ref, dependsOn }) => ({ ref, dependsOn: dependsOn.filter(isListed) })),
};
console.log(JSON.stringify(listed, null, 2));

/** What esbuild bundles with the settings of serverless.yml: name@version of each package. */
async function bundledPackages(): Promise<Set<string>> {
  const { custom } = parse(readFileSync('serverless.yml', 'utf8'));
  const { outputFileExtension: _, outputWorkFolder: __, ...settings } = custom.esbuild;
  const { metafile } = await build({
    ...settings,
    platform: 'node',
    entryPoints: globSync('functions/*.ts'),
    outdir: 'unused',
    write: false,
    metafile: true,
  });
  const files = Object.values(metafile?.outputs ?? {}).flatMap(({ inputs }) => Object.keys(inputs));
  const folders = files.flatMap((file) => file.match(/^.*node_modules\/(@[^/]+\/)?[^/]+/)?.[0] ?? []);
  return new Set([...new Set(folders)].map(nameAndVersion));
}

function nameAndVersion(folder: string): string {
  const { name, version } = JSON.parse(readFileSync(`${folder}/package.json`, 'utf8'));
  return `${name}@${version}`;
}

function npmSbom(): Bom {
  const npm = process.env.npm_execpath;
  if (npm === undefined) throw new Error('run this as npm run sbom');
  // Not --omit=dev: packages that a development dependency needs too would be missing.
  const words = [npm, 'sbom', '--sbom-format=cyclonedx', '--sbom-type=application'];
  return JSON.parse(execFileSync(process.execPath, words, { encoding: 'utf8', maxBuffer: 1e8 }));
}
