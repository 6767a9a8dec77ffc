import { LOGOUT_EVENT } from '../../local/provider.ts';
import { FORM_TYPE, formEvent } from '../../setup/events.ts';
import { accepted, type Case, refused } from '../case.ts';
import { AUD_ISS_EMAIL, accessToken, claims, idToken, logoutToken, mac, now, payload } from '../token.ts';

/** A form beside a token in the header that callers use. */
const besideBearer = (form: string) => (token: string) =>
  formEvent(form, { ...FORM_TYPE, authorization: `Bearer ${token}` });

const no = (reason: string, name: string, why: string, token: () => string) =>
  refused(400, name, why, { token, reason });

/** A request that does not bring a logout token as a form does. */
const noForm = (name: string, why: string, event: (token: string) => unknown, token = logoutToken) =>
  refused(400, name, why, { token, event, reason: 'body' });

/** A logout token with these events, as text. */
const withEvents = (events: string) => () =>
  payload(`{"exp":${now() + 60},"iat":${now()},"jti":"x","sub":"2",${AUD_ISS_EMAIL},"events":${events}}`);

/** What is no logout token of a provider whose keys, issuer and audience are those of the callers, and fits otherwise. */
export const logoutTokens = [
  accepted('control-valid', 'A logout token.'),
  accepted('control-events', 'A logout token whose claims are written by hand.', {
    token: withEvents(`{"${LOGOUT_EVENT}":{}}`),
  }),

  // Tokens of callers, wherever they stand.
  no('no_logout_event', 'caller-token', 'A token of a caller.', () => claims()),
  no('no_logout_event', 'caller-token-with-sub', 'A token of a caller that has all else that is asked for.', () =>
    claims({ sub: '2', iat: now(), jti: 'x' }),
  ),
  no('claims', 'caller-token-with-event', 'A token of a caller, with the event.', () =>
    claims({ events: { [LOGOUT_EVENT]: {} } }),
  ),
  noForm('caller-bearer', 'The token of a caller in the header that is for it.', besideBearer(''), claims),
  refused(400, 'caller-bearer-beside', 'The token of a caller in its header, and a word for a logout token.', {
    token: () => claims(),
    event: besideBearer('logout_token=a.b.c'),
    reason: 'malformed',
  }),
  noForm('logout-token-as-bearer', 'A logout token in the header of callers.', besideBearer('')),
  noForm('logout-token-in-json', 'A logout token in JSON.', (token) =>
    formEvent(JSON.stringify({ logout_token: token }), { 'content-type': 'application/json' }),
  ),
  noForm('logout-token-in-json-rpc', 'A logout token among the params of JSON-RPC.', (token) =>
    formEvent(`{"jsonrpc":"2.0","params":{"logout_token":"${token}"}}`, { 'content-type': 'application/json' }),
  ),
  noForm('logout-token-in-the-query', 'A logout token in the query.', (token) => ({
    ...formEvent(''),
    rawQueryString: `logout_token=${token}`,
    queryStringParameters: { logout_token: token },
  })),
  noForm('two-logout-tokens', 'A logout token, and another.', (token) =>
    formEvent(`logout_token=${token}&logout_token=${token}`),
  ),
  noForm('id-token-hint', 'A logout token under the name of an ID token.', (token) =>
    formEvent(`id_token_hint=${token}&token=${token}`),
  ),

  // Other tokens of the provider: an ID token has the same keys, issuer and audience.
  no('no_logout_event', 'id-token', 'An ID token.', () => idToken()),
  no('no_logout_event', 'id-token-without-nonce', 'An ID token without nonce.', () => idToken({ nonce: undefined })),
  no('no_logout_event', 'id-token-with-typ', 'An ID token with the type of a logout token.', () =>
    idToken({ nonce: undefined }, mac(), 'logout+jwt'),
  ),
  no('nonce', 'id-token-with-event', 'An ID token that has the event.', () =>
    idToken({ events: { [LOGOUT_EVENT]: {} } }),
  ),
  no('nonce', 'nonce-null', 'A nonce that is null.', () => logoutToken({ nonce: null })),
  no('nonce', 'nonce-empty', 'A nonce that is empty.', () => logoutToken({ nonce: '' })),
  no('wrong_kind', 'access-token', 'An access token.', () => accessToken()),
  no('no_logout_event', 'access-token-typ-jwt', 'An access token of an old provider, typ JWT.', () =>
    accessToken({}, mac(), 'JWT'),
  ),
  no('wrong_kind', 'access-token-with-event', 'An access token that has the event.', () =>
    accessToken({ events: { [LOGOUT_EVENT]: {} } }),
  ),
  no('wrong_kind', 'security-event', 'A security event token that has the event.', () =>
    logoutToken({}, mac(), 'secevent+jwt'),
  ),
  no('wrong_kind', 'typ-twice', 'A media type within another.', () =>
    logoutToken({}, mac(), 'application/application/logout+jwt'),
  ),

  // The event is an object, and the token's own.
  no('no_logout_event', 'events-null', 'events is null.', withEvents('null')),
  no('no_logout_event', 'events-text', 'events is the name of the event.', withEvents(`"${LOGOUT_EVENT}"`)),
  no('no_logout_event', 'events-list', 'events is a list.', withEvents(`["${LOGOUT_EVENT}"]`)),
  no('no_logout_event', 'events-list-of-object', 'events is a list of it.', withEvents(`[{"${LOGOUT_EVENT}":{}}]`)),
  no('no_logout_event', 'event-null', 'The event is null.', withEvents(`{"${LOGOUT_EVENT}":null}`)),
  no('no_logout_event', 'event-list', 'The event is a list.', withEvents(`{"${LOGOUT_EVENT}":[]}`)),
  no('no_logout_event', 'event-true', 'The event is true.', withEvents(`{"${LOGOUT_EVENT}":true}`)),
  no('no_logout_event', 'event-in-proto', 'Below __proto__.', withEvents(`{"__proto__":{"${LOGOUT_EVENT}":{}}}`)),
  no('no_logout_event', 'event-https', 'Under https.', withEvents(`{"${LOGOUT_EVENT.replace('http', 'https')}":{}}`)),
  no('no_logout_event', 'event-slash', 'A slash behind its name.', withEvents(`{"${LOGOUT_EVENT}/":{}}`)),
  no('malformed', 'event-twice', 'The event twice.', withEvents(`{"${LOGOUT_EVENT}":{},"${LOGOUT_EVENT}":{}}`)),

  // Whose sessions end is said by sub, as text.
  no('sid_only', 'sid-alone', 'sid without sub.', () => logoutToken({ sub: undefined, sid: '2' })),
  no('claims', 'no-sub', 'Neither sub nor sid.', () => logoutToken({ sub: undefined })),
  no('claims', 'sub-empty', 'sub is empty.', () => logoutToken({ sub: '' })),
  no('claims', 'sub-number', 'sub is a number.', () => logoutToken({ sub: 2 })),
  no('claims', 'sub-list', 'sub is a list.', () => logoutToken({ sub: ['2'] })),
  no('claims', 'sub-object', 'sub is a DynamoDB value.', () => logoutToken({ sub: { S: '2' } })),
  no('claims', 'no-jti', 'No jti.', () => logoutToken({ jti: undefined })),
  no('claims', 'no-iat', 'No iat.', () => logoutToken({ iat: undefined })),
  no('too_long_lived', 'exp-6-minutes', 'exp in 6 minutes: a token of a caller may live for so long.', () =>
    logoutToken({ exp: now() + 360 }),
  ),
];

/** The cases of the other route as cases of this one: whatever a caller's token is, it is no logout token. */
export function noLogoutTokens(cases: Case[]): Case[] {
  return cases.map(({ name, why, token = claims }) => refused(400, name, why, { token }));
}
