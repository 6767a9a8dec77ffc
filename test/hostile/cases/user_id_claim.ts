import { accepted, refused } from '../case.ts';
import { v2 } from '../event.ts';
import { boundKey } from '../keys.ts';
import { AUD_ISS_EMAIL, accessToken, idToken, logoutToken, mac, now, payload } from '../token.ts';

const by = (claim: string) => mac(boundKey(claim));

/** A token for the record with that claim. The members are JSON, so that a number is sent in exactly these digits. */
const bound = (claim: string, members: string) => () =>
  payload(`{"exp":${now() + 60},${AUD_ISS_EMAIL}${members && `,${members}`}}`, by(claim));

const notBound = (name: string, why: string, token: () => string) =>
  refused(403, name, why, { token, reason: 'user_id_not_bound' });

const unauthenticated = (reason: string, name: string, why: string, token: () => string) =>
  refused(401, name, why, { token, reason });

/** A token that must not log out user 2, who is in the path. */
const notUser2 = (name: string, why: string, members: string, claim = 'uid') =>
  notBound(name, why, bound(claim, members));

/** A token that must not log out this user, who is in the path. */
const notUser = (name: string, why: string, members: string, userId: unknown, claim = 'uid') => ({
  ...notUser2(name, why, members, claim),
  event: (token: string) => ({ ...v2(token), pathParameters: { user_id: userId } }),
});

/** Records that let a token log out one user, and tokens that name another, or nobody. */
export const userIdClaim = [
  accepted('text', 'The id as a string.', { token: bound('uid', '"uid":"2"') }),
  accepted('number', 'The id as a number.', { token: bound('uid', '"uid":2') }),
  accepted('claim-in-capitals', 'A claim whose name is in capitals.', { token: bound('UID', '"UID":"2"') }),

  notUser2('other-user', 'Another user.', '"uid":"3"'),
  notUser2('other-number', 'Another user, as a number.', '"uid":3'),
  notUser2('absent', 'No such claim.', ''),
  notUser2('name-case', 'The claim in capitals.', '"UID":"2"'),
  notUser2('name-case-of-capitals', 'The claim in lower case, where the record has capitals.', '"uid":"2"', 'UID'),
  notUser2('name-blank', 'A space after the name of the claim.', '"uid ":"2"'),
  notUser('value-case', 'The id in another case.', '"uid":"Ann"', 'ann'),
  notUser('value-accent', 'The id with its accent as a separate character.', '"uid":"e\\u0301"', '\u00e9'),

  notUser2('blank-before', 'A space before the id.', '"uid":" 2"'),
  notUser2('blank-behind', 'A space after the id.', '"uid":"2 "'),
  notUser2('line-feed', 'A line feed after the id.', '"uid":"2\\n"'),
  notUser2('nul', 'NUL after the id.', '"uid":"2\\u0000"'),
  notUser2('no-break-space', 'A no-break space before the id.', '"uid":"\\u00a02"'),
  notUser2('blank', 'Only a space.', '"uid":" "'),
  notUser2('empty', 'An empty string.', '"uid":""'),
  notUser('empty-for-empty', 'No such claim, where the user id is empty.', '', ''),
  notUser('absent-for-absent', 'No such claim, where the event has no user id.', '', undefined),
  notUser('null-for-null', 'The claim is null, and so is the user id.', '"uid":null', null),

  notUser2('leading-zero', 'A leading zero.', '"uid":"02"'),
  notUser2('plus', 'A plus sign.', '"uid":"+2"'),
  notUser2('hex', 'Hexadecimal.', '"uid":"0x2"'),
  notUser2('fullwidth-digit', 'A fullwidth digit.', '"uid":"\\uff12"'),
  notUser2('fraction', 'The number 2.0.', '"uid":2.0'),
  notUser2('exponent', 'An exponent.', '"uid":2e0'),
  notUser2('negative', 'A negative number.', '"uid":-2'),
  notUser('minus-zero', 'Minus zero, for user 0.', '"uid":-0', '0'),
  notUser(
    'int-2p53-plus-1',
    'A number that JavaScript rounds to its neighbour.',
    '"uid":9007199254740993',
    `${2 ** 53}`,
  ),
  notUser('number-for-number', 'The number 2.0, where the user id is a number.', '"uid":2.0', 2),

  notUser2('list', 'A list of one string.', '"uid":["2"]'),
  notUser2('list-of-number', 'A list of one number.', '"uid":[2]'),
  notUser2('list-of-several', 'A list with the id in it.', '"uid":["3","2"]'),
  notUser2('comma-list', 'A list in one string.', '"uid":"2,3"'),
  notUser2('object', 'An object.', '"uid":{"uid":"2"}'),
  notUser2('dynamo-typed', 'A DynamoDB value.', '"uid":{"S":"2"}'),
  notUser2('to-string', 'An object that has a toString.', '"uid":{"toString":"2","valueOf":"2"}'),
  notUser2('true', 'true.', '"uid":true'),
  notUser2('null', 'null.', '"uid":null'),
  notUser2('star', 'A star.', '"uid":"*"'),
  notUser2('regex', 'A regular expression.', '"uid":".*"'),
  notUser2('below-another', 'The claim inside another.', '"user":{"uid":"2"}'),
  notUser2('below-proto', 'The claim inside __proto__.', '"__proto__":{"uid":"2"}'),
  notUser2('below-constructor', 'The claim inside constructor.prototype.', '"constructor":{"prototype":{"uid":"2"}}'),
  notUser2('path-of-names', 'A name that is a path.', '"user":{"uid":"3"},"user.uid":"2"'),

  // A property that every object inherits is not a claim.
  notUser2('proto', 'The claim __proto__, which the token does not have.', '', '__proto__'),
  notUser2('constructor', 'The claim constructor, which the token does not have.', '', 'constructor'),
  notUser('proto-as-text', 'The user id is what __proto__ is as a string.', '', '[object Object]', '__proto__'),
  notUser('constructor-as-text', 'The user id is what constructor is as a string.', '', `${Object}`, 'constructor'),
  notUser('to-string-as-text', 'The user id is what toString is as a string.', '', `${Object.toString}`, 'toString'),

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
  unauthenticated('wrong_kind', 'logout-token', 'A logout token for user 2, signed with the same key.', () =>
    logoutToken({}, by('sub')),
  ),
  unauthenticated(
    'wrong_kind',
    'logout-token-of-other',
    'A logout token for user 3, signed with the same key: the first of two reasons.',
    () => logoutToken({ sub: '3' }, by('sub')),
  ),
];
