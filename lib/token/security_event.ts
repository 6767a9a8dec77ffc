// What a Security Event Token must say (RFC 8417), and which of them end sessions.
import { ServiceError } from '../errors.ts';
import { isObject } from '../json.ts';
import type { ValidatorRecord } from '../validator/record.ts';
import { invalidToken } from './decode.ts';
import { LOGOUT_EVENT } from './logout_token.ts';
import type { Verified } from './verify.ts';

const TYPES = new Set([undefined, 'jwt', 'secevent+jwt']);
const NAMESPACE = 'https://schemas.openid.net/secevent';
const CREDENTIAL_CHANGE = `${NAMESPACE}/caep/event-type/credential-change`;
/** The events that end sessions, unless a record names its own: of CAEP and RISC, and Google's. */
const EVENTS = [
  `${NAMESPACE}/caep/event-type/session-revoked`,
  CREDENTIAL_CHANGE,
  `${NAMESPACE}/risc/event-type/sessions-revoked`,
  `${NAMESPACE}/risc/event-type/tokens-revoked`,
  `${NAMESPACE}/oauth/event-type/tokens-revoked`,
  `${NAMESPACE}/risc/event-type/account-disabled`,
  `${NAMESPACE}/risc/event-type/account-purged`,
  `${NAMESPACE}/risc/event-type/account-credential-change-required`,
  `${NAMESPACE}/risc/event-type/credential-compromise`,
];

/**
 * The first event of a verified token that ends sessions, and the identifier of its user. Throws UNAUTHENTICATED for any
 * other token, EVENT_IGNORED when no event asks that of us, NO_USER when it names a session or a device and no user,
 * INVALID_REQUEST when its tenant is not the record's.
 */
export function securityEvent({ typ, claims, version: { record } }: Verified): {
  reported: string;
  identifier: unknown;
} {
  const events = eventsOf(typ, claims);
  const [reported, content] = events.find((entry) => endsSessions(entry, record)) ?? [];
  if (reported === undefined) throw new ServiceError('EVENT_IGNORED', 'event', events.map(([name]) => name).join(' '));
  const { sub_id = isObject(content) ? content.subject : undefined } = claims;
  return { reported, identifier: userIn(sub_id, record) };
}

function eventsOf(typ: string | undefined, claims: Verified['claims']): [name: string, content: unknown][] {
  const { events, iat, jti } = claims;
  const entries = isObject(events) ? Object.entries(events) : [];
  // Providers sign logout tokens and ID tokens with the same keys for the same audience.
  if (!TYPES.has(typ) || entries.some(([name]) => name === LOGOUT_EVENT)) throw invalidToken('wrong_kind');
  if (entries.length === 0) throw invalidToken('no_event');
  if (Object.hasOwn(claims, 'nonce')) throw invalidToken('nonce');
  if (iat === undefined || !jti) throw invalidToken('claims');
  return entries;
}

function endsSessions([name, content]: [string, unknown], { events = EVENTS }: ValidatorRecord): boolean {
  const isNewCredential = name === CREDENTIAL_CHANGE && isObject(content) && content.change_type === 'create';
  return events.includes(name) && !isNewCredential;
}

/** The identifier of the user: the subject itself, or the `user` of a complex one (OpenID SSF 1.0 §3.2). */
function userIn(subject: unknown, { tenants }: ValidatorRecord): unknown {
  const identifier = withFormat(subject);
  if (!isObject(identifier) || !isComplex(identifier)) return identifier;
  if (identifier.tenant !== undefined && !isTenant(identifier.tenant, tenants))
    throw new ServiceError('INVALID_REQUEST', 'subject', 'the tenant is not that of the record');
  if (identifier.user === undefined) throw new ServiceError('NO_USER', 'subject');
  return withFormat(identifier.user);
}

/** Senders that are older than RFC 9493, such as Google, write `"subject_type": "iss-sub"`. */
function withFormat(identifier: unknown): unknown {
  if (!isObject(identifier)) return identifier;
  const { format = identifier.subject_type } = identifier;
  return { ...identifier, format: typeof format === 'string' ? format.replace('-', '_') : format };
}

function isComplex({ format, user, session, device }: Record<string, unknown>): boolean {
  return format === 'complex' || (format === undefined && [user, session, device].some((part) => part !== undefined));
}

function isTenant(given: unknown, tenants: string[]): boolean {
  const names = isObject(given) ? [given.id, given.sub] : [given];
  return tenants.some((tenant) => names.includes(tenant));
}
