// What the Serverless Framework refuses, in one clear line.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { serverless } from '../setup/package.ts';

const ARN_OF_KC = 'arn:aws:secretsmanager:eu-central-1:123456789012:secret:kc-x1Y2z3';

type Run = { command?: string; replace?: Record<string, string> };

const refusals: [what: string, parameters: Record<string, string>, line: RegExp, run?: Run][] = [
  [
    'a setting that would stop the function stops the package',
    { settleSeconds: '11' },
    /^SETTLE_SECONDS is "11": set it to a number of seconds from 0 to 10 \(parameter settleSeconds\)$/m,
  ],
  [
    'a misspelled parameter stops the package, since its default would be used instead',
    { tabel: 'sessions' },
    /^There is no parameter tabel: serverless\.yml lists them all under params, default$/m,
  ],
  [
    'a parameter that CloudFormation would refuse stops the package',
    { throttleRate: 'high' },
    /^The parameter throttleRate is "high": set it to a number above 0$/m,
  ],
  [
    'a number of 0 stops the package where it would answer nobody',
    { throttleRate: '0' },
    /^The parameter throttleRate is "0": set it to a number above 0$/m,
  ],
  [
    'a parameter without a value stops the package, since its default would be used instead',
    {},
    /^The parameter table has no value: set it, or remove its line$/m,
    { replace: { '    logRetentionDays: 365\n': '    logRetentionDays: 365\n    table:\n' } },
  ],
  [
    'further stores that are written as YAML stop the package',
    {},
    /^The parameter moreStores is a list or an object: write it as JSON in single quotes$/m,
    { replace: { '    moreStores: none\n': '    moreStores: [{ table: web, layout: authjs }]\n' } },
  ],
  [
    'a table name that would widen the grants of the role stops the package',
    { table: 'sessions-*' },
    /^SESSIONS_TABLE: "sessions-\*" cannot be the name of a table in the policy of the function's role: use 3 to 255 .* \(parameter table\)$/m,
  ],
  [
    'a further store’s table name that would widen the grants of the role stops the package',
    { moreStores: '[{"table":"sessions-?","layout":"authjs"}]' },
    /^MORE_STORES: entry 1: "sessions-\?" cannot be the name of a table in the policy of the function's role: use 3 to 255 /m,
  ],
  [
    'a further store without a layout stops the package',
    { moreStores: '[{"table":"web","layout":"authjs"},{"table":"shop"}]' },
    /^MORE_STORES: entry 2 lacks the member "layout": add it \(parameter moreStores\)$/m,
  ],
  [
    'a further store in a table called own stops the package, and the line has the name to use',
    { moreStores: '[{"table":"own","layout":"authjs"}]' },
    /^MORE_STORES: entry 1: write auth-logout-user-dev-sessions instead of own \(parameter moreStores\)$/m,
  ],
  [
    'a further store that needs another key of our own table stops the package',
    { moreStores: '[{"table":"auth-logout-user-dev-sessions","layout":"authjs"}]' },
    /^MORE_STORES: entry 1: the key of the table auth-logout-user-dev-sessions is pk,sk here, and user_id,session_id in an earlier layout: put one of them in another table \(parameter moreStores\)$/m,
  ],
  [
    'an attribute name that IAM cannot take stops the package',
    {
      layout:
        '{"tableKey":["id"],"userKey":{"name":"id","type":"S","value":"{user_id}"},"expiry":{"name":"€","unit":"iso"}}',
    },
    /^SESSION_LAYOUT: "€" cannot be the name of an attribute in the policy of the function's role: use .* \(parameter layout\)$/m,
  ],
  [
    'a reserved concurrency that is not a number stops the package',
    { reservedConcurrency: 'many' },
    /^The parameter reservedConcurrency is "many": set it to none, or to a whole number$/m,
  ],
  [
    'a record for both routes stops the package: an ID token of the provider would pass as a caller’s',
    { records: 'crm, kc', openidProviders: 'keycloak,kc' },
    /^The parameters records and openidProviders both name kc: each needs its own record$/m,
  ],
  [
    'a record for both routes stops the package when one has its name and the other its ARN',
    { records: 'kc', openidProviders: ARN_OF_KC },
    /^The parameters records and openidProviders both name arn:aws:.*:secret:kc-x1Y2z3: each needs/m,
  ],
  [
    'a record for both routes stops the package when its two ARNs differ in their last six characters',
    { records: ARN_OF_KC.replace(/.{6}$/, 'a9B8c7'), openidProviders: ARN_OF_KC },
    /^The parameters records and openidProviders both name arn:aws:.*:secret:kc-x1Y2z3: each needs/m,
  ],
  [
    'a record for both routes stops the package when it is our own',
    { openidProviders: 'auth-logout-user-dev-validator' },
    /^The parameters records and openidProviders both name auth-logout-user-dev-validator: each needs/m,
  ],
  [
    'own as a provider’s record stops the package: only the provider knows its keys',
    { openidProviders: 'own' },
    /^The parameter openidProviders is "own": set it to none alone, or to names or ARNs of records that exist$/m,
  ],
  [
    'none beside a provider’s record stops the package: no record is called that',
    { openidProviders: 'none, kc' },
    /^The parameter openidProviders is "none, kc": set it to none alone, or to names or ARNs of records that exist$/m,
  ],
  [
    'own beside a caller’s record stops the package: no record is called that',
    { records: 'crm,own' },
    /^The parameter records is "crm,own": set it to own alone, or to names or ARNs of records that exist$/m,
  ],
  [
    'a record name that would let the providers’ role read other records stops the package',
    { openidProviders: 'kc*' },
    /^OPENID_PROVIDER_SECRET_IDS: "kc\*" cannot be the name of a record in the policy of the function's role: use 1 to 512 .* \(parameter openidProviders\)$/m,
  ],
  [
    'a provider’s record without a name stops the package',
    { openidProviders: 'kc,,web' },
    /^OPENID_PROVIDER_SECRET_IDS has an empty entry: remove the extra comma \(parameter openidProviders\)$/m,
  ],
  [
    'a deploy without credentials says that there are none',
    {},
    /^AWS provider credentials not found\./m,
    { command: 'deploy' },
  ],
];

const outcomes = await Promise.all(
  refusals.map(([, parameters, , { command = 'package', replace } = {}]) =>
    serverless(command, parameters, { bundle: false, replace }),
  ),
);

for (const [n, [what, , line]] of refusals.entries()) {
  test(what, () => {
    assert.equal(outcomes[n]?.code, 1);
    assert.match(outcomes[n].output, line);
    assert.doesNotMatch(outcomes[n].output, /^\s+at /m);
  });
}
