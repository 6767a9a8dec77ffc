import { pushEvent } from '../../setup/events.ts';
import { accepted, type Case, refused } from '../case.ts';
import {
  AUD_ISS_EMAIL,
  accessToken,
  claims,
  idToken,
  logoutToken,
  mac,
  now,
  payload,
  revocationToken,
  SESSION_REVOKED,
  securityEvent,
} from '../token.ts';
import { SUBJECT } from './revocation.ts';

/** The push of the token. */
export const request = (token: string) =>
  pushEvent('/auth/security_events', { 'content-type': 'application/secevent+jwt' }, token);

const notEvent = (reason: string, name: string, why: string, token: () => string) =>
  refused(400, name, why, { token, reason });

/** A token with these events, as text. */
const withEvents = (events: string) => () =>
  payload(`{"iat":${now()},"jti":"x",${AUD_ISS_EMAIL},"sub_id":${JSON.stringify(SUBJECT)},"events":${events}}`);

const about = (sub_id: unknown) => () => securityEvent({ sub_id });
const badSubject = (name: string, why: string, sub_id: unknown) => notEvent('subject', name, why, about(sub_id));

/** A push that is answered 202, though no session ends. */
const ignored = (reason: string, name: string, why: string, token: () => string) =>
  accepted(name, why, { token, reason, result: false });

