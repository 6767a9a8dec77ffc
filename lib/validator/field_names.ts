// The names of a record's fields, and which other names may be shown in a log.
import { distance } from 'fastest-levenshtein';

/** The fields that any record may have. */
export const FIELDS = [
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
export const CALLER_FIELDS = ['allowed_emails', 'user_id_claim', 'user_id', 'sub_pattern'];
export const OPENID_PROVIDER_FIELDS = ['user_id', 'account_provider', 'sub_pattern'];
const SUBJECT_FIELDS = [...OPENID_PROVIDER_FIELDS, 'subject_issuers', 'email_domains'];
export const REVOCATION_ISSUER_FIELDS = [...SUBJECT_FIELDS, 'client_id'];
export const EVENT_TRANSMITTER_FIELDS = [...SUBJECT_FIELDS, 'events', 'tenant'];

const ODOO_FIELDS = [
  'user_id_strategy',
  'static_user_id',
  'partner_id_strategy',
  'partner_id_required',
  'next_validator_id',
  'id',
  'display_name',
  '__last_update',
];
const ODOO_GROUPS = ['cookie', 'create', 'write']; // each followed by an underscore and more
const KNOWN = [
  ...FIELDS,
  ...CALLER_FIELDS,
  ...REVOCATION_ISSUER_FIELDS,
  ...EVENT_TRANSMITTER_FIELDS,
  'description',
  ...ODOO_FIELDS,
  ...ODOO_GROUPS,
];

/** A place for notes, and the other fields of Odoo's auth_jwt, so that its record can be copied as it is. */
export function isPassedOver(name: string): boolean {
  const [, group = ''] = name.match(/^([a-z]+)_\w+$/) ?? [];
  return name === 'description' || ODOO_FIELDS.includes(name) || ODOO_GROUPS.includes(group);
}

/**
 * The name, if it is like one of a field, in which at most a third of the letters differ: that is a slip of the pen. Any
 * other may be a key that was pasted in the wrong place, which no log may show.
 */
export function shownName(name: string): string {
  const letters = plain(name);
  const isLike = (known: string) => distance(letters, known) <= Math.max(letters.length, known.length) / 3;
  return /^[\w .-]{1,40}$/.test(name) && KNOWN.map(plain).some(isLike) ? name : 'one of its names';
}

/** The name without capitals and separators. */
function plain(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]/g, '');
}
