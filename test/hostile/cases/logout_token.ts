import { LOGOUT_EVENT } from '../../local/senders.ts';
import { FORM_TYPE, formEvent } from '../../setup/events.ts';
import { accepted, type Case, refused } from '../case.ts';
import { AUD_ISS_EMAIL, accessToken, claims, idToken, logoutToken, mac, now, payload } from '../token.ts';

/** A form beside a token in the header that callers use. */
const besideBearer = (form: string) => (token: string) =>
  formEvent(form, { ...FORM_TYPE, authorization: `Bearer ${token}` });

const notLogout = (reason: string, name: string, why: string, token: () => string) =>
  refused(400, name, why, { token, reason });

/** A request without a form that has one logout token. */
const noForm = (name: string, why: string, event: (token: string) => unknown, token = logoutToken) =>
  refused(400, name, why, { token, event, reason: 'body' });

/** A logout token with these events, as text. */
const withEvents = (events: string) => () =>
  payload(`{"exp":${now() + 60},"iat":${now()},"jti":"x","sub":"2",${AUD_ISS_EMAIL},"events":${events}}`);

/** What falls short of a logout token, where the provider and the callers share keys, issuer and audience. */
export const logoutTokens = [
  accepted('control-valid', 'A logout token.'),
  accepted('control-events', 'A logout token whose claims are written by hand.', {
    token: withEvents(`{"${LOGOUT_EVENT}":{}}`),
  }),

  // Tokens of callers, wherever they are.
  notLogout('no_logout_event', 'caller-token', 'A token of a caller.', () => claims()),
  notLogout(
    'no_logout_event',
    'caller-token-with-sub',
    'A token of a caller that has everything else that a logout token needs.',
    () => claims({ sub: '2', iat: now(), jti: 'x' }),
  ),
  notLogout('claims', 'caller-token-with-event', 'A token of a caller, with the event.', () =>
    claims({ events: { [LOGOUT_EVENT]: {} } }),
  ),
  noForm('caller-bearer', 'The token of a caller in its header.', besideBearer(''), claims),
  refused(400, 'caller-bearer-beside', 'The token of a caller in its header, and junk as the logout token.', {
    token: () => claims(),
    event: besideBearer('logout_token=a.b.c'),
    reason: 'malformed',
  }),
  noForm('logout-token-as-bearer', 'A logout token in the header for the tokens of callers.', besideBearer('')),
  noForm('logout-token-in-json', 'A logout token in JSON.', (token) =>
    formEvent(JSON.stringify({ logout_token: token }), { 'content-type': 'application/json' }),
  ),
  noForm('logout-token-in-json-rpc', 'A logout token in the params of JSON-RPC.', (token) =>
    formEvent(`{"jsonrpc":"2.0","params":{"logout_token":"${token}"}}`, { 'content-type': 'application/json' }),
  ),
  noForm('logout-token-in-the-query', 'A logout token in the query.', (token) => ({
    ...formEvent(''),
    rawQueryString: `logout_token=${token}`,
    queryStringParameters: { logout_token: token },
  })),
  noForm('two-logout-tokens', 'Two logout tokens.', (token) =>
    formEvent(`logout_token=${token}&logout_token=${token}`),
  ),
  noForm('id-token-hint', 'A logout token under the name of an ID token.', (token) =>
    formEvent(`id_token_hint=${token}&token=${token}`),
  ),

  // Other tokens of the provider: an ID token has the same keys, issuer and audience.
  notLogout('no_logout_event', 'id-token', 'An ID token.', () => idToken()),
  notLogout('no_logout_event', 'id-token-without-nonce', 'An ID token without nonce.', () =>
    idToken({ nonce: undefined }),
  ),
  notLogout('no_logout_event', 'id-token-with-typ', 'An ID token with the type of a logout token.', () =>
    idToken({ nonce: undefined }, mac(), 'logout+jwt'),
  ),
  notLogout('nonce', 'id-token-with-event', 'An ID token that has the event.', () =>
    idToken({ events: { [LOGOUT_EVENT]: {} } }),
  ),
  notLogout('nonce', 'nonce-null', 'A nonce that is null.', () => logoutToken({ nonce: null })),
  notLogout('nonce', 'nonce-empty', 'A nonce that is empty.', () => logoutToken({ nonce: '' })),
  notLogout('wrong_kind', 'access-token', 'An access token.', () => accessToken()),
  notLogout('no_logout_event', 'access-token-typ-jwt', 'An access token of an old provider, typ JWT.', () =>
    accessToken({}, mac(), 'JWT'),
  ),
  notLogout('wrong_kind', 'access-token-with-event', 'An access token that has the event.', () =>
    accessToken({ events: { [LOGOUT_EVENT]: {} } }),
  ),
  notLogout('wrong_kind', 'security-event', 'A security event token that has the event.', () =>
    logoutToken({}, mac(), 'secevent+jwt'),
  ),
  notLogout('wrong_kind', 'typ-twice', 'typ has the prefix application/ twice.', () =>
    logoutToken({}, mac(), 'application/application/logout+jwt'),
  ),

  // The event must be an object, and a member of events itself.
  notLogout('no_logout_event', 'events-null', 'events is null.', withEvents('null')),
  notLogout('no_logout_event', 'events-text', 'events is the name of the event.', withEvents(`"${LOGOUT_EVENT}"`)),
  notLogout('no_logout_event', 'events-list', 'events is a list.', withEvents(`["${LOGOUT_EVENT}"]`)),
  notLogout(
    'no_logout_event',
    'events-list-of-object',
    'events is a list of the event.',
    withEvents(`[{"${LOGOUT_EVENT}":{}}]`),
  ),
  notLogout('no_logout_event', 'event-null', 'The event is null.', withEvents(`{"${LOGOUT_EVENT}":null}`)),
  notLogout('no_logout_event', 'event-list', 'The event is a list.', withEvents(`{"${LOGOUT_EVENT}":[]}`)),
  notLogout('no_logout_event', 'event-true', 'The event is true.', withEvents(`{"${LOGOUT_EVENT}":true}`)),
  notLogout(
    'no_logout_event',
    'event-in-proto',
    'The event is inside __proto__.',
    withEvents(`{"__proto__":{"${LOGOUT_EVENT}":{}}}`),
  ),
  notLogout(
    'no_logout_event',
    'event-https',
    'The event’s name has https.',
    withEvents(`{"${LOGOUT_EVENT.replace('http', 'https')}":{}}`),
  ),
  notLogout(
    'no_logout_event',
    'event-slash',
    'The event’s name has a slash at the end.',
    withEvents(`{"${LOGOUT_EVENT}/":{}}`),
  ),
  notLogout('malformed', 'event-twice', 'The event twice.', withEvents(`{"${LOGOUT_EVENT}":{},"${LOGOUT_EVENT}":{}}`)),

  // sub says whose sessions end, and must be text.
  notLogout('sid_only', 'sid-alone', 'sid without sub.', () => logoutToken({ sub: undefined, sid: '2' })),
  notLogout('claims', 'no-sub', 'Neither sub nor sid.', () => logoutToken({ sub: undefined })),
  notLogout('claims', 'sub-empty', 'sub is empty.', () => logoutToken({ sub: '' })),
  notLogout('claims', 'sub-number', 'sub is a number.', () => logoutToken({ sub: 2 })),
  notLogout('claims', 'sub-list', 'sub is a list.', () => logoutToken({ sub: ['2'] })),
  notLogout('claims', 'sub-object', 'sub is a DynamoDB value.', () => logoutToken({ sub: { S: '2' } })),
  notLogout('claims', 'no-jti', 'No jti.', () => logoutToken({ jti: undefined })),
  notLogout('claims', 'no-iat', 'No iat.', () => logoutToken({ iat: undefined })),
  notLogout('too_long_lived', 'exp-6-minutes', 'exp in 6 minutes: only a token of a caller may live that long.', () =>
    logoutToken({ exp: now() + 360 }),
  ),
];

/** The cases of the other route as cases of this one: no token of a caller, valid or not, is a logout token. */
export function asLogoutTokens(cases: Case[]): Case[] {
  return cases.map(({ name, why, token = claims }) => refused(400, name, why, { token }));
}
