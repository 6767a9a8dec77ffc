import { accepted, refused } from '../case.ts';

const KEY = '"2-a"';
const list = (length: number, key = KEY) => `[${Array(length).fill(key)}]`;

/** A call with these params, as JSON. */
const call = (params: string) => ({ body: `{"jsonrpc":"2.0","method":"call","params":${params},"id":1}` });

/** An `except` of another form. Its value must not come back. */
const invalid = (name: string, why: string, except: string) =>
  refused(400, name, why, { request: call(`{"except":${except}}`), code: -32602, id: 1, absent: '2-a' });

/** Params that keep none of user 2's sessions: all of them end. */
const keepsNothing = (name: string, why: string, params: string) => accepted(name, why, { request: call(params) });
const fitsNothing = (name: string, why: string, except: string) => keepsNothing(name, why, `{"except":${except}}`);

/** What a caller may send in params.except, while user 2 has the session 2-a. */
export const paramsExcept = [
  invalid('list-in-list', 'A list in a list.', `[[${KEY}]]`),
  invalid('deep-lists', 'A thousand lists in one another.', `${'['.repeat(1000)}${KEY}${']'.repeat(1000)}`),
  invalid('object', 'An object.', `{"session_id":${KEY}}`),
  invalid('object-like-a-list', 'An object with the members of a list.', `{"0":${KEY},"length":1}`),
  invalid('object-in-list', 'An object in a list.', `[${KEY},{}]`),
  invalid('dynamo-typed', 'A DynamoDB value.', `{"S":${KEY}}`),
  invalid('dynamo-typed-in-list', 'A list with a DynamoDB value.', `[{"S":${KEY}}]`),
  invalid('to-string', 'An object that has a toString.', `{"toString":${KEY},"valueOf":${KEY}}`),
  invalid('proto-member', 'An object whose __proto__ is a list.', `{"__proto__":[${KEY}]}`),
  invalid('number', 'A number.', '2'),
  invalid('number-in-list', 'A number in a list.', `[${KEY},2]`),
  invalid('infinity', 'Infinity once it is parsed.', '1e400'),
  invalid('true', 'true.', 'true'),
  invalid('false', 'false.', 'false'),
  invalid('null', 'null.', 'null'),
  invalid('null-in-list', 'null in a list.', `[${KEY},null]`),
  invalid('empty-text', 'Empty text.', '""'),
  invalid('empty-text-in-list', 'Empty text beside a key.', `[${KEY},""]`),
  invalid('11-texts', 'One text more than ten.', list(11)),
  invalid('10000-texts', 'Ten thousand texts.', list(10_000)),
  invalid('10000-empty-texts', 'Ten thousand empty texts.', list(10_000, '""')),
  invalid('2049-bytes', 'One byte more than a key can have.', `"${'k'.repeat(2049)}"`),
  invalid('1025-letters', 'Letters of two bytes, more than a key can have.', `"${'é'.repeat(1025)}"`),
  invalid('60-kb', 'Sixty kilobytes.', `"${'k'.repeat(61_440)}"`),
  invalid('twice-object-last', 'except twice: the last one counts, an object.', `[],"except":{"a":${KEY}}`),
  refused(413, '20000-texts', 'More texts than a body may hold.', { request: call(`{"except":${list(20_000)}}`) }),

  fitsNothing('empty-list', 'An empty list.', '[]'),
  fitsNothing('2048-bytes-ten-times', 'Ten texts as long as a key can be.', list(10, `"${'k'.repeat(2048)}"`)),
  fitsNothing('duplicates', 'The same text ten times.', list(10, '"2-z"')),
  fitsNothing('user-id', 'The user’s own part of the key.', '"2"'),
  fitsNothing('other-users-session', 'A session of user 3.', '"3-a"'),
  fitsNothing('prefix', 'The beginning of the key.', '["2","2-"]'),
  fitsNothing('longer', 'The key and one letter more.', '"2-ab"'),
  fitsNothing('case', 'The key in another case.', '"2-A"'),
  fitsNothing('blanks', 'The key between blanks.', '[" 2-a","2-a ","2-a\\n","\\ufeff2-a"]'),
  fitsNothing('nul', 'NUL behind the key.', '"2-a\\u0000"'),
  fitsNothing('lone-surrogate', 'A lone surrogate.', '["\\ud800","2-a\\udc00"]'),
  fitsNothing('lookalike-letters', 'Other characters that look like the key.', '["2\\u2010a","\\uff12-a","2-\\u0430"]'),
  fitsNothing('patterns', 'Patterns.', '["*","2-*",".*","%","^2"]'),
  fitsNothing('comma-list', 'Several keys in one text.', '"2-a,2-b"'),
  fitsNothing(
    'key-as-json',
    'The whole key as JSON.',
    '"{\\"user_id\\":{\\"S\\":\\"2\\"},\\"session_id\\":{\\"S\\":\\"2-a\\"}}"',
  ),
  fitsNothing('proto-words', 'Names that every object inherits.', '["__proto__","constructor","toString","valueOf"]'),

  keepsNothing('proto-params', 'except in __proto__ of params.', `{"__proto__":{"except":${KEY}}}`),
  keepsNothing(
    'constructor-params',
    'except in constructor.prototype of params.',
    `{"constructor":{"prototype":{"except":${KEY}}}}`,
  ),
  keepsNothing('name-case', 'Except, with a capital.', `{"Except":${KEY}}`),
  keepsNothing('name-blank', 'A blank behind the name.', `{"except ":${KEY}}`),
  keepsNothing('in-another-param', 'except in another param.', `{"options":{"except":${KEY}}}`),
  keepsNothing('twice-list-last', 'except twice: the last one counts, an empty list.', `{"except":${KEY},"except":[]}`),
  keepsNothing(
    'beside-other-params',
    'Other params beside it, which are ignored.',
    `{"reason":"x","except":[],"user_id":"3","session_id":${KEY},"keep":${KEY},"only":${KEY}}`,
  ),
  accepted('outside-params', 'except beside params.', {
    request: { body: `{"jsonrpc":"2.0","id":1,"method":"call","except":${KEY},"params":{}}` },
  }),
];
