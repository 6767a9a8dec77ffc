import {
  type CryptoKey,
  createLocalJWKSet,
  createRemoteJWKSet,
  customFetch,
  errors,
  type FetchImplementation,
  type JSONWebKeySet,
  type JWKSCacheInput,
  type JWTVerifyGetKey,
  jwksCache,
} from 'jose';
import { ServiceError } from './errors.ts';

/** A validator record in the vocabulary of Odoo's auth_jwt, checked, with its key ready for use. */
export type ValidatorRecord = {
  name: string;
  algorithm: string;
  key: JWTVerifyGetKey;
  audience: string[];
  issuer: string;
  allowedEmails: Set<string> | undefined;
  maxTokenAgeSeconds: number;
  previousKeyGraceMs: number;
  shortKey: boolean;
};

// A key must have as many bytes as the hash (RFC 7518 §3.2).
const SECRET_ALGORITHMS = new Map([
  ['HS256', { hash: 'SHA-256', bytes: 32 }],
  ['HS384', { hash: 'SHA-384', bytes: 48 }],
  ['HS512', { hash: 'SHA-512', bytes: 64 }],
]);
const PUBLIC_KEY_ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
];

const JWKS_MAX_AGE_MS = 300_000;
const JWKS_COOLDOWN_MS = 30_000;
const JWKS_TIMEOUT_MS = 2000;
const JWKS_MAX_BYTES = 64 * 1024;
const JWKS_LAST_GOOD_MS = 3_600_000;

/** Reads the text of a secret. Throws ServiceError INTERNAL whose cause names record and field, never a value. */
export async function readRecord(secretId: string, secretText: string | undefined): Promise<ValidatorRecord> {
  const fields = new Fields(secretId, secretText);
  const emails = fields.get('allowed_emails') === undefined ? undefined : new Set(fields.list('allowed_emails'));
  const common = {
    name: fields.text('name'),
    audience: fields.list('audience'),
    issuer: fields.text('issuer'),
    allowedEmails: emails,
    maxTokenAgeSeconds: fields.seconds('max_token_age_seconds', 86_400),
    previousKeyGraceMs: 1000 * fields.seconds('previous_key_grace_seconds', 3600),
  };
  const type = fields.text('signature_type');
  if (type === 'secret') return { ...common, ...(await sharedKey(fields)) };
  if (type === 'public_key') return { ...common, ...publicKeys(fields), shortKey: false };
  return fields.refuse('signature_type', 'must be secret or public_key');
}

async function sharedKey(fields: Fields) {
  const algorithm = fields.text('secret_algorithm');
  const { hash, bytes } =
    SECRET_ALGORITHMS.get(algorithm) ?? fields.refuse('secret_algorithm', 'must be HS256, HS384 or HS512');
  const secret = new TextEncoder().encode(fields.text('secret_key'));
  const shortKey = secret.length < bytes;
  if (shortKey && fields.get('allow_short_key') !== true) {
    fields.refuse(
      'secret_key',
      `is shorter than the ${bytes} bytes of ${algorithm}: use a longer one, or set allow_short_key while you migrate`,
    );
  }
  const key: CryptoKey = await crypto.subtle.importKey('raw', secret, { name: 'HMAC', hash }, false, ['verify']);
  return { algorithm, shortKey, key: async () => key };
}

function publicKeys(fields: Fields) {
  const algorithm = fields.text('public_key_algorithm');
  if (!PUBLIC_KEY_ALGORITHMS.includes(algorithm)) {
    fields.refuse('public_key_algorithm', `must be one of ${PUBLIC_KEY_ALGORITHMS.join(', ')}`);
  }
  const inline = fields.get('public_key_jwks');
  if (inline !== undefined) return { algorithm, key: inlineKeys(inline, fields) };
  const uri = fields.text('public_key_jwk_uri');
  if (!URL.canParse(uri) || new URL(uri).protocol !== 'https:')
    fields.refuse('public_key_jwk_uri', 'must be an https address');
  return { algorithm, key: remoteKeys(new URL(uri)) };
}

