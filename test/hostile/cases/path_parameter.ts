import { accepted, type Case, refused } from '../case.ts';

const at = (segment: string) => ({ path: `/auth/logout_user/${segment}` });
const served = (name: string, why: string, segment: string, gateway?: number[]) =>
  accepted(name, why, { request: at(segment), gateway });
const nobody = (name: string, why: string, segment: string) =>
  accepted(name, why, { request: at(segment), result: false });
const notFound = (name: string, why: string, segment: string, gateway = [404, 400]): Case =>
  refused(404, name, why, { request: at(segment), gateway });
const noRoute = (name: string, why: string, path: string, gateway = [404, 400, 405]) =>
  refused(404, name, why, { request: { path }, gateway });

/** Segments that are not a user id in its canonical form, and paths that are not the route. */
export const pathParameter = [
  served('control-valid', 'A plain decimal id.', '2'),
  nobody('zero', 'User zero.', '0'),
  notFound('minus-zero', 'Minus zero.', '-0'),
  notFound('plus-sign', 'A plus sign.', '+2'),
  notFound('encoded-plus', 'An encoded plus sign.', '%2B2'),
  notFound('half', 'A fraction.', '2.5'),
  notFound('exponent', 'An exponent.', '2e0'),
  notFound('octal', 'Octal.', '0o2'),
  notFound('binary', 'Binary.', '0b10'),
  notFound('underscore', 'A digit separator.', '1_0'),
  notFound('range', 'A range.', '1-9'),
  notFound('star', 'A star.', '*'),
  notFound('percent-wildcard', 'An encoded percent sign.', '%25'),
  notFound('leading-zero', 'A leading zero: another spelling of user 2.', '02', []),
  notFound('many-leading-zeros', 'Sixty leading zeros.', `${'0'.repeat(60)}2`, []),
  notFound('trailing-space', 'A space at the end.', '2%20'),
  notFound('nul-then-text', 'NUL and text at the end.', '2%00.json'),
  notFound('tab', 'A tab at the start.', '%092'),
  served('encoded-digit', 'The digit percent-encoded: the same address.', '%32', [404, 400]),
  notFound('fullwidth-digit', 'A fullwidth digit.', '%EF%BC%92'),
  notFound('superscript-two', 'A superscript digit.', '%C2%B2'),
  notFound('devanagari-digit', 'A Devanagari digit.', '%E0%A5%A8'),
  notFound('raw-utf8-digit', 'A fullwidth digit, not encoded.', '２'),

  // No wrap-around, no rounding to another user.
  nobody('int-2p32-plus-user', '2^32 + 2.', '4294967298'),
  nobody('int-2p53-plus-1', '2^53 + 1.', '9007199254740993'),
  nobody('int-2p63', '2^63.', '9223372036854775808'),
  notFound('int-2p64-plus-user', '2^64 + 2: too many digits.', '18446744073709551618', []),
  notFound('int-6000-digits', 'Six thousand digits.', '9'.repeat(6000), [404, 400, 414, 431]),

  noRoute('empty', 'Nothing after the slash.', '/auth/logout_user/'),
  noRoute('no-slash', 'No id.', '/auth/logout_user'),
  served('trailing-slash', 'A slash at the end: the local gateway strips it.', '2/', [404, 400, 301, 308]),
  notFound('extra-segment', 'One segment too many.', '2/extra'),
  noRoute('double-slashes', 'Doubled slashes.', '//auth//logout_user//2', [404, 400]),
  accepted('dot-segments', 'Dot segments that lead to the route: the local gateway follows them.', {
    request: { path: '/auth/x/../logout_user/2' },
    gateway: [404, 400],
  }),
  notFound('slash-in-segment', 'An encoded slash and another id.', '2%2F3'),
  notFound('traversal-windows', 'A backslash.', '..%5C2'),
  notFound('matrix-param', 'A matrix parameter.', '2;v=1'),

  notFound('word-undefined', 'A word.', 'undefined'),
  notFound('word-true', 'A word.', 'true'),
  notFound('word-proto', 'A word.', '__proto__'),
  notFound('word-constructor', 'A word.', 'constructor'),
  notFound('word-me', 'A word.', 'me'),
  notFound('word-self', 'A word.', 'self'),
  notFound('word-all', 'A word.', 'all'),
  notFound('json-object', 'A JSON object.', '%7B%22S%22%3A%222%22%7D'),
  notFound('sql', 'SQL.', '2%27%20OR%20%271%27=%271'),
  notFound('format-string', 'Format directives.', '%25s%25n'),
  refused(404, 'template', 'A template expression that must not be evaluated.', {
    request: at('%24%7B7777*7777%7D'),
    gateway: [404, 400],
    absent: '60481729',
  }),
  notFound('bad-percent-zz', 'A percent sign without hex digits.', '%zz'),
  notFound('overlong-utf8', 'Overlong UTF-8 of a digit.', '%C0%B2'),
  notFound('raw-control', 'A control byte.', '2\x01'),
  refused(401, 'bad-path-bad-token', 'A bad id and a bad token: the token is checked first.', {
    token: () => 'a.b.c',
    request: at('abc'),
    gateway: [404, 400],
  }),
  refused(401, 'bad-path-no-token', 'A bad id and no token: the token is checked first.', {
    token: () => '',
    request: { ...at('abc'), headers: [['Content-Type', 'application/json']] },
    gateway: [404, 400],
  }),
];
