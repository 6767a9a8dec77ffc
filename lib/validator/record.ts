import { Cached } from './cached.ts';
import { fetchKeySet } from './fetch_key_set.ts';
import { Fields } from './fields.ts';
import { type KeySet, readKeySet, sharedKey } from './key_set.ts';
import { checkNames, REVOCATION_ISSUER, type RecordKind } from './record_kind.ts';

/** A validator record in the vocabulary of Odoo's auth_jwt, checked, with its keys ready for use. */
export type ValidatorRecord = {
  name: string;
  algorithm: string;
  keys: Cached<KeySet>;
  shortKey: boolean;
  audience: string[];
  issuer: string;
  allowedEmails: Set<string> | undefined;
  /** The claim that names the user in the path, whose id the template `userId` makes of it. */
  userIdClaim: string | undefined;
  /** The template of a user id, which contains `{sub}`. */
  userId: string;
  /** What the whole `sub` must match. */
  subPattern: RegExp | undefined;
  /** The provider's name in the items that link accounts to users. */
  accountProvider: string | undefined;
  /** One of these must be the `sub` of a revocation token. */
  clientIds: string[];
  /** Who else than the issuer of the token may have given a subject its `sub`. */
  subjectIssuers: string[];
  /** The domains, in lower case, whose addresses may name users. */
  emailDomains: string[] | undefined;
  /** The events that end sessions, where the record chooses them. */
  events: string[] | undefined;
  /** The tenants whose subjects are meant for us. */
  tenants: string[];
  /** Whether a token must have `exp`. */
  tokensExpire: boolean;
  maxTokenAgeSeconds: number;
  previousKeyGraceMs: number;
};

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
    subPattern: fields.has('sub_pattern') ? fields.pattern('sub_pattern') : undefined,
    accountProvider: fields.has('account_provider') ? fields.claim('account_provider') : undefined,
    clientIds: kind === REVOCATION_ISSUER ? someOf(fields, 'client_id') : [],
    subjectIssuers: fields.has('subject_issuers') ? fields.list('subject_issuers') : [],
    emailDomains: fields.has('email_domains') ? domains(fields) : undefined,
    events: fields.has('events') ? eventNames(fields) : undefined,
    tenants: fields.has('tenant') ? fields.list('tenant') : [],
    tokensExpire: kind.tokensExpire,
    maxTokenAgeSeconds: fields.seconds('max_token_age_seconds', kind.maxTokenAgeSeconds),
    previousKeyGraceMs: 1000 * fields.seconds('previous_key_grace_seconds', 3600),
  };
  if (rules.audience.length === 0) fields.fail('audience', 'must name at least one');
  if (!rules.userId.includes('{sub}')) fields.fail('user_id', 'must contain {sub}, or all tokens log out one user');
  if (rules.userId !== rules.userId.trim()) fields.fail('user_id', 'begins or ends with whitespace: remove it');
  if (rules.accountProvider && fields.has('user_id')) {
    fields.fail('user_id', 'and account_provider both say who the user is: remove one of them');
  }
  const type = fields.text('signature_type');
  if (type === 'secret') return { ...rules, ...(await secretKey(fields)) };
  if (type === 'public_key') return { ...rules, ...(await publicKeys(fields)), shortKey: false };
  return fields.fail('signature_type', 'must be secret or public_key');
}

/** A list that is not empty: an empty one would refuse or pass over everything in silence. */
function someOf(fields: Fields, field: string): string[] {
  const list = fields.list(field);
  return list.length > 0 ? list : fields.fail(field, 'must name at least one, or be left out');
}

function domains(fields: Fields): string[] {
  const list = someOf(fields, 'email_domains').map((domain) => domain.toLowerCase());
  const isOdd = list.some((domain) => /[\s;:/*@]|^\.|\.$/.test(domain));
  return isOdd ? fields.fail('email_domains', 'must be what stands after the @, without a wildcard') : list;
}

function eventNames(fields: Fields): string[] {
  const list = someOf(fields, 'events');
  const isOdd = list.some((name) => !URL.canParse(name) || /\s/.test(name));
  return isOdd ? fields.fail('events', 'must have whole names of events, which begin with https://') : list;
}

async function secretKey(fields: Fields) {
  const algorithm = fields.text('secret_algorithm');
  const { hash, bytes } =
    SECRET_ALGORITHMS.get(algorithm) ?? fields.fail('secret_algorithm', 'must be HS256, HS384 or HS512');
  const secret = new TextEncoder().encode(fields.text('secret_key'));
  const shortKey = secret.length < bytes;
  if (!fields.flag('allow_short_key') && shortKey) {
    fields.fail(
      'secret_key',
      `is shorter than the ${bytes} bytes of ${algorithm}: use a longer one, or set allow_short_key while you migrate`,
    );
  }
  const key = await crypto.subtle.importKey('raw', secret, { name: 'HMAC', hash }, false, ['verify']);
  return { algorithm, shortKey, keys: Cached.of(sharedKey(key)) };
}

async function publicKeys(fields: Fields) {
  const algorithm = fields.text('public_key_algorithm');
  if (!PUBLIC_KEY_ALGORITHM.test(algorithm)) {
    fields.fail('public_key_algorithm', 'must be RS, PS or ES with 256, 384 or 512, or EdDSA or Ed25519');
  }
  if (fields.has('public_key_jwks')) {
    const keySet = await readKeySet(fields.json('public_key_jwks'), algorithm).catch(({ message }: Error) =>
      fields.fail('public_key_jwks', `cannot be used: ${message}`),
    );
    return { algorithm, keys: Cached.of(keySet) };
  }
  const url = fields.httpsUrl('public_key_jwk_uri');
  const fault = (what: string) => fields.fault('public_key_jwk_uri', what);
  const read = (deadline: AbortSignal) => fetchKeySet(url, algorithm, deadline, fault);
  return { algorithm, keys: new Cached(read, JWKS_MAX_AGE_MS, 'whatever fails') };
}
