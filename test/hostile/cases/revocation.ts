import { pushEvent } from '../../setup/events.ts';
import { accepted, type Case, refused, type Special } from '../case.ts';
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
} from '../token.ts';

const PATH = '/auth/global_token_revocation';
export const SUBJECT = { format: 'iss_sub', iss: 'theissuer', sub: '2' };
const BODY = JSON.stringify({ sub_id: SUBJECT });

/** The plain request with these headers besides the token, and this body. */
export const request =
  (body: string | undefined = BODY, headers: Record<string, unknown> = {}) =>
  (token: string) =>
    pushEvent(PATH, { 'content-type': 'application/json', authorization: `Bearer ${token}`, ...headers }, body);

const notRevocation = (reason: string, name: string, why: string, token: () => string) =>
  refused(401, name, why, { token, reason });

/** A request with a good token, whose body is this. */
const badBody = (reason: string, name: string, why: string, body: unknown, special: Special = {}) =>
  refused(400, name, why, {
    event: request(typeof body === 'string' ? body : JSON.stringify(body)),
    reason,
    ...special,
  });

const about = (members: object) => ({ sub_id: { ...SUBJECT, ...members } });

/** What falls short of a revocation, where its issuer, the callers and the providers share keys, issuer and audience. */
export const revocations = [
  accepted('control-valid', 'A revocation.'),
  accepted('control-text-plain', 'A revocation of an odd content type.', {
    event: request(BODY, { 'content-type': 'text/plain' }),
  }),

  notRevocation('wrong_kind', 'caller-token', 'A token of a caller.', () => claims()),
  notRevocation('wrong_kind', 'caller-token-with-sub', 'A token of a caller with the client as its sub.', () =>
    claims({ sub: 'web', iat: now(), jti: 'x' }),
  ),
  notRevocation('wrong_kind', 'id-token', 'An ID token: it has the same keys.', () => idToken()),
  notRevocation('wrong_kind', 'id-token-of-the-client', 'An ID token whose sub is the client.', () =>
    idToken({ sub: 'web', nonce: undefined }),
  ),
  notRevocation('nonce', 'id-token-with-typ', 'An ID token with the type of a revocation.', () =>
    idToken({ sub: 'web' }, mac(), 'global-token-revocation+jwt'),
  ),
  notRevocation('wrong_kind', 'access-token', 'An access token of the client.', () => accessToken({ sub: 'web' })),
  notRevocation('wrong_kind', 'logout-token', 'A logout token.', () => logoutToken({ sub: 'web' })),
  notRevocation('wrong_kind', 'events', 'A revocation that has events.', () => revocationToken({ events: null })),
  notRevocation('nonce', 'nonce-null', 'A nonce that is null.', () => revocationToken({ nonce: null })),
  notRevocation('wrong_kind', 'typ-twice', 'typ has the prefix application/ twice.', () =>
    revocationToken({}, mac(), 'application/application/global-token-revocation+jwt'),
  ),
  notRevocation('wrong_kind', 'typ-space', 'typ ends in a space.', () =>
    revocationToken({}, mac(), 'global-token-revocation+jwt '),
  ),
  notRevocation('claims', 'no-jti', 'No jti.', () => revocationToken({ jti: undefined })),
  notRevocation('claims', 'no-iat', 'No iat.', () => revocationToken({ iat: undefined })),
  notRevocation('claims', 'no-exp', 'No exp.', () => revocationToken({ exp: undefined })),
  notRevocation('claims', 'sub-number', 'The client is a number.', () => revocationToken({ sub: 7 })),
  notRevocation('too_long_lived', 'exp-11-minutes', 'exp in 11 minutes.', () => revocationToken({ exp: now() + 660 })),
  notRevocation('signature', 'foreign-key', 'The key of a stranger.', () => revocationToken({}, mac('x'.repeat(32)))),
  notRevocation('malformed', 'typ-in-the-payload', 'Two payloads.', () =>
    payload(`{"exp":${now() + 60},"exp":${now() + 60},${AUD_ISS_EMAIL}}`),
  ),
  refused(401, 'no-token', 'No token at all.', { event: () => pushEvent(PATH, {}, BODY), reason: 'no_credentials' }),
  refused(401, 'token-in-the-body', 'The token in the body.', {
    token: () => revocationToken(),
    event: (token) => pushEvent(PATH, {}, JSON.stringify({ sub_id: SUBJECT, token, access_token: token })),
    reason: 'no_credentials',
  }),
  refused(403, 'another-client', 'The revocation of another application.', {
    token: () => revocationToken({ sub: 'crm' }),
    reason: 'client',
  }),
  refused(403, 'client-of-another-case', 'The client in capitals.', {
    token: () => revocationToken({ sub: 'WEB' }),
    reason: 'client',
  }),
  refused(403, 'no-client', 'No sub.', { token: () => revocationToken({ sub: undefined }), reason: 'client' }),

  badBody('body', 'empty', 'No body.', ''),
  badBody('body', 'form', 'A form.', 'sub_id=2'),
  badBody('body', 'list', 'A list of the request.', [{ sub_id: SUBJECT }]),
  badBody('body', 'twice', 'Two subjects.', `{"sub_id":${JSON.stringify(SUBJECT)},"sub_id":{}}`),
  badBody('body', 'escaped-twice', 'Two subjects, one of them escaped.', `{"sub_id":{},"sub_\\u0069d":{}}`),
  badBody('body', 'deep', 'A hundred thousand brackets.', '['.repeat(100_000)),
  badBody('subject', 'both', 'sub_id and subject.', { sub_id: SUBJECT, subject: SUBJECT }),
  badBody('subject', 'proto', 'The subject inside __proto__.', `{"__proto__":{"sub_id":${JSON.stringify(SUBJECT)}}}`),
  badBody(
    'subject',
    'subject-in-proto',
    'The format inside __proto__.',
    `{"sub_id":{"__proto__":${JSON.stringify(SUBJECT)}}}`,
  ),
  badBody('subject', 'list-as-subject', 'A list as the subject.', { sub_id: [SUBJECT] }),
  badBody('subject', 'json-as-subject', 'JSON text as the subject.', { sub_id: JSON.stringify(SUBJECT) }),
  badBody('subject', 'aliases', 'Several identifiers (RFC 9493 §3.2.8).', {
    sub_id: { format: 'aliases', identifiers: [SUBJECT] },
  }),
  badBody('subject', 'complex', 'A complex subject.', { sub_id: { format: 'complex', user: SUBJECT } }),
  badBody('subject', 'format-list', 'The format in a list.', about({ format: ['iss_sub'] })),
  badBody('subject', 'format-case', 'The format in capitals.', about({ format: 'ISS_SUB' })),
  badBody('subject', 'another-issuer', 'The subject of another issuer.', about({ iss: 'another' })),
  badBody('subject', 'issuer-list', 'The issuer in a list.', about({ iss: ['theissuer'] })),
  badBody('subject', 'sub-number', 'A number as sub.', about({ sub: 2 })),
  badBody('subject', 'sub-list', 'A list as sub.', about({ sub: ['2'] })),
  badBody('subject', 'sub-object', 'A DynamoDB value as sub.', about({ sub: { S: '2' } })),
  badBody('subject', 'email', 'An address, where the record takes none.', {
    sub_id: { format: 'email', email: '2@example.com' },
  }),
  refused(404, 'sub-of-another-form', 'A sub that is no user id.', {
    event: request(JSON.stringify(about({ sub: '2 ' }))),
    reason: 'user_id',
  }),
  refused(404, 'sub-zero-width', 'A sub with a zero-width space.', {
    event: request(JSON.stringify(about({ sub: '2\u200b' }))),
    reason: 'user_id',
  }),
];

/** The cases of the other routes as cases of this one: no token of a caller or a provider is a revocation. */
export function asRevocationTokens(cases: Case[]): Case[] {
  return cases.map(({ name, why, token = claims }) => refused(401, name, why, { token }));
}
