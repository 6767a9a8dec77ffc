// What the Serverless Framework refuses, in one clear line.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { serverless } from '../local/package.ts';

const [setting, misspelled, number, wildcard, deploy] = await Promise.all([
  serverless('package', { settleSeconds: '11' }, { bundle: false }),
  serverless('package', { tabel: 'sessions' }, { bundle: false }),
  serverless('package', { throttleRate: 'high' }, { bundle: false }),
  serverless('package', { table: 'sessions-*' }, { bundle: false }),
  serverless('deploy', {}, { bundle: false }),
]);

test('a setting that would stop the function stops the package', () => {
  assert.equal(setting.code, 1);
  assert.match(setting.output, /^SETTLE_SECONDS is "11": set it to a number of seconds from 0 to 10$/m);
  assert.doesNotMatch(setting.output, /^\s+at /m);
});

test('a parameter that is misspelled stops the package: its default would be another table', () => {
  assert.equal(misspelled.code, 1);
  assert.match(misspelled.output, /^There is no parameter tabel: serverless\.yml has them all under params, default$/m);
  assert.doesNotMatch(misspelled.output, /^\s+at /m);
});

test('a parameter that CloudFormation would refuse stops the package', () => {
  assert.equal(number.code, 1);
  assert.match(number.output, /^The parameter throttleRate is "high": set it to a number$/m);
  assert.doesNotMatch(number.output, /^\s+at /m);
});

test('a name that would widen the grants of the role stops the package', () => {
  assert.equal(wildcard.code, 1);
  assert.match(wildcard.output, /^"sessions-\*" cannot be the name of a table in the policy of the function's role$/m);
  assert.doesNotMatch(wildcard.output, /^\s+at /m);
});

test('a deploy without credentials says that there are none', () => {
  assert.equal(deploy.code, 1);
  assert.match(deploy.output, /^AWS provider credentials not found\./m);
  assert.doesNotMatch(deploy.output, /^\s+at /m);
});
