import { type CryptoKey, createLocalJWKSet, type JWK } from 'jose';
import { isObject } from '../json.ts';

/** The keys that may have signed a token, and those that were left out of a set because they cannot be used. */
export type KeySet = {
  /** The keys that may have signed a token with this `kid`, or without one. */
  matching: (kid: string | undefined) => CryptoKey[];
  /** Why the set's key of this `kid` was left out. */
  leftOut: (kid: string | undefined) => string | undefined;
};

type PublicKey = { kid: string | undefined; key: CryptoKey };
type UnusableKey = { kid: unknown; why: string };

const MIN_RSA_BITS = 2048; // RFC 7518 §3.3
const EDDSA = ['EdDSA', 'Ed25519'];

/** The names of an algorithm: RFC 9864 names EdDSA after its curve. */
export function namesOf(algorithm: string): string[] {
  return EDDSA.includes(algorithm) ? EDDSA : [algorithm];
}

/** One key, whatever the `kid`. */
export function sharedKey(key: CryptoKey): KeySet {
  return { matching: () => [key], leftOut: () => undefined };
}

/**
 * The public keys in a JWK set for the algorithm, without broken and short ones. Throws if it is not a JWK set, or none
 * of its keys can be used.
 */
export async function readKeySet(jwks: unknown, algorithm: string): Promise<KeySet> {
  if (!isObject(jwks)) throw new Error('not a JSON object');
  if (!('keys' in jwks)) {
    if ('jwks_uri' in jwks) throw new Error('no keys member; this is a discovery document, use its jwks_uri');
    throw new Error('kty' in jwks ? 'no keys member; this is one JWK, not a set' : 'no keys member');
  }
  if (!Array.isArray(jwks.keys)) throw new Error('its keys member is not a list');
  const keys: (PublicKey | UnusableKey)[] = await Promise.all(
    jwks.keys.map((jwk: unknown) => importKey(jwk, algorithm).catch(() => unusableKey(jwk, algorithm))),
  );
  const usable = keys.filter((key) => 'key' in key);
  const unusable = keys.filter((key) => 'why' in key);
  if (usable.length === 0) {
    const why = [...new Set(unusable.map(({ why }) => why))].join('; ') || 'it is empty';
    throw new Error(`no usable public key for ${algorithm}: ${why}`);
  }
  return {
    // Without a kid any key may be meant; a kid that the set does not have means none.
    matching: (kid) => usable.filter((key) => kid === undefined || key.kid === kid).map(({ key }) => key),
    leftOut: (kid) => unusable.find((key) => kid !== undefined && key.kid === kid)?.why,
  };
}

/** Imports the key. Throws unless its kty, crv, alg, use and key_ops let it verify by the algorithm (RFC 7517 §4). */
async function importKey(jwk: unknown, algorithm: string): Promise<PublicKey> {
  // Null members count as absent, and other uses of the key do not matter; jose accepts neither.
  const { alg, key_ops, ext: _, ...rest } = membersOf(jwk);
  const fitting: JWK = {
    ...rest,
    ...(alg !== undefined && { alg: namesOf(algorithm).includes(alg) ? algorithm : alg }),
    ...(key_ops !== undefined && { key_ops: key_ops.includes('verify') ? ['verify'] : key_ops }),
  };
  const key = await createLocalJWKSet({ keys: [fitting] })({ alg: algorithm });
  const { modulusLength = MIN_RSA_BITS }: Partial<RsaHashedKeyAlgorithm> = key.algorithm;
  if (modulusLength < MIN_RSA_BITS) throw new Error('the RSA key is too short');
  return { kid: fitting.kid, key };
}

/** Says why a key cannot be used, in words for an operator, without any value of it. */
function unusableKey(jwk: unknown, algorithm: string): UnusableKey {
  const { kid, kty, n = '', use, key_ops, alg, d } = membersOf(jwk);
  const why = () => {
    if (use !== undefined && use !== 'sig') return 'a key is not for signatures, by its use';
    if (key_ops !== undefined && !`${key_ops}`.includes('verify')) return 'a key is not for verifying, by its key_ops';
    if (alg !== undefined && !namesOf(algorithm).includes(alg)) return 'a key is for another algorithm, by its alg';
    if (kty !== keyTypeOf(algorithm)) return 'a key is for another algorithm, by its kty';
    if (d !== undefined) return 'a key is private';
    if (kty !== 'RSA') return 'a key is broken, or on another curve';
    return Buffer.from(`${n}`, 'base64url').length < MIN_RSA_BITS / 8
      ? 'an RSA key is shorter than 2048 bits'
      : 'a key is broken';
  };
  return { kid, why: why() };
}

function membersOf(jwk: unknown): JWK {
  return Object.fromEntries(Object.entries(Object(jwk)).filter(([, value]) => value !== null));
}

function keyTypeOf(algorithm: string): string {
  if (EDDSA.includes(algorithm)) return 'OKP';
  return algorithm.startsWith('ES') ? 'EC' : 'RSA';
}
