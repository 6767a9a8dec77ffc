// What the Serverless Framework refuses, in one clear line.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { serverless } from '../setup/package.ts';

const refusals: [what: string, parameters: Record<string, string>, line: RegExp, command?: string][] = [
  [
    'a setting that would stop the function stops the package',
    { settleSeconds: '11' },
    /^SETTLE_SECONDS is "11": set it to a number of seconds from 0 to 10$/m,
  ],
  [
    'a parameter that is misspelled stops the package: its default would be another table',
    { tabel: 'sessions' },
    /^There is no parameter tabel: serverless\.yml has them all under params, default$/m,
  ],
  [
    'a parameter that CloudFormation would refuse stops the package',
    { throttleRate: 'high' },
    /^The parameter throttleRate is "high": set it to a number$/m,
  ],
  [
    'a name that would widen the grants of the role stops the package',
    { table: 'sessions-*' },
    /^"sessions-\*" cannot be the name of a table in the policy of the function's role$/m,
  ],
  ['a deploy without credentials says that there are none', {}, /^AWS provider credentials not found\./m, 'deploy'],
];

const outcomes = await Promise.all(
  refusals.map(([, parameters, , command = 'package']) => serverless(command, parameters, { bundle: false })),
);

for (const [n, [what, , line]] of refusals.entries()) {
  test(what, () => {
    assert.equal(outcomes[n]?.code, 1);
    assert.match(outcomes[n].output, line);
    assert.doesNotMatch(outcomes[n].output, /^\s+at /m);
  });
}
