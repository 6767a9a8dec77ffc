// Every answer of every test in this folder is checked against docs/openapi.yaml too: see setup/lambda.ts.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Validator } from '@seriousme/openapi-schema-validator';
import { departures, openapi } from '../setup/openapi.ts';

test('is a valid OpenAPI 3.1 description', async () => {
  const validator = new Validator();
  const { valid, errors } = await validator.validate(structuredClone(openapi));
  assert.equal(valid, true, JSON.stringify(errors));
  assert.equal(validator.version, '3.1');
});

const JSON_HEADERS = { 'content-type': 'application/json', 'cache-control': 'no-store' };
const RESULT = { jsonrpc: '2.0', id: 1, result: true };

test('describes the answer of a logout', () => {
  assert.deepEqual(departures(200, JSON_HEADERS, RESULT), []);
});

const departing: [string, Parameters<typeof departures>][] = [
  ['another status', [418, JSON_HEADERS, RESULT]],
  ['a missing header', [200, { 'content-type': 'application/json' }, RESULT]],
  ['a header too many', [200, { ...JSON_HEADERS, 'x-powered-by': 'x' }, RESULT]],
  ['a wrong header', [200, { ...JSON_HEADERS, 'cache-control': 'public' }, RESULT]],
  ['a wrong content type', [200, { ...JSON_HEADERS, 'content-type': 'text/html' }, RESULT]],
  ['a member too many', [200, JSON_HEADERS, { ...RESULT, more: 1 }]],
  ['a result that is no boolean', [200, JSON_HEADERS, { ...RESULT, result: 1 }]],
  [
    'a code of another status',
    [404, JSON_HEADERS, { jsonrpc: '2.0', id: null, error: { code: -32001, message: 'x' } }],
  ],
  [
    'a 401 without a challenge',
    [401, JSON_HEADERS, { jsonrpc: '2.0', id: null, error: { code: -32001, message: 'x' } }],
  ],
];
for (const [what, answer] of departing) {
  test(`does not describe ${what}`, () => {
    assert.notDeepEqual(departures(...answer), []);
  });
}
