import { gzipSync } from 'node:zlib';
import { accepted, refused } from '../case.ts';
import { BODY, type Header, type HttpRequest, plainRequest } from '../http.ts';

type Headers = Pick<HttpRequest, 'headers'>;

const JSON_TYPE: Header = ['Content-Type', 'application/json'];
const without = (...headers: Header[]): Headers => ({ headers: [...headers, JSON_TYPE] });
const authorization = (value: string): Headers => without(['Authorization', value]);
const typed = (token: string, contentType: string): Headers => ({
  headers: [
    ['Authorization', `Bearer ${token}`],
    ['Content-Type', contentType],
  ],
});
/** The plain headers and more. */
const and = (token: string, ...more: Header[]): Headers => ({ headers: [...plainRequest(token).headers, ...more] });

/** 200 MiB of spaces in 200 KB: a gzip file may have many members. */
const gzipBomb = () => Buffer.concat(Array(200).fill(gzipSync(Buffer.alloc(2 ** 20, ' '), { level: 9 })));

/** Where the token is, how the request is framed, its method and its content type. */
export const httpLevel = [
  refused(401, 'bearer-blank', 'The scheme and a space, but no token.', {
    token: () => '',
    request: authorization('Bearer '),
  }),
  refused(401, 'token-without-scheme', 'No scheme.', { request: (token) => authorization(token) }),
  refused(401, 'scheme-Basic', 'Scheme Basic.', { request: (token) => authorization(`Basic ${token}`) }),
  refused(401, 'scheme-Token', 'Scheme Token.', { request: (token) => authorization(`Token ${token}`) }),
  refused(401, 'scheme-JWT', 'Scheme JWT.', { request: (token) => authorization(`JWT ${token}`) }),
  refused(401, 'scheme-Digest', 'Scheme Digest.', { request: (token) => authorization(`Digest ${token}`) }),
  refused(401, 'scheme-DPoP', 'Scheme DPoP.', { request: (token) => authorization(`DPoP ${token}`) }),
  refused(401, 'bearer-quoted', 'Token in quotes.', { request: (token) => authorization(`Bearer "${token}"`) }),
  refused(401, 'bearer-tab', 'A tab instead of the space.', { request: (token) => authorization(`Bearer\t${token}`) }),
  refused(401, 'bearer-comma', 'Two credentials in one header.', {
    request: (token) => authorization(`Bearer ${token}, Bearer ${token}`),
  }),
  refused(401, 'bearer-params', 'A parameter after the token.', {
    request: (token) => authorization(`Bearer ${token};x=1`),
  }),
  refused(401, 'bearer-nbsp', 'A no-break space instead of the space.', {
    request: (token) => authorization(`Bearer\u00a0${token}`),
    gateway: [400],
  }),
  accepted('scheme-lowercase', 'Schemes ignore case (RFC 9110 §11.1).', {
    request: (token) => authorization(`bearer ${token}`),
  }),
  accepted('two-blanks', 'Two spaces after the scheme (RFC 6750 §2.1).', {
    request: (token) => authorization(`Bearer  ${token}`),
  }),
  refused(401, 'blank-and-tab', 'A space and a tab after the scheme.', {
    request: (token) => authorization(`Bearer \t${token}`),
  }),
  refused(401, 'latin1-byte', 'A byte above 127 after the token.', {
    request: (token) => authorization(`Bearer ${token}é`),
    gateway: [400],
  }),
  accepted('header-name-lower', 'Header name in lower case.', {
    request: (token) => without(['authorization', `Bearer ${token}`]),
  }),
  accepted('header-name-mixed', 'Header name in mixed case.', {
    request: (token) => without(['aUtHoRiZaTiOn', `Bearer ${token}`]),
  }),
  accepted('dup-same', 'The same header twice: the local gateway keeps one.', {
    request: (token) => without(['Authorization', `Bearer ${token}`], ['Authorization', `Bearer ${token}`]),
  }),
  refused(401, 'token-in-query', 'Token only in the query (RFC 6750 §2.3).', {
    request: (token) => ({ ...without(), path: `/auth/logout_user/2?access_token=${token}` }),
  }),
  refused(401, 'token-in-body', 'Token only in the body.', {
    request: (token) => ({
      ...without(),
      body: BODY.replace('{}', JSON.stringify({ access_token: token, authorization: `Bearer ${token}` })),
    }),
  }),
  refused(401, 'other-header-x-access-token', 'Token only in another header.', {
    request: (token) => without(['X-Access-Token', `Bearer ${token}`]),
  }),
  refused(401, 'other-header-proxy-authorization', 'Token only in another header.', {
    request: (token) => without(['Proxy-Authorization', `Bearer ${token}`]),
  }),
  refused(401, 'other-header-authentication', 'Token only in another header.', {
    request: (token) => without(['Authentication', `Bearer ${token}`]),
  }),
  refused(401, 'underscore-header', 'Token only in a look-alike of the header.', {
    request: (token) => without(['Http_Authorization', `Bearer ${token}`]),
  }),
  refused(401, 'space-before-colon', 'A space between name and colon: request smuggling (RFC 9112 §5.1).', {
    request: (token) => without(['Authorization ', `Bearer ${token}`]),
    gateway: [400],
  }),
  refused(401, 'obs-fold', 'A folded header line.', {
    request: (token) => authorization(`Bearer\r\n ${token}`),
    gateway: [400],
  }),

  refused(401, 'bad-token-and-bad-body', 'The token is checked before the body.', {
    request: { ...authorization('Bearer a.b.c'), body: '{' },
  }),
  refused(401, 'bad-token-and-huge-body', 'The token is checked before the size.', {
    request: { ...authorization('Bearer a.b.c'), body: ' '.repeat(2 ** 17) },
  }),
  refused(401, 'no-token-and-bad-type', 'The token is checked before the content type.', {
    request: { headers: [['Content-Type', 'text/html']], body: '<html>' },
  }),

  // Another method with a valid token must not log anybody out.
  refused(404, 'method-HEAD', 'HEAD.', { request: { method: 'HEAD', body: null }, gateway: [405, 404] }),
  refused(404, 'method-OPTIONS', 'OPTIONS.', { request: { method: 'OPTIONS' }, gateway: [204, 200, 405, 404] }),
  refused(404, 'method-TRACE', 'TRACE.', {
    request: { method: 'TRACE', body: null },
    gateway: [405, 404, 400, 403, 501],
  }),
  refused(404, 'method-FOO', 'FOO.', { request: { method: 'FOO' }, gateway: [405, 404, 400, 403, 501] }),
  refused(404, 'method-post', 'post.', { request: { method: 'post' }, gateway: [405, 404, 400, 403, 501] }),
  refused(404, 'method-override-header', 'GET with X-HTTP-Method-Override.', {
    request: (token) => ({
      ...and(token, ['X-HTTP-Method-Override', 'POST'], ['X-Method-Override', 'POST']),
      method: 'GET',
    }),
    gateway: [405, 404],
  }),
  refused(404, 'method-override-query', 'GET with _method=POST.', {
    request: { method: 'GET', path: '/auth/logout_user/2?_method=POST' },
    gateway: [405, 404],
  }),

  accepted('ctype-charset', 'charset utf-8.', { request: (token) => typed(token, 'application/json; charset=utf-8') }),
  accepted('ctype-upper', 'Media type in capitals.', { request: (token) => typed(token, 'APPLICATION/JSON') }),
  accepted('ctype-charset-upper-quoted', 'A quoted charset in capitals.', {
    request: (token) => typed(token, 'application/json;charset="UTF-8"'),
  }),
  accepted('ctype-missing', 'No content type.', {
    request: (token) => ({ headers: [['Authorization', `Bearer ${token}`]] }),
  }),
  refused(415, 'ctype-multipart', 'multipart/form-data.', {
    request: (token) => ({ ...typed(token, 'multipart/form-data; boundary=x'), body: '--x\r\n\r\n{}\r\n--x--' }),
    gateway: [415],
  }),
  refused(415, 'ctype-list', 'Two media types in one header.', {
    request: (token) => typed(token, 'application/json, text/html'),
    gateway: [400],
  }),
  accepted('ctype-empty', 'An empty content type: the local gateway sets its own.', {
    request: (token) => typed(token, ''),
  }),
  accepted('ctype-duplicate', 'Two content types: the local gateway keeps the last.', {
    request: (token) => without(['Authorization', `Bearer ${token}`], ['Content-Type', 'text/html']),
  }),
  refused(415, 'gzip-body', 'A gzip body.', {
    request: (token) => ({ ...and(token, ['Content-Encoding', 'gzip']), body: gzipSync(BODY) }),
  }),
  refused(415, 'gzip-bomb', 'A gzip body that expands to 200 MiB.', {
    request: (token) => ({ ...and(token, ['Content-Encoding', 'gzip']), body: gzipBomb() }),
  }),
  refused(415, 'content-encoding-unknown', 'An unknown encoding.', {
    request: (token) => and(token, ['Content-Encoding', 'x-foo']),
  }),

  accepted('chunked', 'A chunked body.', {
    request: (token) => ({
      ...and(token, ['Transfer-Encoding', 'chunked']),
      body: `${BODY.length.toString(16)}\r\n${BODY}\r\n0\r\n\r\n`,
    }),
  }),
  refused(413, 'body-1mib-blanks', '1 MiB of spaces before the object.', {
    request: { body: ' '.repeat(2 ** 20) + BODY },
  }),
  refused(413, 'body-7mib', '7 MiB: more than Lambda accepts.', {
    request: { body: `{"jsonrpc":"2.0","method":"call","id":1,"params":{"x":"${'x'.repeat(7 * 2 ** 20)}"}}` },
    gateway: [413, 400],
  }),
  refused(400, 'cl-te-conflict', 'Content-Length and Transfer-Encoding: request smuggling.', {
    request: (token) => ({
      ...and(token, ['Content-Length', '4'], ['Transfer-Encoding', 'chunked']),
      body: '0\r\n\r\nGET /x HTTP/1.1\r\n\r\n',
    }),
    gateway: [400, 501],
  }),
  refused(400, 'negative-content-length', 'A negative Content-Length.', {
    request: (token) => ({ ...and(token, ['Content-Length', '-1']), body: '{}' }),
    gateway: [400],
  }),
  accepted('http10', 'HTTP/1.0.', { request: { version: '1.0' }, gateway: [400, 426, 505] }),
  refused(400, 'no-host', 'HTTP/1.1 without Host.', { request: { host: false }, gateway: [400] }),
  accepted('accept-html', 'Accept: text/html still gets JSON.', {
    request: (token) => and(token, ['Accept', 'text/html']),
  }),
  accepted('expect-100', 'Expect: 100-continue.', {
    request: (token) => and(token, ['Expect', '100-continue']),
    gateway: [417],
  }),
  accepted('log-injection-user-agent', 'User-Agent with ANSI and JNDI text.', {
    request: (token) => and(token, ['User-Agent', '\x24{jndi:ldap://127.0.0.1/a} \x9b31m']),
    gateway: [400],
  }),
];
