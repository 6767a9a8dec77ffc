import { accepted, refused } from '../case.ts';
import { v2 } from '../event.ts';
import { boundKey } from '../keys.ts';
import { AUD_ISS_EMAIL, accessToken, idToken, logoutToken, mac, now, payload } from '../token.ts';

const by = (claim: string) => mac(boundKey(claim));

/** A token that is bound by the claim. Its other members are text, so that a number is sent in these digits. */
const bound = (claim: string, members: string) => () =>
  payload(`{"exp":${now() + 60},${AUD_ISS_EMAIL}${members && `,${members}`}}`, by(claim));

const notBound = (name: string, why: string, token: () => string) =>
  refused(403, name, why, { token, reason: 'user_id_not_bound' });

const unauthenticated = (reason: string, name: string, why: string, token: () => string) =>
  refused(401, name, why, { token, reason });

/** Is not user 2 of the path. */
const notUser2 = (name: string, why: string, members: string, claim = 'uid') =>
  notBound(name, why, bound(claim, members));

/** Is not that user of the path. */
const notUser = (name: string, why: string, members: string, userId: unknown, claim = 'uid') => ({
  ...notUser2(name, why, members, claim),
  event: (token: string) => ({ ...v2(token), pathParameters: { user_id: userId } }),
});

/** Records that let a token log out one user, and tokens that name another, or nobody. */
export const userIdClaim = [
  accepted('text', 'The id as text.', { token: bound('uid', '"uid":"2"') }),
  accepted('number', 'The id as a number.', { token: bound('uid', '"uid":2') }),
  accepted('claim-in-capitals', 'A claim whose name is in capitals.', { token: bound('UID', '"UID":"2"') }),

  notUser2('other-user', 'Another user.', '"uid":"3"'),
  notUser2('other-number', 'Another user, as a number.', '"uid":3'),
  notUser2('absent', 'No such claim.', ''),
  notUser2('name-case', 'The claim in capitals.', '"UID":"2"'),
  notUser2('name-case-of-capitals', 'The claim in small letters, where the record has capitals.', '"uid":"2"', 'UID'),
  notUser2('name-blank', 'A blank behind the name of the claim.', '"uid ":"2"'),
  notUser('value-case', 'The id in another case.', '"uid":"Ann"', 'ann'),
  notUser('value-accent', 'The id with its accent as a character of its own.', '"uid":"e\\u0301"', '\u00e9'),

  notUser2('blank-before', 'A blank before.', '"uid":" 2"'),
  notUser2('blank-behind', 'A blank behind.', '"uid":"2 "'),
  notUser2('line-feed', 'A line feed behind.', '"uid":"2\\n"'),
  notUser2('nul', 'NUL behind.', '"uid":"2\\u0000"'),
  notUser2('no-break-space', 'A no-break space before.', '"uid":"\\u00a02"'),
  notUser2('blank', 'A blank alone.', '"uid":" "'),
  notUser2('empty', 'Empty text.', '"uid":""'),
  notUser('empty-for-empty', 'No such claim for no user.', '', ''),
  notUser('absent-for-absent', 'No such claim where the event has no user.', '', undefined),
  notUser('null-for-null', 'A claim that is null where the user is.', '"uid":null', null),

  notUser2('leading-zero', 'A leading zero.', '"uid":"02"'),
  notUser2('plus', 'A plus sign.', '"uid":"+2"'),
  notUser2('hex', 'Hexadecimal.', '"uid":"0x2"'),
  notUser2('fullwidth-digit', 'A fullwidth digit.', '"uid":"\\uff12"'),
  notUser2('fraction', 'A fraction that is none.', '"uid":2.0'),
  notUser2('exponent', 'An exponent.', '"uid":2e0'),
  notUser2('negative', 'A negative number.', '"uid":-2'),
  notUser('minus-zero', 'Zero with a sign.', '"uid":-0', '0'),
  notUser(
    'int-2p53-plus-1',
    'A number that JavaScript rounds to its neighbour.',
    '"uid":9007199254740993',
    `${2 ** 53}`,
  ),
  notUser('number-for-number', 'A fraction where the event has a number.', '"uid":2.0', 2),

  notUser2('list', 'A list of one text.', '"uid":["2"]'),
  notUser2('list-of-number', 'A list of one number.', '"uid":[2]'),
  notUser2('list-of-several', 'A list with the id in it.', '"uid":["3","2"]'),
  notUser2('comma-list', 'A list in one text.', '"uid":"2,3"'),
  notUser2('object', 'An object.', '"uid":{"uid":"2"}'),
  notUser2('dynamo-typed', 'A DynamoDB value.', '"uid":{"S":"2"}'),
  notUser2('to-string', 'An object that has a toString.', '"uid":{"toString":"2","valueOf":"2"}'),
  notUser2('true', 'true.', '"uid":true'),
  notUser2('null', 'null.', '"uid":null'),
  notUser2('star', 'A star.', '"uid":"*"'),
  notUser2('regex', 'A regular expression.', '"uid":".*"'),
  notUser2('below-another', 'The claim below another.', '"user":{"uid":"2"}'),
  notUser2('below-proto', 'The claim below __proto__.', '"__proto__":{"uid":"2"}'),
  notUser2('below-constructor', 'The claim below constructor.prototype.', '"constructor":{"prototype":{"uid":"2"}}'),
  notUser2('path-of-names', 'A name that is a path.', '"user":{"uid":"3"},"user.uid":"2"'),

  // What every object seems to have is no claim.
  notUser2('proto', 'A claim called __proto__, and there is none.', '', '__proto__'),
  notUser2('constructor', 'A claim called constructor, and there is none.', '', 'constructor'),
  notUser('proto-as-text', 'The user is what __proto__ is as text.', '', '[object Object]', '__proto__'),
  notUser('constructor-as-text', 'The user is what constructor is as text.', '', `${Object}`, 'constructor'),
  notUser('to-string-as-text', 'The user is what toString is as text.', '', `${Object.toString}`, 'toString'),

  // Records that trust an identity provider's keys, with the claim sub: a user's own tokens log out that user.
  accepted('id-token', 'An ID token of user 2.', { token: () => idToken({}, by('sub')) }),
  accepted('access-token', 'An access token of user 2.', { token: () => accessToken({}, by('sub')) }),
  notBound('id-token-of-other', 'An ID token of user 3.', () => idToken({ sub: '3' }, by('sub'))),
  notBound('access-token-of-other', 'An access token of user 3.', () => accessToken({ sub: '3' }, by('sub'))),
  notBound('access-token-of-client', 'An access token of an application, without a user.', () =>
    accessToken({ sub: 'web', client_id: 'web' }, by('sub')),
  ),
  unauthenticated('audience', 'id-token-elsewhere', 'An ID token of user 2 for another application.', () =>
    idToken({ aud: 'shop' }, by('sub')),
  ),
  unauthenticated('audience', 'access-token-elsewhere', 'An access token of user 2 for another API.', () =>
    accessToken({ aud: 'https://api.example.com' }, by('sub')),
  ),
  unauthenticated('wrong_kind', 'logout-token', 'A logout token for user 2 by the same key.', () =>
    logoutToken({}, by('sub')),
  ),
  unauthenticated(
    'wrong_kind',
    'logout-token-of-other',
    'A logout token for user 3 by the same key: of two reasons the first.',
    () => logoutToken({ sub: '3' }, by('sub')),
  ),
];
