import { type CryptoKey, createLocalJWKSet, type JWK } from 'jose';
import { ServiceError } from '../errors.ts';

/** The keys that may have signed a token with this `kid`, or without one. */
export type KeySet = (kid: string | undefined) => CryptoKey[];

type PublicKey = { kid: string | undefined; key: CryptoKey };

const MIN_RSA_BITS = 2048; // RFC 7518 §3.3
const MAX_CANDIDATES = 10; // a token without a kid is tried with each: bounded, however large the set is
const TIMEOUT_MS = 2000;
const MAX_BYTES = 64 * 1024;

/** The public keys of a JWK set that fit the algorithm; others, broken and short ones are left out. Throws if it is no set. */
export async function readKeySet(jwks: unknown, algorithm: string): Promise<PublicKey[]> {
  if (typeof jwks !== 'object' || jwks === null || !('keys' in jwks) || !Array.isArray(jwks.keys)) {
    throw new Error('not a JWK set');
  }
  const imports = await Promise.allSettled(jwks.keys.map((jwk: JWK) => importKey(jwk, algorithm)));
  return imports.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
}

/** Reads the key set behind an https address. Throws UNAVAILABLE when that fails, or gives none in time and size. */
export async function fetchKeySet(url: URL, algorithm: string, deadline: AbortSignal): Promise<KeySet> {
  try {
    const response = await fetch(url, {
      headers: { accept: 'application/jwk-set+json, application/json' },
      redirect: 'error', // it may lead away from https
      signal: AbortSignal.any([deadline, AbortSignal.timeout(TIMEOUT_MS)]),
    });
    const text = await limitedText(response);
    if (response.status !== 200) throw new Error(`HTTP status ${response.status}`);
    return byKid(await readKeySet(JSON.parse(text), algorithm));
  } catch (error) {
    const cause = error instanceof TypeError ? error.cause : error; // what made fetch fail
    throw new ServiceError('UNAVAILABLE', 'jwks_unavailable', cause ?? error);
  }
}

/** Without a `kid` any key may be meant; a `kid` that the set does not have means none. */
export function byKid(keys: PublicKey[]): KeySet {
  return (kid) =>
    keys
      .filter((key) => kid === undefined || key.kid === kid)
      .slice(0, MAX_CANDIDATES)
      .map(({ key }) => key);
}

async function importKey(jwk: JWK, algorithm: string): Promise<PublicKey> {
  const key = await createLocalJWKSet({ keys: [jwk] })({ alg: algorithm }); // heeds kty, crv, alg, use and key_ops
  const { modulusLength = MIN_RSA_BITS }: Partial<RsaHashedKeyAlgorithm> = key.algorithm;
  if (modulusLength < MIN_RSA_BITS) throw new Error('the RSA key is too short');
  return { kid: jwk.kid, key };
}

async function limitedText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    if (size > MAX_BYTES) throw new Error('the answer is larger than 64 KiB');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}
