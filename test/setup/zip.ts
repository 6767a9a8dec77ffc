import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { unzipSync } from 'fflate';

/** Unpacks the archive into a new folder, which is deleted when the process ends. */
export function unpack(zip: Buffer): string {
  const folder = mkdtempSync(join(tmpdir(), 'unzipped-'));
  process.once('exit', () => rmSync(folder, { recursive: true }));
  for (const [name, bytes] of Object.entries(unzipSync(zip))) {
    mkdirSync(join(folder, dirname(name)), { recursive: true });
    writeFileSync(join(folder, name), bytes);
  }
  return folder;
}

/** Unpacks the archive and handles the event there in a Node.js of its own, as Lambda does. Returns status and body. */
export async function runUnzipped(zip: Buffer, env: Record<string, string>, event: unknown, name = 'logout_user') {
  const script = `const { handler } = await import('./functions/${name}.mjs');
    const { statusCode, body } = await handler(${JSON.stringify(event)}, { getRemainingTimeInMillis: () => 10_000 });
    console.log(statusCode, body);`;
  const options = { cwd: unpack(zip), env, timeout: 60_000 };
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], options);
  return stdout.trim().split('\n').at(-1) ?? '';
}
