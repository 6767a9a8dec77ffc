import { constants, createCipheriv, createHash, publicEncrypt, randomBytes } from 'node:crypto';
import { deflateRawSync } from 'node:zlib';
import { base64url } from 'jose';
import { trusted } from './keys.ts';
import { SECRET } from './token.ts';

/** The form of a compact JWE, filled at random; its ciphertext would inflate to so many MiB. */
export function unreadableJwe(header: object, mebibytes: number): string {
  const ciphertext = deflateRawSync(Buffer.alloc(mebibytes * 2 ** 20), { level: 9 });
  const [iv, tag] = [randomBytes(12), randomBytes(16)];
  return [JSON.stringify(header), '', iv, ciphertext, tag].map((part) => base64url.encode(part)).join('.');
}

/** A JWE that the holder of the trusted RSA key could decrypt. */
export function jweToPublicKey(plaintext: string): string {
  const key = randomBytes(32);
  const oaep = { key: trusted.rsa.publicKey, oaepHash: 'sha256', padding: constants.RSA_PKCS1_OAEP_PADDING };
  const header = { alg: 'RSA-OAEP-256', enc: 'A256GCM', cty: 'JWT', kid: 'rsa-1' };
  return encrypt(header, key, publicEncrypt(oaep, key), plaintext);
}

/** A JWE under a key that is derived from the shared secret. */
export function jweToSecret(plaintext: string): string {
  const key = createHash('sha256').update(SECRET).digest();
  return encrypt({ alg: 'dir', enc: 'A256GCM', cty: 'JWT' }, key, Buffer.alloc(0), plaintext);
}

function encrypt(header: object, key: Buffer, encryptedKey: Buffer, plaintext: string): string {
  const protectedHeader = base64url.encode(JSON.stringify(header));
  const iv = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', key, iv).setAAD(Buffer.from(protectedHeader));
  const ciphertext = Buffer.concat([cipher.update(plaintext), cipher.final()]);
  return [
    protectedHeader,
    ...[encryptedKey, iv, ciphertext, cipher.getAuthTag()].map((part) => base64url.encode(part)),
  ].join('.');
}
