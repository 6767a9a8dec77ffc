import { ServiceError } from '../errors.ts';
import { Cached } from './cached.ts';
import { byKid, fetchKeySet, type KeySet, readKeySet } from './key_set.ts';

/** A validator record in the vocabulary of Odoo's auth_jwt, checked, with its keys ready for use. */
export type ValidatorRecord = {
  name: string;
  algorithm: string;
  keys: Cached<KeySet>;
  shortKey: boolean;
  audience: string[];
  issuer: string;
  allowedEmails: Set<string> | undefined;
  maxTokenAgeSeconds: number;
  previousKeyGraceMs: number;
};

// A key must have as many bytes as the hash (RFC 7518 §3.2).
const SECRET_ALGORITHMS = new Map([
  ['HS256', { hash: 'SHA-256', bytes: 32 }],
  ['HS384', { hash: 'SHA-384', bytes: 48 }],
  ['HS512', { hash: 'SHA-512', bytes: 64 }],
]);
const PUBLIC_KEY_ALGORITHM = /^(RS256|RS384|RS512|PS256|PS384|PS512|ES256|ES384|ES512|EdDSA)$/;
const JWKS_MAX_AGE_MS = 300_000;

/** Reads the text of a secret. Throws ServiceError INTERNAL whose cause names record and field, never a value. */
export async function readRecord(secretId: string, secretText: string | undefined): Promise<ValidatorRecord> {
  const fields = new Fields(secretId, secretText);
  const rules = {
    name: fields.text('name'),
    audience: fields.list('audience'),
    issuer: fields.text('issuer'),
    allowedEmails: fields.get('allowed_emails') === undefined ? undefined : new Set(fields.list('allowed_emails')),
    maxTokenAgeSeconds: fields.seconds('max_token_age_seconds', 86_400),
    previousKeyGraceMs: 1000 * fields.seconds('previous_key_grace_seconds', 3600),
  };
  if (rules.audience.length === 0) fields.refuse('audience', 'must name at least one');
  const type = fields.text('signature_type');
  if (type === 'secret') return { ...rules, ...(await sharedKey(fields)) };
  if (type === 'public_key') return { ...rules, ...(await publicKeys(fields)), shortKey: false };
  return fields.refuse('signature_type', 'must be secret or public_key');
}

async function sharedKey(fields: Fields) {
  const algorithm = fields.text('secret_algorithm');
  const { hash, bytes } =
    SECRET_ALGORITHMS.get(algorithm) ?? fields.refuse('secret_algorithm', 'must be HS256, HS384 or HS512');
  const secret = new TextEncoder().encode(fields.text('secret_key'));
  const shortKey = secret.length < bytes;
  if (!fields.flag('allow_short_key') && shortKey) {
    fields.refuse(
      'secret_key',
      `is shorter than the ${bytes} bytes of ${algorithm}: use a longer one, or set allow_short_key while you migrate`,
    );
  }
  const key = await crypto.subtle.importKey('raw', secret, { name: 'HMAC', hash }, false, ['verify']);
  return { algorithm, shortKey, keys: fixed(() => [key]) };
}

async function publicKeys(fields: Fields) {
  const algorithm = fields.text('public_key_algorithm');
  if (!PUBLIC_KEY_ALGORITHM.test(algorithm)) {
    fields.refuse('public_key_algorithm', 'must be RS, PS or ES with 256, 384 or 512, or EdDSA');
  }
  const inline = fields.get('public_key_jwks');
  if (inline !== undefined) {
    const keys = await readKeySet(inline, algorithm).catch(() => fields.refuse('public_key_jwks', 'must be a JWK set'));
    if (keys.length === 0) fields.refuse('public_key_jwks', `holds no public key for ${algorithm}`);
    return { algorithm, keys: fixed(byKid(keys)) };
  }
  const url = fields.httpsUrl('public_key_jwk_uri');
  return { algorithm, keys: new Cached((deadline) => fetchKeySet(url, algorithm, deadline), JWKS_MAX_AGE_MS) };
}

function fixed(keySet: KeySet): Cached<KeySet> {
  return new Cached(async () => keySet, Number.POSITIVE_INFINITY);
}

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
    const list = typeof value === 'string' ? value.split(',') : value;
    const entries: unknown[] = Array.isArray(list) ? list : this.refuse(field, 'must be text or a list of texts');
    return entries.map(
      (entry) =>
        (typeof entry === 'string' && entry.trim()) || this.refuse(field, 'has an entry that is blank or no text'),
    );
  }

  flag(field: string): boolean {
    const value = this.get(field) ?? false;
    return typeof value === 'boolean' ? value : this.refuse(field, 'must be true or false');
  }

  httpsUrl(field: string): URL {
    const url = URL.parse(this.text(field));
    if (url?.protocol === 'https:' && !url.username && !url.password) return url;
    return this.refuse(field, 'must be an https address, without user and password');
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
