import { type CryptoKey, createLocalJWKSet, type JWK } from 'jose';
import { ServiceError } from '../errors.ts';

/** The keys that may have signed a token with this `kid`, or without one. */
export type KeySet = (kid: string | undefined) => CryptoKey[];

type PublicKey = { kid: string | undefined; key: CryptoKey };
type Answer = { status: number; type: string; body: Buffer };

const MIN_RSA_BITS = 2048; // RFC 7518 §3.3
const TIMEOUT_MS = 2000;
const MAX_BYTES = 64 * 1024;
const EDDSA = ['EdDSA', 'Ed25519'];

/** The names of an algorithm: RFC 9864 names EdDSA after its curve. */
export function namesOf(algorithm: string): string[] {
  return EDDSA.includes(algorithm) ? EDDSA : [algorithm];
}

/** The public keys in a JWK set for the algorithm, without broken and short ones. Throws if it is not a JWK set. */
export async function readKeySet(jwks: unknown, algorithm: string): Promise<PublicKey[]> {
  if (typeof jwks !== 'object' || jwks === null || Array.isArray(jwks)) throw new Error('not a JSON object');
  if (!('keys' in jwks)) {
    if ('jwks_uri' in jwks) throw new Error('no keys member; this is a discovery document, use its jwks_uri');
    throw new Error('kty' in jwks ? 'no keys member; this is one JWK, not a set' : 'no keys member');
  }
  if (!Array.isArray(jwks.keys)) throw new Error('its keys member is not a list');
  const imports = await Promise.allSettled(jwks.keys.map((jwk: JWK) => importKey(jwk, algorithm)));
  return imports.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
}

/**
 * Reads the key set at an https address. Throws UNAVAILABLE when there is no answer in time, or it is 408, 429 or 5xx;
 * INTERNAL when the answer shows that the address is wrong. `fault` makes the cause from a description.
 */
export async function fetchKeySet(
  url: URL,
  algorithm: string,
  deadline: AbortSignal,
  fault: (what: string) => string,
): Promise<KeySet> {
  const unavailable = (what: string) => new ServiceError('UNAVAILABLE', 'jwks_unavailable', fault(what));
  const { status, type, body } = await fetchAnswer(url, deadline).catch((error: unknown) => {
    throw unavailable(`cannot be read: ${failureCode(error)}`);
  });
  const size = body.length > MAX_BYTES ? `more than ${MAX_BYTES} bytes` : `${body.length} bytes`;
  const answered = `answers ${status}, ${type}, ${size}`;
  if (status === 408 || status === 429 || status >= 500) throw unavailable(answered);
  try {
    if (status >= 300 && status < 400) throw new Error('a redirect, which may lead away from https');
    if (status !== 200) throw new Error('not a 200');
    if (body.length > MAX_BYTES) throw new Error('too large for a key set');
    return byKid(await readKeySet(parse(body), algorithm));
  } catch (error) {
    const what = error instanceof Error ? error.message : error;
    throw new ServiceError('INTERNAL', 'key_set_invalid', fault(`${answered}: ${what}`));
  }
}

/** Without a `kid` any key may be meant; a `kid` that the set does not have means none. */
export function byKid(keys: PublicKey[]): KeySet {
  return (kid) => keys.filter((key) => kid === undefined || key.kid === kid).map(({ key }) => key);
}

/** Imports the key, if its kty, crv, alg, use and key_ops let it verify by the algorithm (RFC 7517 §4). */
async function importKey(jwk: JWK, algorithm: string): Promise<PublicKey> {
  // Null members count as absent, and other uses of the key do not matter; jose accepts neither.
  const {
    alg,
    key_ops,
    ext: _,
    ...rest
  }: JWK = Object.fromEntries(Object.entries(jwk).filter(([, value]) => value !== null));
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

/** The answer from the address, with no more of the body than shows that it is too large. */
async function fetchAnswer(url: URL, deadline: AbortSignal): Promise<Answer> {
  const response = await fetch(url, {
    headers: { accept: 'application/jwk-set+json, application/json' },
    redirect: 'manual',
    signal: AbortSignal.any([deadline, AbortSignal.timeout(TIMEOUT_MS)]),
  });
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    chunks.push(chunk);
    size += chunk.length;
    if (size > MAX_BYTES) break;
  }
  const type = response.headers.get('content-type')?.match(/^[\w.+-]+\/[\w.+-]+/)?.[0] ?? 'no type';
  return { status: response.status, type, body: Buffer.concat(chunks) };
}

function parse(body: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(body)); // the decoder skips a byte order mark
  } catch {
    throw new Error('not JSON');
  }
}

/** The code of a network failure, which fetch puts in the cause of its own error. */
function failureCode(error: unknown): unknown {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  if (!(cause instanceof Error)) return 'unknown';
  return 'code' in cause && typeof cause.code === 'string' ? cause.code : cause.name;
}
