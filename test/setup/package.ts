import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cpSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';

export type Resource = {
  Type: string;
  Properties: Record<string, unknown>;
  DeletionPolicy?: string;
  UpdateReplacePolicy?: string;
};
export type Template = {
  Conditions?: Record<string, unknown>;
  Resources: Record<string, Resource>;
  Outputs: Record<string, { Value: unknown }>;
};
/**
 * `bundle: false` packs an empty file: twice as fast, where only the template matters. `replace` maps lines of
 * serverless.yml to their replacements; `environment` is added to the newcomer's.
 */
export type Options = {
  stage?: string | undefined;
  bundle?: boolean;
  replace?: Record<string, string> | undefined;
  environment?: Record<string, string>;
};
export type Outcome = { code: number | null; output: string; folder: string };
/** `archives` holds each function's zip by the function's name. */
export type Package = {
  template: Template;
  templateFile: string;
  archives: Record<string, Buffer>;
  output: string;
};

const NO_BUNDLE = {
  '  - serverless-esbuild\n': '',
  '  individually: true\n': '  artifact: empty.zip\n',
};
const root = mkdtempSync(join(tmpdir(), 'package-'));
mkdirSync(join(root, 'home'));
process.once('exit', () => rmSync(root, { recursive: true }));

/** Runs the Serverless Framework on a copy of the project, as a newcomer without AWS credentials does. */
export function serverless(
  command: string,
  parameters: Record<string, string> = {},
  { stage = 'dev', bundle = true, replace = {}, environment = {} }: Options = {},
): Promise<Outcome> {
  const folder = mkdtempSync(join(root, 'project-'));
  for (const name of ['functions', 'lib', 'package.json', 'serverless.yml'])
    cpSync(name, join(folder, name), { recursive: true });
  symlinkSync(join(process.cwd(), 'node_modules'), join(folder, 'node_modules'));
  writeFileSync(join(folder, 'empty.zip'), '');
  replaceLines(join(folder, 'serverless.yml'), { ...(bundle ? {} : NO_BUNDLE), ...replace });
  const options = Object.entries(parameters).flatMap(([name, value]) => ['--param', `${name}=${value}`]);
  const words = ['node_modules/serverless/bin/serverless.js', command, '--stage', stage, ...options];
  const env = {
    HOME: join(root, 'home'), // no credentials there; inside the project's folder the framework would search all of it
    PATH: process.env.PATH,
    NO_COLOR: '1',
    SLS_TELEMETRY_DISABLED: '1',
    AWS_EC2_METADATA_DISABLED: 'true',
    ...environment,
    NODE_COMPILE_CACHE: join(process.cwd(), 'node_modules/.cache/serverless'), // half of the time is for loading it
  };
  return new Promise((resolve) => {
    const child = execFile(process.execPath, words, { cwd: folder, env, timeout: 180_000 }, (_, stdout, stderr) =>
      resolve({ code: child.exitCode, output: `${stdout}${stderr}`, folder }),
    );
  });
}

/** What `npm run package` leaves behind with these parameters. */
export async function packageService(parameters: Record<string, string> = {}, options: Options = {}): Promise<Package> {
  const { code, output, folder } = await serverless('package', parameters, options);
  if (code !== 0) throw new Error(`serverless package ended with ${code}: ${output}`);
  const zips = globSync('.serverless/*.zip', { cwd: folder });
  const templateFile = join(folder, '.serverless/cloudformation-template-update-stack.json');
  return {
    template: JSON.parse(readFileSync(templateFile, 'utf8')),
    templateFile,
    archives: Object.fromEntries(zips.map((zip) => [basename(zip, '.zip'), readFileSync(join(folder, zip))])),
    output,
  };
}

function replaceLines(file: string, lines: Record<string, string>): void {
  let text = readFileSync(file, 'utf8');
  for (const [line, instead] of Object.entries(lines)) {
    assert.ok(text.includes(line), line);
    text = text.replace(line, instead);
  }
  writeFileSync(file, text);
}

/** The properties of a resource; empty if it is not there. */
export function propertiesOf(template: Template, logicalId: string): Record<string, unknown> {
  return template.Resources[logicalId]?.Properties ?? {};
}

/** The resources of that type, by their logical id. */
export function resourcesOf(template: Template, type: string): Record<string, Resource> {
  return Object.fromEntries(Object.entries(template.Resources).filter(([, resource]) => resource.Type === type));
}
