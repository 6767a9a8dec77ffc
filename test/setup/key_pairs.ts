import { generateKeyPairSync, type KeyObject, type webcrypto } from 'node:crypto';
import { importPKCS8, type JWK } from 'jose';

const CURVES = new Map([
  ['ES256', 'P-256'],
  ['ES384', 'P-384'],
  ['ES512', 'P-521'],
]);
const pairs = new Map<string, { publicKey: KeyObject; privateKey: KeyObject }>();

/** The key pair of that name for the algorithm, made when first asked for. RSA takes long: its algorithms share a pair. */
export async function keyPair(alg: string, name = 'ours'): Promise<{ jwk: JWK; privateKey: webcrypto.CryptoKey }> {
  const id = `${/^[RP]S/.test(alg) ? 'RSA' : alg} ${name}`;
  const pair = pairs.get(id) ?? newKeyPair(alg);
  pairs.set(id, pair);
  const pem = pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  return { jwk: { kid: name, ...pair.publicKey.export({ format: 'jwk' }) }, privateKey: await importPKCS8(pem, alg) };
}

function newKeyPair(alg: string) {
  if (alg === 'EdDSA') return generateKeyPairSync('ed25519');
  const namedCurve = CURVES.get(alg);
  return namedCurve ? generateKeyPairSync('ec', { namedCurve }) : generateKeyPairSync('rsa', { modulusLength: 2048 });
}
