// What the Serverless Framework refuses, in one clear line.
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parse } from 'yaml';
import { checkRegion, readParameters } from '../../lib/deploy/parameters.ts';
import { checkPatternTime } from '../../lib/deploy/pattern_time.ts';
import { LIBRARY_USER_IDS } from '../../lib/sessions/known_layouts.ts';
import type { Store } from '../../lib/sessions/store.ts';
import { readLayout } from '../../lib/settings/layout.ts';
import { readUserIdPattern } from '../../lib/settings/user_id_pattern.ts';
import { type Outcome, serverless } from '../setup/package.ts';

const ARN_OF_KC = 'arn:aws:secretsmanager:us-east-1:123456789012:secret:kc-x1Y2z3';

type Run = { command?: string; stage?: string; replace?: Record<string, string> };

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
    'a record for two of the other routes stops the package, too',
    { revocationIssuers: 'okta, kc', eventTransmitters: 'kc' },
    /^The parameters revocationIssuers and eventTransmitters both name kc: each needs its own record$/m,
  ],
  [
    'a record for both routes stops the package when its ARN lacks the six characters, and its name ends like them',
    { openidProviders: 'my-record', revocationIssuers: ARN_OF_KC.replace(/kc-.{6}$/, 'my-record') },
    /^The parameters openidProviders and revocationIssuers both name arn:aws:.*:secret:my-record: each needs/m,
  ],
  [
    'own as a transmitter’s record stops the package: only the transmitter knows its keys',
    { eventTransmitters: 'own' },
    /^The parameter eventTransmitters is "own": set it to none alone, or to names or ARNs of records that exist$/m,
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
    'a value of two lines stops the package, since the framework reads the first only',
    { records: 'crm,\nerp' },
    /^The parameter records has a line feed: write it in one line, since the framework reads no further$/m,
  ],
  [
    'a record in another region stops the package',
    { records: `crm, ${ARN_OF_KC}` },
    /^The parameter records has arn:aws:secretsmanager:us-east-1:.*:kc-x1Y2z3, which is not in eu-north-1, where the function is deployed: use one there$/m,
    { replace: { "'us-east-1'}": "'eu-north-1'}" } },
  ],
  [
    'a reserved concurrency of 0 stops the package, since the function would be off',
    { reservedConcurrency: '0' },
    /^The parameter reservedConcurrency is 0, which turns the function off: set it to none, or to a number above 0$/m,
  ],
  [
    'records that are a list of YAML stop the package',
    {},
    /^The parameter records is a list or an object: write it as text, comma separated$/m,
    { replace: { '    records: own\n': '    records: [crm, erp]\n' } },
  ],
  [
    'days of logs that CloudWatch does not know stop the package, and the line lists the others',
    { logRetentionDays: '100' },
    /^The parameter logRetentionDays is "100": set it to one of 1, 3, 5, 7, .*, 90, 120, .*, 3653$/m,
  ],
  [
    'a list of days of logs stops the package',
    {},
    /^The parameter logRetentionDays is a list or an object: write it as one value$/m,
    { stage: 'prod', replace: { '    logRetentionDays: 365\n': '    logRetentionDays: [365]\n' } },
  ],
  [
    'less memory than a function can have stops the package',
    { memory: '64' },
    /^The parameter memory is "64": set it to a whole number of MB from 128 to 10240$/m,
  ],
  [
    'a default endpoint that is neither on nor off stops the package',
    { disableDefaultEndpoint: 'yes' },
    /^The parameter disableDefaultEndpoint is "yes": set it to true or false$/m,
  ],
  [
    'a stage that differs from a known one in case only stops the package',
    {},
    /^The stage Prod has no parameters, but prod has: use --stage prod, or rename one of them$/m,
    { stage: 'Prod' },
  ],
  [
    'a stage with which a function’s name is too long stops the package',
    {},
    /^The stage s{36} is too long for auth-logout-user-s{36}-logout_user, the name of a function: use a stage of at most 35 characters$/m,
    { stage: 's'.repeat(36) },
  ],
  [
    'a stage that is too long for the second function stops the package',
    { openidProviders: 'kc' },
    /^The stage s{29} is too long for auth-logout-user-s{29}-backchannel_logout, .*: use a stage of at most 28 characters$/m,
    { stage: 's'.repeat(29) },
  ],
  [
    'a stage that is too long for the function of a service with a longer name stops the package',
    {},
    /^The stage s{31} is too long for auth-logout-user-shop-s{31}-logout_user, .*: use a stage of at most 30 characters$/m,
    { stage: 's'.repeat(31), replace: { 'service: auth-logout-user': 'service: auth-logout-user-shop' } },
  ],
  [
    'a trailing comma in JSON stops the package, and the line says where it is',
    { moreStores: '[{"table":"web","layout":"authjs",}]' },
    /^MORE_STORES: this is not valid JSON: .* at position 34 .*; correct its quotes, commas and brackets \(parameter moreStores\)$/m,
  ],
  [
    'a pattern that takes exponential time stops the package, and the line says where it does',
    { userIdPattern: '([a-z0-9]+[._-]?)+@corp\\.example' },
    /^USER_ID_PATTERN: takes exponential time at "\[a-z0-9\]", so that one id could block the function: .* \(parameter userIdPattern\)$/m,
  ],
  [
    'a further store’s pattern that takes exponential time stops the package',
    { moreStores: '[{"table":"web","layout":"authjs"},{"table":"shop","layout":"lucia","userIdPattern":"(a|aa)+"}]' },
    /^MORE_STORES: entry 2: userIdPattern: takes exponential time at "a", .* \(parameter moreStores\)$/m,
  ],
  [
    'a deploy without credentials says that there are none',
    {},
    /^AWS provider credentials not found\./m,
    { command: 'deploy' },
  ],
];

