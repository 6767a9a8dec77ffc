import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { unzipSync } from 'fflate';

/** Unpacks the archive into an empty folder of its own, which goes with the process. */
export function unpack(zip: Buffer): string {
  const folder = mkdtempSync(join(tmpdir(), 'unzipped-'));
  process.once('exit', () => rmSync(folder, { recursive: true }));
  for (const [name, bytes] of Object.entries(unzipSync(zip))) {
    mkdirSync(join(folder, dirname(name)), { recursive: true });
    writeFileSync(join(folder, name), bytes);
  }
  return folder;
}

/** Unpacks the archive and has a Node.js of its own handle the event there, as Lambda does. */
export function runUnzipped(
  zip: Buffer,
  env: Record<string, string>,
  event: unknown,
  name = 'logout_user',
): Promise<string> {
  const folder = unpack(zip);
  const script = `const { handler } = await import('./functions/${name}.mjs');
    const { statusCode, body } = await handler(${JSON.stringify(event)}, { getRemainingTimeInMillis: () => 10_000 });
    console.log(statusCode, body);`;
  return new Promise((resolve, reject) =>
    execFile(
      process.execPath,
      ['--input-type=module', '-e', script],
      { cwd: folder, env, timeout: 60_000 },
      (error, stdout, stderr) =>
        // Not the lines of the bundle, which are very long.
        error ? reject(new Error(stderr.replace(/^.{500,}\n/gm, ''))) : resolve(stdout.trim().split('\n').at(-1) ?? ''),
    ),
  );
}
