// Whose record it is: each route has its own.
import {
  CALLER_FIELDS,
  EVENT_TRANSMITTER_FIELDS,
  FIELDS,
  isPassedOver,
  OPENID_PROVIDER_FIELDS,
  REVOCATION_ISSUER_FIELDS,
  shownName,
} from './field_names.ts';
import type { Fields } from './fields.ts';

/** Whose record it is, the fields that only such a record has, and what holds for its tokens. */
export type RecordKind = { whose: string; fields: string[]; tokensExpire: boolean; maxTokenAgeSeconds: number };

export const CALLER: RecordKind = {
  whose: 'a caller',
  fields: CALLER_FIELDS,
  tokensExpire: true,
  maxTokenAgeSeconds: 86_400,
};
export const OPENID_PROVIDER: RecordKind = {
  whose: 'an OpenID provider',
  fields: OPENID_PROVIDER_FIELDS,
  tokensExpire: true,
  maxTokenAgeSeconds: 300,
};
export const REVOCATION_ISSUER: RecordKind = {
  whose: 'an issuer of revocations',
  fields: REVOCATION_ISSUER_FIELDS,
  tokensExpire: true,
  maxTokenAgeSeconds: 600,
};
export const EVENT_TRANSMITTER: RecordKind = {
  whose: 'a transmitter of events',
  fields: EVENT_TRANSMITTER_FIELDS,
  tokensExpire: false, // RFC 8417 §2.2
  maxTokenAgeSeconds: 604_800, // senders repeat for days
};
const KINDS = [CALLER, OPENID_PROVIDER, REVOCATION_ISSUER, EVENT_TRANSMITTER];

/** An unknown field is an error: a misspelled `allowed_emails` would let everybody in. */
export function checkNames(fields: Fields, kind: RecordKind): void {
  for (const name of fields.names()) {
    if (FIELDS.includes(name) || kind.fields.includes(name) || isPassedOver(name)) continue;
    const others = KINDS.filter(({ fields }) => fields.includes(name)).map(({ whose }) => whose);
    if (others.length > 0) fields.fail(name, `is for the record of ${others.join(' or ')} only: remove it`);
    fields.fail(shownName(name), 'is not a field of a record: correct its spelling, or remove it');
  }
  for (const name of ['user_id', 'sub_pattern']) {
    if (kind !== CALLER || !fields.has(name) || fields.has('user_id_claim')) continue;
    fields.fail(name, 'needs user_id_claim beside it in the record of a caller: set that, or remove this');
  }
}
