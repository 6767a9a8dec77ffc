import { accepted, type Case, refused } from '../case.ts';
import { BODY } from '../http.ts';

const valid = (name: string, why: string, body: string | Buffer, id: Case['id'] = 1) =>
  accepted(name, why, { request: { body }, id });
const parseError = (name: string, why: string, body: string) =>
  refused(400, name, why, { request: { body }, code: -32700 });
const invalidRequest = (name: string, why: string, body: string) =>
  refused(400, name, why, { request: { body }, code: -32600 });
const invalidParams = (name: string, why: string, params: string) =>
  refused(400, name, why, {
    request: { body: `{"jsonrpc":"2.0","method":"call","params":${params},"id":1}` },
    code: -32602,
    id: 1,
  });
const tooLarge = (name: string, why: string, body: string) => refused(413, name, why, { request: { body } });

/** The plain call with another id. */
const call = (id: string) => `{"jsonrpc":"2.0","method":"call","params":{},"id":${id}}`;

/** Nested this deep inside params. */
const nested = (open: string, inner: string, close: string, depth: number) =>
  `{"jsonrpc":"2.0","id":1,"method":"call","params":${open.repeat(depth)}${inner}${close.repeat(depth)}}`;

/** Ids, methods and params of every type; bodies that are not JSON, not a request object, or too large. */
export const jsonrpcBody = [
  valid('full-call', 'A full JSON-RPC call.', call('1')),
  valid('id-string', 'A string.', call('"a-b"'), 'a-b'),
  valid('id-negative', 'A negative number.', call('-7'), -7),
  valid('id-proto-word', 'The text __proto__.', call('"__proto__"'), '__proto__'),
  valid('id-html', 'A script tag, echoed as JSON.', call('"<script>alert(1)</script>"'), '<script>alert(1)</script>'),
  valid(
    'id-crlf',
    'A line break, which must not start a header.',
    call('"a\\r\\nSet-Cookie: x=1"'),
    'a\r\nSet-Cookie: x=1',
  ),
  valid('id-fraction', 'A fraction.', '{"jsonrpc":"2.0","method":"call","id":1.5}', 1.5),
  valid(
    'id-1e400',
    'Infinity once it is parsed.',
    '{"jsonrpc":"2.0","method":"call","id":1e400}',
    Number.POSITIVE_INFINITY,
  ),
  valid('id-lone-surrogate', 'A lone surrogate.', '{"jsonrpc":"2.0","method":"call","id":"\\ud800"}', '\ud800'),
  valid(
    'id-10kb',
    'Ten kilobytes.',
    `{"jsonrpc":"2.0","method":"call","id":"${'i'.repeat(10_240)}"}`,
    'i'.repeat(10_240),
  ),
  valid('notification', 'No id: answered nevertheless.', '{"jsonrpc":"2.0","method":"call","params":{}}', null),
  invalidRequest('id-true', 'An id must be a string, a number or null.', '{"jsonrpc":"2.0","method":"call","id":true}'),
  invalidRequest(
    'id-false',
    'An id must be a string, a number or null.',
    '{"jsonrpc":"2.0","method":"call","id":false}',
  ),
  valid('duplicate-id', 'id twice: the last one counts.', '{"jsonrpc":"2.0","method":"call","id":1,"id":2}', 2),

  valid('extra-members', 'Unknown members are ignored.', BODY.replace('"id":1', '"id":1,"foo":{"bar":[1]}')),
  valid('version-null', 'jsonrpc null.', '{"jsonrpc":null,"method":"call","id":1}'),
  valid('version-missing', 'method, but no jsonrpc.', '{"method":"call","id":1}'),
  valid('method-number', 'method is a number.', '{"jsonrpc":"2.0","method":1,"id":1}'),
  valid('method-object', 'method is an object.', '{"jsonrpc":"2.0","method":{},"id":1}'),
  valid('method-constructor', 'method is "constructor".', '{"jsonrpc":"2.0","method":"constructor","id":1}'),
  invalidParams('params-string', 'params is a string.', '"x"'),
  invalidParams('params-number', 'params is a number.', '1'),
  invalidParams('params-true', 'params is true.', 'true'),
  valid(
    'proto-in-params',
    'A __proto__ member in params: it must not pollute anything.',
    '{"jsonrpc":"2.0","method":"call","id":1,"params":{"__proto__":{"polluted":"yes"}}}',
  ),
  valid(
    'constructor-prototype',
    'constructor.prototype in params: it must not pollute anything.',
    '{"jsonrpc":"2.0","method":"call","id":1,"params":{"constructor":{"prototype":{"polluted":"yes"}}}}',
  ),
  valid(
    'tojson-member',
    'Members called toJSON and then.',
    '{"jsonrpc":"2.0","method":"call","id":1,"toJSON":1,"then":1}',
  ),

  parseError('syntax-single-quotes', 'Single quotes.', "{'jsonrpc':'2.0'}"),
  parseError('syntax-nan', 'NaN.', '{"jsonrpc":"2.0","id":NaN}'),
  parseError('syntax-infinity', 'Infinity.', '{"jsonrpc":"2.0","id":Infinity}'),
  parseError('syntax-unquoted-key', 'A name without quotes.', '{jsonrpc:"2.0"}'),
  parseError('syntax-two-objects', 'Two objects.', '{}{}'),
  parseError('syntax-leading-zero-number', 'A number with a leading zero.', '{"id":01}'),
  parseError('syntax-plus-number', 'A number with a plus sign.', '{"id":+1}'),
  parseError('syntax-bad-escape', 'An unknown escape.', '{"id":"\\x41"}'),
  parseError('syntax-nul-byte', 'NUL after the object.', '{}\0'),
  parseError('syntax-xml', 'XML.', '<a/>'),
  parseError('syntax-form', 'Form data.', 'user_id=3'),
  parseError('syntax-yaml', 'YAML.', 'jsonrpc: "2.0"'),
  invalidRequest('top-true', 'true.', 'true'),
  invalidRequest('top-number', 'A number.', '1'),
  valid('empty-body', 'No bytes at all.', '', null),
  valid('blank-body', 'Only spaces.', '   ', null),
  invalidRequest('batch-empty', 'An empty batch.', '[]'),
  invalidRequest('batch-one', 'A batch of one.', `[${BODY}]`),
  tooLarge('batch-5000', 'A batch of five thousand calls.', `[${Array(5000).fill(BODY).join()}]`),

  tooLarge('deep-arrays-100k', 'A hundred thousand nested arrays.', nested('[', '', ']', 100_000)),
  tooLarge('deep-objects-20k', 'Twenty thousand nested objects.', nested('{"a":', '1', '}', 20_000)),
  tooLarge(
    '100k-keys',
    'A hundred thousand members.',
    BODY.replace('"params":{},"id":1', `"id":1,"params":{${Array.from({ length: 100_000 }, (_, n) => `"k${n}":0`)}}`),
  ),
  valid(
    'huge-number',
    'A number of ten thousand digits.',
    `{"jsonrpc":"2.0","method":"call","id":1,"params":{"n":${'9'.repeat(10_000)}}}`,
  ),
  valid(
    'invalid-utf8',
    'Ill-formed UTF-8 in the id: the local gateway replaces it.',
    Buffer.from('{"jsonrpc":"2.0","method":"call","id":"\xff\xfe"}', 'latin1'),
    '\ufffd\ufffd',
  ),
];
