import { refused } from '../case.ts';
import { claims, logoutToken, mac } from '../token.ts';

const DISABLED = 'https://schemas.openid.net/secevent/risc/event-type/account-disabled';

const wrong = (name: string, why: string, token: () => string) =>
  refused(401, name, why, { token, reason: 'wrong_kind' });

/** Correctly signed tokens that report an event, which does not allow whoever holds one to log anybody out. */
export const wrongKind = [
  wrong('logout-token', 'A logout token of a provider that shares the key.', () => logoutToken()),
  wrong('logout-token-typ-jwt', 'A logout token of an old provider, typ JWT.', () => logoutToken({}, mac(), 'JWT')),
  wrong('logout-token-typ-alone', 'The media type of a logout token, written in full and in capitals.', () =>
    claims({}, mac(), 'APPLICATION/LOGOUT+JWT'),
  ),
  wrong('security-event', 'A security event token (RFC 8417).', () =>
    claims({ events: { [DISABLED]: {} } }, mac(), 'secevent+jwt'),
  ),
  wrong('revocation', 'A token of Global Token Revocation.', () => claims({}, mac(), 'global-token-revocation+jwt')),
  wrong('events-empty', 'No event in events.', () => claims({ events: {} })),
  wrong('events-null', 'events is null.', () => claims({ events: null })),
  wrong('events-in-an-access-token', 'events in an access token.', () =>
    claims({ events: { [DISABLED]: {} } }, mac(), 'at+jwt'),
  ),
];