function inlineKeys(given: unknown, fields: Fields): JWTVerifyGetKey {
  if (!isKeySet(given)) return fields.refuse('public_key_jwks', 'must be a JWK set with at least one key');
  if (given.keys.some((jwk) => 'd' in jwk || 'k' in jwk))
    fields.refuse('public_key_jwks', 'must hold public keys only');
  return createLocalJWKSet(given);
}

function isKeySet(given: unknown): given is JSONWebKeySet {
  if (typeof given !== 'object' || given === null || !('keys' in given) || !Array.isArray(given.keys)) return false;
  return (
    given.keys.length > 0 &&
    given.keys.every((jwk) => typeof jwk === 'object' && jwk !== null && typeof jwk.kty === 'string')
  );
}

/** The keys behind an address. While it fails, the last good set serves on for an hour at most; with none, UNAVAILABLE. */
function remoteKeys(url: URL): JWTVerifyGetKey {
  const lastGood: JWKSCacheInput & { uat?: number; jwks?: JSONWebKeySet } = {};
  const remote = createRemoteJWKSet(url, {
    cacheMaxAge: JWKS_MAX_AGE_MS,
    cooldownDuration: JWKS_COOLDOWN_MS,
    timeoutDuration: JWKS_TIMEOUT_MS,
    [customFetch]: limitedFetch,
    [jwksCache]: lastGood,
  });
  return async (header, token) => {
    try {
      return await remote(header, token);
    } catch (error) {
      if (error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys) throw error;
      if (lastGood.jwks && Date.now() - (lastGood.uat ?? 0) < JWKS_LAST_GOOD_MS) {
        // A key that the last good set lacks may be a new one: not a refusal, we cannot tell.
        const known = createLocalJWKSet(lastGood.jwks)(header, token);
        return known.catch((cause) => Promise.reject(new ServiceError('UNAVAILABLE', 'jwks_unavailable', cause)));
      }
      throw new ServiceError('UNAVAILABLE', 'jwks_unavailable', error);
    }
  };
}

const limitedFetch: FetchImplementation = async (url, options) => {
  const response = await fetch(url, options);
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    if (size > JWKS_MAX_BYTES) throw new Error('the key set is larger than 64 KiB');
    chunks.push(chunk);
  }
  return new Response(Buffer.concat(chunks), { status: response.status });
};

/** The record's members, each checked as it is read. */
class Fields {
  readonly #secretId: string;
  readonly #fields: Map<string, unknown>;

  constructor(secretId: string, secretText: string | undefined) {
    this.#secretId = secretId;
    if (secretText === undefined) this.refuse('the secret', 'is binary: store the record as text');
    let parsed: unknown;
    try {
      parsed = JSON.parse(secretText);
    } catch {
      this.refuse('the secret', 'is not valid JSON'); // without its cause: that quotes the secret
    }
    if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed))
      this.refuse('the secret', 'must be a JSON object');
    this.#fields = new Map(Object.entries(parsed));
  }

  get(field: string): unknown {
    return this.#fields.get(field) ?? undefined; // null is how some exports say "not set"
  }

  text(field: string): string {
    const value = this.get(field);
    if (value === undefined) return this.refuse(field, 'is missing');
    return typeof value === 'string' && value.trim() !== ''
      ? value
      : this.refuse(field, 'must be text that is not blank');
  }

  /** Text, comma separated, or a list of texts; every entry trimmed. */
  list(field: string): string[] {
    const value = this.get(field);
    if (value === undefined) this.refuse(field, 'is missing');
    const entries: unknown[] = typeof value === 'string' ? value.split(',') : Array.isArray(value) ? value : [];
    if (entries.length === 0) this.refuse(field, 'must be text or a list of texts');
    return entries.map(
      (entry) =>
        (typeof entry === 'string' && entry.trim()) || this.refuse(field, 'has an entry that is blank or no text'),
    );
  }

  seconds(field: string, fallback: number): number {
    const value = this.get(field) ?? fallback;
    if (typeof value === 'number' && value >= 0 && Number.isFinite(value)) return value;
    return this.refuse(field, 'must be a number of seconds, 0 or more');
  }

  refuse(field: string, mend: string): never {
    throw new ServiceError(
      'INTERNAL',
      'record_invalid',
      new Error(`validator record ${this.#secretId}: ${field} ${mend}`),
    );
  }
}
