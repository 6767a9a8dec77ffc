import { inflateRawSync } from 'node:zlib';

/** The files of a zip by name: APPNOTE.TXT 4.3.12 (central directory) and 4.3.16 (its end). */
export function unzip(zip: Buffer): Map<string, Buffer> {
  const files = new Map<string, Buffer>();
  const end = zip.lastIndexOf('PK\x05\x06', undefined, 'latin1');
  let entry = zip.readUInt32LE(end + 16);
  for (let count = zip.readUInt16LE(end + 10); count > 0; count--) {
    const nameEnd = entry + 46 + zip.readUInt16LE(entry + 28);
    const local = zip.readUInt32LE(entry + 42);
    const data = local + 30 + zip.readUInt16LE(local + 26) + zip.readUInt16LE(local + 28);
    const bytes = zip.subarray(data, data + zip.readUInt32LE(entry + 20));
    const deflated = zip.readUInt16LE(entry + 10) === 8;
    files.set(zip.toString('utf8', entry + 46, nameEnd), deflated ? inflateRawSync(bytes) : bytes);
    entry = nameEnd + zip.readUInt16LE(entry + 30) + zip.readUInt16LE(entry + 32);
  }
  return files;
}
