import { Cached } from './cached.ts';
import { Fields } from './fields.ts';
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

/** Every field of a record. Another name is refused: a misspelt `allowed_emails` would let everybody in. */
const FIELDS = [
  'name',
  'signature_type',
  'secret_algorithm',
  'secret_key',
  'allow_short_key',
  'public_key_algorithm',
  'public_key_jwk_uri',
  'public_key_jwks',
  'audience',
  'issuer',
  'allowed_emails',
  'max_token_age_seconds',
  'previous_key_grace_seconds',
];
/** A place for notes, and what else a record of Odoo's auth_jwt holds: it may be copied as it is. */
const PASSED_OVER =
  /^(description|user_id_strategy|static_user_id|partner_id_(strategy|required)|next_validator_id|(cookie|create|write)_\w+|id|display_name|__last_update)$/;

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
  const unknown = fields.names().find((name) => !FIELDS.includes(name) && !PASSED_OVER.test(name));
  if (unknown !== undefined) fields.refuseName(unknown);
  const rules = {
    name: fields.text('name'),
    audience: fields.list('audience'),
    issuer: fields.claim('issuer'),
    allowedEmails: fields.has('allowed_emails') ? new Set(fields.list('allowed_emails')) : undefined,
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
  if (fields.has('public_key_jwks')) {
    const inline = fields.json('public_key_jwks');
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
