import { refused } from '../case.ts';
import { claims, mac } from '../token.ts';

const LOGOUT = 'http://schemas.openid.net/event/backchannel-logout';
const SET = 'https://schemas.openid.net/secevent/risc/event-type/account-disabled';

/** Tokens that say that something has happened, rightly signed: whoever holds one has no order to log anybody out. */
export const wrongKind = [
  refused(401, 'logout-token', 'A logout token of a provider that shares the key.', {
    token: () => claims({ sub: '2', jti: 'x', events: { [LOGOUT]: {} } }, mac(), 'logout+jwt'),
  }),
  refused(401, 'logout-token-typ-jwt', 'A logout token of an old provider, typ JWT.', {
    token: () => claims({ sub: '2', jti: 'x', events: { [LOGOUT]: {} } }),
  }),
  refused(401, 'logout-token-typ-alone', 'The media type of a logout token, written in full and in capitals.', {
    token: () => claims({}, mac(), 'APPLICATION/LOGOUT+JWT'),
  }),
  refused(401, 'security-event', 'A security event token (RFC 8417).', {
    token: () => claims({ events: { [SET]: {} } }, mac(), 'secevent+jwt'),
  }),
  refused(401, 'revocation', 'A token of Global Token Revocation.', {
    token: () => claims({}, mac(), 'global-token-revocation+jwt'),
  }),
  refused(401, 'events-empty', 'No event in events.', { token: () => claims({ events: {} }) }),
  refused(401, 'events-null', 'events is null.', { token: () => claims({ events: null }) }),
];
