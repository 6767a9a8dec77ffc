import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import type { APIGatewayProxyStructuredResultV2, Context } from 'aws-lambda';
import type { Answer } from './http.ts';
import { unzip } from './unzip.ts';

type LambdaContext = Pick<Context, 'awsRequestId' | 'getRemainingTimeInMillis'>;
type Handler = (event: unknown, context: LambdaContext) => Promise<APIGatewayProxyStructuredResultV2>;

const ROOT = resolve(import.meta.dirname, '../..');
const CREATED = /^(node_modules|\.git|\.serverless|\.esbuild.*)$/;

/**
 * Packages the service as `npm run package` does, but in a copy of the tree, so that nothing there is disturbed; unzips
 * it into an empty folder. Returns the handler's file; the folder lives as long as the process.
 */
export async function packageService(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'logout_user-'));
  process.once('exit', () => rmSync(folder, { recursive: true }));

  const tree = join(folder, 'tree');
  cpSync(ROOT, tree, { recursive: true, filter: (path) => dirname(path) !== ROOT || !CREATED.test(basename(path)) });
  symlinkSync(join(ROOT, 'node_modules'), join(tree, 'node_modules'));
  const env = { ...process.env, TMPDIR: folder, SLS_TELEMETRY_DISABLED: '1', SLS_NOTIFICATIONS_MODE: 'off' };
  await promisify(execFile)(process.execPath, ['node_modules/serverless/bin/serverless.js', 'package'], {
    cwd: tree,
    env,
  });

  const unzipped = join(folder, 'function');
  for (const [name, bytes] of unzip(readFileSync(join(tree, '.serverless/logout_user.zip')))) {
    mkdirSync(dirname(join(unzipped, name)), { recursive: true });
    writeFileSync(join(unzipped, name), bytes);
  }
  return join(unzipped, 'functions/logout_user.cjs');
}

/** Loads the packaged handler: it reads its settings from the environment now. Returns what sends it an event. */
export function loadHandler(file: string): (event: unknown) => Promise<Answer> {
  const { handler }: { handler: Handler } = createRequire(import.meta.url)(file);
  return async (event) => {
    const context = { awsRequestId: 'r', getRemainingTimeInMillis: () => 10_000 };
    const { statusCode: status = 0, headers = {}, body: text = '' } = await handler(event, context);
    const lines = Object.entries(headers).map(([name, value]): [string, string] => [name.toLowerCase(), String(value)]);
    return { status, head: lines.flat().join('\n'), headers: new Map(lines), text };
  };
}