const outcomes: Outcome[] = [];
const queue = refusals.entries();
const runSome = async () => {
  for (const [n, [, parameters, , { command = 'package', stage, replace } = {}]] of queue)
    outcomes[n] = await serverless(command, parameters, { bundle: false, stage, replace });
};
await Promise.all([runSome(), runSome(), runSome()]);

for (const [n, [what, , line]] of refusals.entries()) {
  test(what, () => {
    assert.equal(outcomes[n]?.code, 1);
    assert.match(outcomes[n].output, line);
    assert.doesNotMatch(outcomes[n].output, /^\s+at /m);
  });
}

const PARAMS = parse(readFileSync('serverless.yml', 'utf8')).params;
const ELSEWHERE = 'eu-west-1:123456789012';

for (const [what, option] of [
  ['a carriage return', 'kmsKey=none,\rx'],
  ['an empty first line', 'records=\ncrm'],
  ['JSON in several lines', 'moreStores=[\n]'],
  ['a line separator', 'table=a\u2028b'],
] as const) {
  test(`${what} in a parameter stops the package`, () => {
    const line = /^The parameter \w+ has a line feed: write it in one line, since the framework reads no further$/;
    assert.throws(() => readParameters(PARAMS, 'dev', [option]), { message: line });
  });
}

test('a line feed at the end of a parameter is ignored, as the framework does', () => {
  assert.equal(readParameters(PARAMS, 'dev', ['table=web\r\n']).table, 'web');
});

for (const [parameter, value] of [
  ['openidProviders', `kc,arn:aws:secretsmanager:${ELSEWHERE}:secret:web-x1Y2z3`],
  ['alarmTopic', `arn:aws:sns:${ELSEWHERE}:on-call`],
  ['kmsKey', `arn:aws:kms:eu-north-1:123456789012:key/1-a, arn:aws:kms:${ELSEWHERE}:key/2-b`],
] as const) {
  test(`the ARN of another region in ${parameter} stops the package`, () => {
    const parameters = readParameters(PARAMS, 'dev', [`${parameter}=${value}`]);
    const line = new RegExp(
      `^The parameter ${parameter} has arn:aws:\\w+:${ELSEWHERE}:\\S+, which is not in eu-north-1, `,
    );
    assert.throws(() => checkRegion(parameters, 'eu-north-1'), { message: line });
    checkRegion(readParameters(PARAMS, 'dev', [`${parameter}=${value.replace('west', 'north')}`]), 'eu-north-1');
  });
}

for (const [parameter, values] of Object.entries({
  logRetentionDays: ['0', '-1', '366', '3,5', 'none', '90 days'],
  memory: ['127', '10241', '512.5', '1e3', '512MB', 'none'],
  disableDefaultEndpoint: ['True', '1', 'none'],
})) {
  test(`${parameter} is refused when it is ${values.join(' or ')}`, () => {
    const message = new RegExp(`^The parameter ${parameter} is ".*": set it to `);
    for (const value of values)
      assert.throws(() => readParameters(PARAMS, 'dev', [`${parameter}=${value}`]), { message }, value);
  });
}

for (const stage of ['PROD', 'Default']) {
  test(`the stage ${stage} is refused, since its parameters are written in another case`, () => {
    assert.throws(() => readParameters(PARAMS, stage, []), { message: /^The stage \w+ has no parameters, but / });
  });
}

test('every pattern in the docs, and each layout’s own, takes no exponential time', () => {
  const docs = globSync('docs/*.md').flatMap((file) => readFileSync(file, 'utf8').split('\n'));
  const lines = docs.filter((line) => /userIdPattern|sub_pattern|^\| (UUID|MongoDB|email|Auth0) /.test(line));
  const quoted = lines.flatMap((line) => line.match(/(?<=[`'"])[^`'"\s]*\[[^`'"\s]+\][^`'"\s]*(?=[`'"])/g) ?? []);
  const patterns = quoted.map((text) => text.replaceAll('\\|', '|')).filter((text) => text !== String.raw`[\w-\.]+`);
  assert.ok(patterns.length >= 8, patterns.join('\n'));
  checkPatternTime([...patterns, ...Object.values(LIBRARY_USER_IDS)].map(newStore));
});

for (const pattern of ['(a+)+', '(\\w+\\.?)*@x', '(\\p{L}+\\s?)+', '(a{1,20}){1,20}b', '(?=(a+)+b)a+']) {
  test(`the pattern ${pattern} is refused: it takes exponential time`, () => {
    assert.throws(() => checkPatternTime([newStore(pattern)]), {
      message: /^USER_ID_PATTERN: takes exponential time at /,
    });
  });
}

function newStore(pattern: string): Store {
  return { table: 'web', layout: readLayout('default'), userIdPattern: readUserIdPattern(pattern) };
}
