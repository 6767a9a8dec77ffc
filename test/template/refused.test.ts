// What the Serverless Framework refuses, in one clear line.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { serverless } from '../setup/package.ts';

const ARN_OF_KC = 'arn:aws:secretsmanager:eu-central-1:123456789012:secret:kc-x1Y2z3';

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
  [
    'so does the name of a further table, or of its index',
    { moreStores: '[{"table":"sessions-?","layout":"authjs"}]' },
    /^MORE_STORES: entry 1: "sessions-\?" cannot be the name of a table in the policy of the function's role$/m,
  ],
  [
    'a further store that is not whole stops the package',
    { moreStores: '[{"table":"web","layout":"authjs"},{"table":"shop"}]' },
    /^MORE_STORES: entry 2: a store lacks the member "layout": add it$/m,
  ],
  [
    'a further store in a table called own stops the package, and is told its name',
    { moreStores: '[{"table":"own","layout":"authjs"}]' },
    /^MORE_STORES: entry 1: name the table instead of own: auth-logout-user-dev-sessions$/m,
  ],
  [
    'a further store that needs another key of our own table stops the package',
    { moreStores: '[{"table":"auth-logout-user-dev-sessions","layout":"authjs"}]' },
    /^MORE_STORES: entry 1: the key of the table auth-logout-user-dev-sessions is pk,sk here, and user_id,session_id in a layout before it: another table has to hold one of them$/m,
  ],
  [
    'a record for both routes stops the package: an ID token of the provider would be a caller’s order',
    { records: 'crm, kc', openidProviders: 'keycloak,kc' },
    /^The parameters records and openidProviders both name kc: each needs one of its own$/m,
  ],
  [
    'so does one that is named here and called by its ARN there',
    { records: 'kc', openidProviders: ARN_OF_KC },
    /^The parameters records and openidProviders both name arn:aws:.*:secret:kc-x1Y2z3: each needs/m,
  ],
  [
    'so do two ARNs of one name: their last six characters alone tell them apart',
    { records: ARN_OF_KC.replace(/.{6}$/, 'a9B8c7'), openidProviders: ARN_OF_KC },
    /^The parameters records and openidProviders both name arn:aws:.*:secret:kc-x1Y2z3: each needs/m,
  ],
  [
    'so does our own record',
    { openidProviders: 'auth-logout-user-dev-validator' },
    /^The parameters records and openidProviders both name auth-logout-user-dev-validator: each needs/m,
  ],
  [
    'no record of a provider can be our own: only the provider knows its keys',
    { openidProviders: 'own' },
    /^The parameter openidProviders is "own": set it to none alone, or to names or ARNs of records that are there already$/m,
  ],
  [
    'none beside a provider’s record stops the package: it is no record’s name',
    { openidProviders: 'none, kc' },
    /^The parameter openidProviders is "none, kc": set it to none alone, or to names or ARNs of records that are there already$/m,
  ],
  [
    'own beside a caller’s record stops the package: no record is called so',
    { records: 'crm,own' },
    /^The parameter records is "crm,own": set it to own alone, or to names or ARNs of records that are there already$/m,
  ],
  [
    'a name that would let the second role at other records stops the package',
    { openidProviders: 'kc*' },
    /^"kc\*" cannot be the name of a record in the policy of the function's role$/m,
  ],
  [
    'a provider’s record without a name stops the package',
    { openidProviders: 'kc,,web' },
    /^OPENID_PROVIDER_SECRET_IDS has an empty entry: remove the extra comma$/m,
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
