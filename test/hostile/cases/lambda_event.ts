import { accepted, refused } from '../case.ts';
import { v1, v2, withHeaders } from '../event.ts';
import { BODY } from '../http.ts';
import { changePart, claims } from '../token.ts';

const base64 = (text: string) => Buffer.from(text).toString('base64');

const userId = (name: string, why: string, value: unknown) =>
  refused(404, `pathparam-${name}`, why, { event: (token) => v2(token, value) });

/** Events that no client can send, that serverless-offline would alter, or that come from another service. */
export const lambdaEvent = [
  accepted('v2-control', 'An event of payload format 2.0.', { event: (token) => v2(token) }),
  accepted('v1-control', 'An event of payload format 1.0, with header names in mixed case.', {
    event: (token) => v1(token),
  }),
  refused(401, 'v1-multivalue-only', 'Only multiValueHeaders has the token, as from a load balancer.', {
    event: (token) => ({ ...v1(token), headers: null }),
  }),

  // Where the token is.
  refused(401, 'v2-no-headers', 'No headers at all.', { event: (token) => ({ ...v2(token), headers: undefined }) }),
  refused(401, 'v1-case-twins', 'Authorization and authorization: which one counts?', {
    event: (token) => ({
      ...v1(token),
      headers: {
        Authorization: 'Bearer a.b.c',
        authorization: `Bearer ${token}`,
        'Content-Type': 'application/json',
      },
      multiValueHeaders: null,
    }),
  }),
  refused(401, 'dup-bad-then-good', 'A bad credential, then a good one.', {
    event: (token) => withHeaders({ authorization: `Bearer a.b.c,Bearer ${token}` }),
  }),
  refused(401, 'dup-basic-then-bearer', 'Basic, then Bearer.', {
    event: (token) => withHeaders({ authorization: `Basic YTpi,Bearer ${token}` }),
  }),
  refused(401, 'v2-authorizer-spoof', 'No token, but claims where an authorizer puts them.', {
    event: (token) => ({
      ...withHeaders({}),
      requestContext: {
        ...v2(token).requestContext,
        authorizer: {
          jwt: { claims: { email: 'admin', aud: 'auth_logout_user_jwt' } },
          lambda: { email: 'admin' },
        },
      },
    }),
  }),
  refused(401, 'v1-authorizer-spoof', 'No token, but claims where a v1 authorizer puts them.', {
    event: (token) => ({
      ...v1(token),
      headers: { 'Content-Type': 'application/json' },
      multiValueHeaders: null,
      requestContext: {
        ...v1(token).requestContext,
        authorizer: { claims: { email: 'admin' }, principalId: 'admin' },
      },
    }),
  }),
  refused(401, 'v2-cookies-token', 'Token only in a cookie.', {
    event: (token) => ({ ...withHeaders({}), cookies: [`token=${token}`] }),
  }),
  refused(401, 'v2-query-token', 'Token only in the query.', {
    event: (token) => ({ ...withHeaders({}), queryStringParameters: { access_token: token } }),
  }),
  refused(401, 'v2-authorization-object', 'authorization is an object.', {
    event: () => withHeaders({ authorization: {} }),
  }),
  refused(401, 'v2-authorization-array', 'authorization is an array.', {
    event: (token) => withHeaders({ authorization: [`Bearer ${token}`, 'Bearer x'] }),
  }),
  refused(401, 'token-newline', 'A line feed inside the token.', {
    token: () => changePart(2, (mac) => `${mac.slice(0, 5)}\n${mac.slice(5)}`),
    event: (token) => v2(token),
  }),
  refused(401, 'token-trailing-newline', 'A line feed after the token.', {
    token: () => `${claims()}\n`,
    event: (token) => v2(token),
  }),

  refused(404, 'pathparams-absent', 'No path parameters at all.', {
    event: (token) => ({ ...v2(token), pathParameters: undefined }),
  }),
  userId('null', 'The user id is null.', null),
  userId('empty', 'An empty user id.', ''),
  userId('word', 'A word.', 'abc'),
  userId('float', 'A fraction.', '2.0'),
  userId('leading-zero', 'A leading zero.', '02'),
  userId('number', 'A number, not text.', 2),
  userId('array', 'An array.', ['2']),
  userId('lone-surrogate', 'A lone surrogate at the end.', '2\ud800'),
  userId('newline', 'A line feed at the end.', '2\n'),
  userId('space', 'A space at the start.', ' 2'),
  userId('plus', 'A plus sign.', '+2'),
  userId('exp', 'An exponent.', '2e0'),
  userId('object', 'An object.', {}),
  userId('fullwidth', 'A fullwidth digit.', '２'),
  userId('encoded', 'Percent-encoded twice.', '%32%20'),

  refused(400, 'top-null', 'The body is null.', { event: (token) => ({ ...v2(token), body: 'null' }), code: -32600 }),
  accepted('v2-empty-object-body', 'The body is {}.', { event: (token) => ({ ...v2(token), body: '{}' }), id: null }),
  accepted('body-null', 'No body.', { event: (token) => ({ ...v1(token), body: null }), id: null }),
  refused(400, 'body-object', 'The body is already an object.', {
    event: (token) => ({ ...v2(token), body: { jsonrpc: '2.0', method: 'call', id: 1 } }),
  }),
  accepted('v1-base64-body', 'A body in base64, flagged as such.', {
    event: (token) => ({ ...v1(token), body: base64(BODY), isBase64Encoded: true }),
  }),
  refused(400, 'b64-array', 'A batch in base64.', {
    event: (token) => ({ ...v2(token), body: base64('[]'), isBase64Encoded: true }),
    code: -32600,
  }),
  refused(400, 'b64-unflagged', 'A body in base64, not flagged.', {
    event: (token) => ({ ...v2(token), body: base64(BODY) }),
    code: -32700,
  }),
  refused(400, 'b64-binary', 'Base64 of random bytes.', {
    event: (token) => ({ ...v2(token), body: '//79/Pv6+fj39vX08/Lx8A==', isBase64Encoded: true }),
    code: -32700,
  }),
  refused(400, 'b64-garbage', 'Flagged as base64, but it is not.', {
    event: (token) => ({ ...v2(token), body: '!!!!', isBase64Encoded: true }),
    code: -32700,
  }),
  refused(400, 'body-false', 'The body is false.', { event: (token) => ({ ...v2(token), body: false }), code: -32600 }),
  refused(415, 'content-type-object', 'The content type is an object.', {
    event: (token) => withHeaders({ authorization: `Bearer ${token}`, 'content-type': { toString: 1 } }),
  }),
  accepted('b64-flag-string', 'isBase64Encoded is the string "false".', {
    event: (token) => ({ ...v2(token), isBase64Encoded: 'false' }),
  }),
  accepted('evil-origin', 'A foreign Origin is not reflected.', {
    event: (token) => withHeaders({ authorization: `Bearer ${token}`, origin: 'https://evil.example' }),
    absent: 'evil.example',
  }),

  refused(401, 'empty-event', 'An empty event.', { event: () => ({}) }),
  refused(401, 'null-event', 'The event is null.', { event: () => null }),
  refused(401, 'string-event', 'The event is a string.', { event: () => 'hello' }),
  refused(401, 'sqs-event', 'An SQS event by mistake.', {
    event: () => ({ Records: [{ eventSource: 'aws:sqs', body: '{}' }] }),
  }),
  refused(401, 'warmup-event', 'A warm-up plugin: nobody is logged out.', {
    event: () => ({ source: 'serverless-plugin-warmup' }),
  }),
];
