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
  /** The claim that must equal the user id in the path. */
  userIdClaim: string | undefined;
  /** The template of a user id, which contains the provider's `{sub}`. */
  userId: string;
  /** The provider's name in the items that link accounts to users. */
  accountProvider: string | undefined;
  maxTokenAgeSeconds: number;
  previousKeyGraceMs: number;
};

/** Whose record it is, the fields that only such a record has, and its default max token age. */
export type RecordKind = { whose: string; fields: string[]; maxTokenAgeSeconds: number };

export const CALLER: RecordKind = {
  whose: 'a caller',
  fields: ['allowed_emails', 'user_id_claim'],
  maxTokenAgeSeconds: 86_400,
};
export const OPENID_PROVIDER: RecordKind = {
  whose: 'an OpenID provider',
  fields: ['user_id', 'account_provider'],
  maxTokenAgeSeconds: 300,
};

/** The fields that any record may have. Others are refused: a misspelled `allowed_emails` would let everybody in. */
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
  'max_token_age_seconds',
  'previous_key_grace_seconds',
];
/** A place for notes, and the other fields of Odoo's auth_jwt, so that its record can be copied as it is. */
const IGNORED =
  /^(description|user_id_strategy|static_user_id|partner_id_(strategy|required)|next_validator_id|(cookie|create|write)_\w+|id|display_name|__last_update)$/;

// A key must have as many bytes as the hash (RFC 7518 §3.2).
const SECRET_ALGORITHMS = new Map([
  ['HS256', { hash: 'SHA-256', bytes: 32 }],
  ['HS384', { hash: 'SHA-384', bytes: 48 }],
  ['HS512', { hash: 'SHA-512', bytes: 64 }],
]);
const PUBLIC_KEY_ALGORITHM = /^(RS256|RS384|RS512|PS256|PS384|PS512|ES256|ES384|ES512|EdDSA|Ed25519)$/;
const JWKS_MAX_AGE_MS = 300_000;

/** Reads the text of a secret. Throws ServiceError INTERNAL; its cause names record and field, never a value. */
export async function readRecord(
  secretId: string,
  secretText: string | undefined,
  kind: RecordKind,
): Promise<ValidatorRecord> {
  const fields = new Fields(secretId, secretText);
  checkNames(fields, kind);
  const rules = {
    name: fields.text('name'),
    audience: fields.list('audience'),
    issuer: fields.claim('issuer'),
    allowedEmails: fields.has('allowed_emails') ? new Set(fields.list('allowed_emails')) : undefined,
    userIdClaim: fields.has('user_id_claim') ? fields.claim('user_id_claim') : undefined,
    userId: fields.has('user_id') ? fields.text('user_id') : '{sub}',
    accountProvider: fields.has('account_provider') ? fields.claim('account_provider') : undefined,
    maxTokenAgeSeconds: fields.seconds('max_token_age_seconds', kind.maxTokenAgeSeconds),
    previousKeyGraceMs: 1000 * fields.seconds('previous_key_grace_seconds', 3600),
  };
  if (rules.audience.length === 0) fields.refuse('audience', 'must name at least one');
  if (!rules.userId.includes('{sub}')) fields.refuse('user_id', 'must contain {sub}, or all tokens log out one user');
  if (rules.accountProvider && fields.has('user_id')) {
    fields.refuse('user_id', 'and account_provider both say who the user is: remove one of them');
  }
  const type = fields.text('signature_type');
  if (type === 'secret') return { ...rules, ...(await sharedKey(fields)) };
  if (type === 'public_key') return { ...rules, ...(await publicKeys(fields)), shortKey: false };
  return fields.refuse('signature_type', 'must be secret or public_key');
}

function checkNames(fields: Fields, { fields: own }: RecordKind): void {
  for (const name of fields.names()) {
    if (FIELDS.includes(name) || own.includes(name) || IGNORED.test(name)) continue;
    const kind = [CALLER, OPENID_PROVIDER].find(({ fields }) => fields.includes(name));
    kind ? fields.refuse(name, `is for the record of ${kind.whose} only: remove it`) : fields.refuseName(name);
  }
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
  return { algorithm, shortKey, keys: constant(() => [key]) };
}

async function publicKeys(fields: Fields) {
  const algorithm = fields.text('public_key_algorithm');
  if (!PUBLIC_KEY_ALGORITHM.test(algorithm)) {
    fields.refuse('public_key_algorithm', 'must be RS, PS or ES with 256, 384 or 512, or EdDSA or Ed25519');
  }
  if (fields.has('public_key_jwks')) {
    const inline = fields.json('public_key_jwks');
    const keys = await readKeySet(inline, algorithm).catch(({ message }: Error) =>
      fields.refuse('public_key_jwks', `must be a JWK set: ${message}`),
    );
    if (keys.length === 0) fields.refuse('public_key_jwks', `holds no public key for ${algorithm}`);
    return { algorithm, keys: constant(byKid(keys)) };
  }
  const url = fields.httpsUrl('public_key_jwk_uri');
  const fault = (what: string) => fields.fault('public_key_jwk_uri', what);
  const read = (deadline: AbortSignal) => fetchKeySet(url, algorithm, deadline, fault);
  return { algorithm, keys: new Cached(read, JWKS_MAX_AGE_MS, 'whatever fails') };
}

function constant(keySet: KeySet): Cached<KeySet> {
  return new Cached(async () => keySet, Number.POSITIVE_INFINITY);
}
