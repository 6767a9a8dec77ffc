import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { inflateRawSync } from 'node:zlib';

const END_OF_DIRECTORY = 22; // bytes, when the archive has no comment

/** The files of a zip archive by their name (PKWARE's APPNOTE, 4.3: the directory is at the end). */
export function unzip(zip: Buffer): Record<string, Buffer> {
  const end = zip.length - END_OF_DIRECTORY;
  const files: Record<string, Buffer> = {};
  let at = zip.readUInt32LE(end + 16);
  for (let n = zip.readUInt16LE(end + 10); n > 0; n--) {
    const nameLength = zip.readUInt16LE(at + 28);
    const name = zip.toString('utf8', at + 46, at + 46 + nameLength);
    const local = zip.readUInt32LE(at + 42);
    const start = local + 30 + zip.readUInt16LE(local + 26) + zip.readUInt16LE(local + 28);
    const bytes = zip.subarray(start, start + zip.readUInt32LE(at + 20));
    const stored = zip.readUInt16LE(at + 10) === 0;
    files[name] = stored ? bytes : inflateRawSync(bytes);
    at += 46 + nameLength + zip.readUInt16LE(at + 30) + zip.readUInt16LE(at + 32);
  }
  return files;
}

/** Unpacks the archive into an empty folder of its own, which goes with the process. */
export function unpack(zip: Buffer): string {
  const folder = mkdtempSync(join(tmpdir(), 'unzipped-'));
  process.once('exit', () => rmSync(folder, { recursive: true }));
  for (const [name, bytes] of Object.entries(unzip(zip))) {
    mkdirSync(join(folder, dirname(name)), { recursive: true });
    writeFileSync(join(folder, name), bytes);
  }
  return folder;
}

/** Unpacks the archive and has a Node.js of its own handle the event there, as Lambda does. */
export function runUnzipped(zip: Buffer, env: Record<string, string>, event: unknown): Promise<string> {
  const folder = unpack(zip);
  const script = `const { handler } = await import('./functions/logout_user.mjs');
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