/** What falls short of a security event, where its transmitter and all others share keys, issuer and audience. */
export const securityEvents = [
  accepted('control-valid', 'A security event.'),
  accepted('control-events', 'A security event whose claims are written by hand.', {
    token: withEvents(`{"${SESSION_REVOKED}":{}}`),
  }),

  notEvent('no_event', 'caller-token', 'A token of a caller.', () => claims()),
  notEvent('no_event', 'caller-token-with-sub-id', 'A token of a caller, with a subject.', () =>
    claims({ sub_id: SUBJECT, iat: now(), jti: 'x' }),
  ),
  notEvent('claims', 'caller-token-with-event', 'A token of a caller, with the event.', () =>
    claims({ events: { [SESSION_REVOKED]: {} }, sub_id: SUBJECT }),
  ),
  notEvent('no_event', 'id-token', 'An ID token.', () => idToken({ sub_id: SUBJECT })),
  notEvent('nonce', 'id-token-with-event', 'An ID token that has the event.', () =>
    idToken({ events: { [SESSION_REVOKED]: {} }, sub_id: SUBJECT }),
  ),
  notEvent('wrong_kind', 'access-token-with-event', 'An access token that has the event.', () =>
    accessToken({ events: { [SESSION_REVOKED]: {} }, sub_id: SUBJECT }),
  ),
  notEvent('wrong_kind', 'logout-token', 'A logout token.', () => logoutToken()),
  notEvent('wrong_kind', 'logout-token-typ-jwt', 'A logout token of an old provider.', () =>
    logoutToken({ sub_id: SUBJECT }, mac(), 'JWT'),
  ),
  notEvent('wrong_kind', 'revocation', 'A revocation with the event.', () =>
    revocationToken({ events: { [SESSION_REVOKED]: {} }, sub_id: SUBJECT }),
  ),
  notEvent('wrong_kind', 'typ-twice', 'typ has the prefix application/ twice.', () =>
    securityEvent({}, mac(), 'application/application/secevent+jwt'),
  ),
  notEvent('malformed', 'form', 'The token in a form.', () => `logout_token=${securityEvent()}`),
  notEvent('malformed', 'json', 'The token in JSON.', () => JSON.stringify(securityEvent())),
  notEvent('malformed', 'sets', 'Two tokens.', () => `${securityEvent()} ${securityEvent()}`),
  refused(400, 'token-in-the-header', 'The token in the header for the tokens of callers.', {
    token: () => securityEvent(),
    event: (token) => pushEvent('/auth/security_events', { authorization: `Bearer ${token}` }, ''),
    reason: 'malformed',
  }),
  notEvent('claims', 'no-jti', 'No jti.', () => securityEvent({ jti: undefined })),
  notEvent('claims', 'no-iat', 'No iat.', () => securityEvent({ iat: undefined })),
  notEvent('claims', 'exp-text', 'exp as text.', () => securityEvent({ exp: '99999999999' })),
  notEvent('expired', 'expired', 'exp has passed.', () => securityEvent({ exp: now() - 60 })),
  notEvent('too_long_lived', 'week-old', 'A week and a minute old.', () => securityEvent({ iat: now() - 604_860 })),
  notEvent('not_yet_valid', 'future', 'iat in a minute.', () => securityEvent({ iat: now() + 60 })),
  notEvent('signature', 'foreign-key', 'The key of a stranger.', () => securityEvent({}, mac('x'.repeat(32)))),

  notEvent('no_event', 'events-null', 'events is null.', withEvents('null')),
  notEvent('no_event', 'events-text', 'events is the name of the event.', withEvents(`"${SESSION_REVOKED}"`)),
  notEvent('no_event', 'events-list', 'events is a list.', withEvents(`[{"${SESSION_REVOKED}":{}}]`)),
  notEvent(
    'malformed',
    'event-twice',
    'The event twice.',
    withEvents(`{"${SESSION_REVOKED}":{},"${SESSION_REVOKED}":{}}`),
  ),
  ignored(
    'event',
    'event-in-proto',
    'The event inside __proto__.',
    withEvents(`{"__proto__":{"${SESSION_REVOKED}":{}}}`),
  ),
  ignored(
    'event',
    'event-http',
    'The event’s name has http.',
    withEvents(`{"${SESSION_REVOKED.replace('https', 'http')}":{}}`),
  ),
  ignored('event', 'event-slash', 'The event’s name has a slash at its end.', withEvents(`{"${SESSION_REVOKED}/":{}}`)),
  ignored(
    'event',
    'event-case',
    'The event’s name in capitals.',
    withEvents(`{"${SESSION_REVOKED.toUpperCase()}":{}}`),
  ),
  ignored('event', 'event-inherited', 'The name of what every object inherits.', withEvents('{"toString":{}}')),

  badSubject('no-subject', 'No subject.', undefined),
  badSubject('subject-null', 'The subject is null.', null),
  badSubject('subject-text', 'The subject is text.', '2'),
  badSubject('subject-list', 'The subject is a list.', [SUBJECT]),
  badSubject('sub-number', 'sub is a number.', { ...SUBJECT, sub: 2 }),
  badSubject('sub-list', 'sub is a list.', { ...SUBJECT, sub: ['2'] }),
  badSubject('another-issuer', 'The subject of another issuer.', { ...SUBJECT, iss: 'another' }),
  badSubject('format-number', 'The format is a number.', { ...SUBJECT, format: 1 }),
  badSubject('format-contradicts', 'A format that contradicts the older type.', {
    ...SUBJECT,
    format: 'email',
    subject_type: 'iss-sub',
  }),
  badSubject('user-in-user', 'A complex subject in a complex one.', { user: { user: SUBJECT } }),
  badSubject('aliases', 'Several identifiers.', { format: 'aliases', identifiers: [SUBJECT] }),
  badSubject('tenant', 'A tenant, where the record has none.', { user: SUBJECT, tenant: { id: 't' } }),
  badSubject('tenant-null', 'A tenant that is null.', { user: SUBJECT, tenant: null }),
  badSubject('email', 'An address, where the record takes none.', { format: 'email', email: '2@example.com' }),
  notEvent('subject', 'sub-without-subject', 'The user as sub of the token.', () =>
    securityEvent({ sub_id: undefined, sub: '2' }),
  ),
  notEvent('user_id', 'sub-of-another-form', 'A sub that is no user id.', about({ ...SUBJECT, sub: '02' })),
  ignored('subject', 'session-alone', 'A session, and no user.', about({ format: 'complex', session: SUBJECT })),
  ignored('subject', 'device-alone', 'A device, and no user.', about({ device: SUBJECT })),
];

/** The cases of the other routes as cases of this one: no token of a caller or a provider is a security event. */
export function asSecurityEvents(cases: Case[]): Case[] {
  return cases.map(({ name, why, token = claims }) => refused(400, name, why, { token }));
}
