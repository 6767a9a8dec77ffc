// docs/openapi.yaml itself. Every answer in every other test is checked against it too: see test/setup/lambda.ts.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Validator } from '@seriousme/openapi-schema-validator';
import { contractViolations, openapi, requestViolations } from '../setup/openapi.ts';

test('docs/openapi.yaml is a valid OpenAPI 3.1 description', async () => {
  const validator = new Validator();
  const { valid, errors } = await validator.validate(structuredClone(openapi));
  assert.equal(valid, true, JSON.stringify(errors));
  assert.equal(validator.version, '3.1');
});

const LOGOUT_USER = '/auth/logout_user/{user_id}';
const BACKCHANNEL_LOGOUT = '/auth/backchannel_logout';
const NO_STORE = { 'cache-control': 'no-store' };
const JSON_HEADERS = { 'content-type': 'application/json', ...NO_STORE };
const RESULT = { jsonrpc: '2.0', id: 1, result: true };
const error = (code: number) => ({ jsonrpc: '2.0', id: null, error: { code, message: 'x' } });

test('docs/openapi.yaml describes the answer to a logout', () => {
  assert.deepEqual(contractViolations(LOGOUT_USER, 200, JSON_HEADERS, JSON.stringify(RESULT)), []);
});

test('docs/openapi.yaml describes the answers to an OpenID provider', () => {
  const refusal = JSON.stringify({ error: 'invalid_request', error_description: 'The logout token is not accepted' });
  assert.deepEqual(contractViolations(BACKCHANNEL_LOGOUT, 200, NO_STORE, ''), []);
  assert.deepEqual(contractViolations(BACKCHANNEL_LOGOUT, 400, JSON_HEADERS, refusal), []);
});

test('docs/openapi.yaml describes its own examples of a request, and lists of keys to keep', () => {
  const { examples } = openapi.paths[LOGOUT_USER].post.requestBody.content['application/json'];
  const requests: unknown[] = Object.values<{ value: unknown }>(examples).map(({ value }) => value);
  for (const except of ['k', [], Array(10).fill('k'.repeat(2048))]) requests.push({ params: { except } });
  assert.equal(requests.length, 5);
  for (const request of requests) assert.deepEqual(requestViolations(LOGOUT_USER, request), []);
});

test('docs/openapi.yaml does not allow keys to keep in a form that is answered with 400', () => {
  for (const except of [7, null, {}, [['k']], [{}], '', ['k', ''], Array(11).fill('k'), 'k'.repeat(2049)])
    assert.notDeepEqual(requestViolations(LOGOUT_USER, { params: { except } }), [], JSON.stringify(except));
});

const departing: [string, path: string, status: number, headers: Record<string, string>, body: unknown][] = [
  ['a status that is not listed', LOGOUT_USER, 418, JSON_HEADERS, RESULT],
  ['a missing header', LOGOUT_USER, 200, { 'content-type': 'application/json' }, RESULT],
  ['an extra header', LOGOUT_USER, 200, { ...JSON_HEADERS, 'x-powered-by': 'x' }, RESULT],
  ['a wrong cache-control', LOGOUT_USER, 200, { ...JSON_HEADERS, 'cache-control': 'public' }, RESULT],
  ['a wrong content type', LOGOUT_USER, 200, { ...JSON_HEADERS, 'content-type': 'text/html' }, RESULT],
  ['an extra member in the body', LOGOUT_USER, 200, JSON_HEADERS, { ...RESULT, more: 1 }],
  ['a result that is not a boolean', LOGOUT_USER, 200, JSON_HEADERS, { ...RESULT, result: 1 }],
  ['an error code that belongs to another status', LOGOUT_USER, 404, JSON_HEADERS, error(-32001)],
  ['a 401 without a challenge', LOGOUT_USER, 401, JSON_HEADERS, error(-32001)],
  ['an answer at an unknown path', '/auth/logout', 200, JSON_HEADERS, RESULT],
  ['a 401 to an OpenID provider', BACKCHANNEL_LOGOUT, 401, JSON_HEADERS, { error: 'invalid_client' }],
  ['a body in a 200 to an OpenID provider', BACKCHANNEL_LOGOUT, 200, NO_STORE, {}],
  ['a content type without a body', BACKCHANNEL_LOGOUT, 200, JSON_HEADERS, undefined],
  ['an error name that belongs to another status', BACKCHANNEL_LOGOUT, 500, JSON_HEADERS, { error: 'invalid_request' }],
  ['a 503 without retry-after', BACKCHANNEL_LOGOUT, 503, JSON_HEADERS, { error: 'temporarily_unavailable' }],
];
for (const [what, path, status, headers, body] of departing) {
  test(`docs/openapi.yaml does not allow ${what}`, () => {
    assert.notDeepEqual(contractViolations(path, status, headers, body === undefined ? '' : JSON.stringify(body)), []);
  });
}
