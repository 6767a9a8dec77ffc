// What the parameters of the optional routes add to the package and the template. test/template/grants.test.ts has the
// roles.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { unzipSync } from 'fflate';
import { formEvent, pushEvent } from '../setup/events.ts';
import { coldStart, FUNCTIONS, type FunctionName } from '../setup/lambda.ts';
import { type Package, packageService, propertiesOf, resourcesOf } from '../setup/package.ts';
import { account as accountAtOkta, newOrganisation, revocationToken } from '../setup/revocation.ts';
import { startAws } from '../setup/route.ts';
import { account, CAEP, newTransmitter, securityEventToken } from '../setup/security_event.ts';
import { createTable, newSessions, putItems, sessionsLeft } from '../setup/tables.ts';
import { newLogoutClaims, newProvider, type Provider, signLogoutToken, storeRecord } from '../setup/tokens.ts';
import { runUnzipped } from '../setup/zip.ts';
import { faultsOf } from './cloudformation.ts';
import { statementsOf } from './iam.ts';
import { dashboardOf, metricsOfAlarms, metricsOfDashboard, metricsWritten } from './metrics.ts';

type OptionalRoute = {
  name: FunctionName;
  parameter: string;
  throttle: [rate: string, burst: string];
  logicalId: string;
  role: string;
  /** Of the names of its alarms. */
  prefix: string;
  sender: Provider;
  /** A request that logs user 3 out, and the status of its answer. */
  event: (sender: Provider) => Promise<unknown>;
  status: string;
};
const ROUTES: OptionalRoute[] = [
  {
    name: 'backchannel_logout',
    parameter: 'openidProviders',
    throttle: ['openidThrottleRate', 'openidThrottleBurst'],
    logicalId: 'BackchannelUnderscorelogoutLambdaFunction',
    role: 'BackchannelLogoutRole',
    prefix: 'backchannel',
    sender: newProvider(),
    event: async (sender) => formEvent(`logout_token=${await signLogoutToken(sender, newLogoutClaims('3'))}`),
    status: '200',
  },
  {
    name: 'global_token_revocation',
    parameter: 'revocationIssuers',
    throttle: ['revocationThrottleRate', 'revocationThrottleBurst'],
    logicalId: 'GlobalUnderscoretokenUnderscorerevocationLambdaFunction',
    role: 'GlobalTokenRevocationRole',
    prefix: 'revocation',
    sender: newOrganisation(),
    event: async (sender) => {
      const headers = { authorization: `Bearer ${await revocationToken(sender)}` };
      return pushEvent('/auth/global_token_revocation', headers, JSON.stringify({ sub_id: accountAtOkta('3') }));
    },
    status: '204',
  },
  {
    name: 'security_events',
    parameter: 'eventTransmitters',
    throttle: ['eventThrottleRate', 'eventThrottleBurst'],
    logicalId: 'SecurityUnderscoreeventsLambdaFunction',
    role: 'SecurityEventsRole',
    prefix: 'events',
    sender: newTransmitter(),
    event: async (sender) => {
      const events = { [`${CAEP}/session-revoked`]: { subject: account('3') } };
      return pushEvent('/auth/security_events', {}, await securityEventToken(sender, events));
    },
    status: '202',
  },
];
const TRACE = /backchannel|openid|revocation|okta|security.?event|transmitter/i;
const TOPIC = 'arn:aws:sns:us-east-1:123456789012:on-call';
/** The two records of a route: one by its name, and one by its ARN. */
const recordsOf = ({ name }: OptionalRoute) => {
  const byName = name.replaceAll('_', '-');
  return { byName, byArn: `arn:aws:secretsmanager:us-east-1:123456789012:secret:${byName}-2-x1Y2z3` };
};

const [none, some] = await Promise.all([
  packageService(),
  packageService({
    ...Object.fromEntries(
      ROUTES.flatMap((route, n) => [
        [route.parameter, Object.values(recordsOf(route)).join(', ')],
        [route.throttle[0], `${7 + n}`],
        [route.throttle[1], `${70 + n}`],
      ]),
    ),
    alarmTopic: TOPIC,
    reservedConcurrency: '20',
    settleSeconds: '2',
  }),
]);
const { template } = some;
const alarms = Object.values(resourcesOf(template, 'AWS::CloudWatch::Alarm')).map(({ Properties }) => Properties);
/** A package where only the stage prod has providers and a topic. */
function packageOfProd(stage: string, parameters = {}) {
  const line = '    logRetentionDays: 365\n';
  const replace = { [line]: `${line}    openidProviders: kc\n    alarmTopic: ${TOPIC}\n` };
  return packageService(parameters, { stage, bundle: false, replace });
}
const [prod, dev, overruled] = await Promise.all([
  packageOfProd('prod'),
  packageOfProd('dev'),
  packageOfProd('prod', { openidProviders: 'none' }),
]);

/** The one file that a function's zip holds. */
function bundleOf(archives: Record<string, Buffer>, name: string): Uint8Array {
  const files = unzipSync(archives[name] ?? assert.fail(`no ${name}`));
  assert.deepEqual(Object.keys(files), [`functions/${name}.mjs`]);
  return files[`functions/${name}.mjs`] ?? assert.fail();
}

describe('without records for them', () => {
  test('the template has no trace of the optional routes', () => {
    assert.doesNotMatch(JSON.stringify(none.template), TRACE);
    assert.deepEqual(Object.keys(none.archives), ['logout_user']);
  });

  test('logout_user and its role are the same with and without the optional routes, byte for byte', () => {
    assert.deepEqual(statementsOf(none.template), statementsOf(template));
    const { Code: _, ...without } = propertiesOf(none.template, 'LogoutUnderscoreuserLambdaFunction');
    const { Code: __, ...withThem } = propertiesOf(template, 'LogoutUnderscoreuserLambdaFunction');
    const Variables = { SETTLE_SECONDS: '2' };
    const Environment = merged(without.Environment, Variables);
    assert.deepEqual(withThem, { ...without, Environment, ReservedConcurrentExecutions: 20 });
    assert.deepEqual(bundleOf(none.archives, 'logout_user'), bundleOf(some.archives, 'logout_user'));
  });
});

describe('with records of one stage', () => {
  test('a parameter of one stage counts for that stage alone, and one of the command line before it', () => {
    const rolesOf = ({ template }: Package) => Object.keys(resourcesOf(template, 'AWS::IAM::Role')).sort();
    assert.deepEqual([prod, dev, overruled].map(rolesOf), [
      ['BackchannelLogoutRole', 'LogoutRole'],
      ['LogoutRole'],
      ['LogoutRole'],
    ]);
    for (const { Properties } of Object.values(resourcesOf(overruled.template, 'AWS::CloudWatch::Alarm')))
      assert.deepEqual(Properties.AlarmActions, [TOPIC]);
  });
});

describe('with records for all of them', () => {
  test('the package is made without a warning, and has a zip for each function', () => {
    assert.doesNotMatch(some.output, /warn|deprecat|error/i);
    assert.deepEqual(Object.keys(some.archives).sort(), Object.keys(FUNCTIONS).sort());
  });

  test('the template has no error, and no warning that is not explained', () => {
    assert.deepEqual(faultsOf([some.templateFile]), []);
  });

  test('each route has its own throttle, which is set after the route exists', () => {
    const routes = Object.entries(resourcesOf(template, 'AWS::ApiGatewayV2::Route'));
    const { RouteSettings, DefaultRouteSettings } = propertiesOf(template, 'HttpApiStage');
    const expected = ROUTES.map(({ name }, n) => [
      `POST ${FUNCTIONS[name].path}`,
      { ThrottlingRateLimit: 7 + n, ThrottlingBurstLimit: 70 + n },
    ]);
    assert.deepEqual(RouteSettings, Object.fromEntries(expected));
    assert.deepEqual(DefaultRouteSettings, { ThrottlingRateLimit: 50, ThrottlingBurstLimit: 100 });
    const ids = expected.map(([key]) => routes.find(([, { Properties }]) => Properties.RouteKey === key)?.[0]);
    assert.equal(routes.length, 4);
    assert.partialDeepStrictEqual(template.Resources.HttpApiStage, { DependsOn: ['HttpApiLogGroup', ...ids] });
  });

  test('the log of each function is kept as long as the other logs', () => {
    const groups = Object.values(resourcesOf(template, 'AWS::Logs::LogGroup'));
    assert.deepEqual(
      groups.map(({ Properties }) => Properties.RetentionInDays),
      [90, 90, 90, 90, 90],
    );
  });

  test('the dashboard shows every alarm', () => {
    for (const id of Object.keys(resourcesOf(template, 'AWS::CloudWatch::Alarm')))
      assert.ok(dashboardOf(template).includes(`\${${id}.Arn}`), `${id} is shown`);
  });

  test('five accounts in an hour that are linked to no user raise an alarm, unless one was linked', () => {
    const [alarm] = alarms.filter(({ AlarmName }) => String(AlarmName).endsWith('-backchannel-no-account'));
    type Math = {
      Id: string;
      Expression?: string;
      MetricStat?: { Period: number; Metric: { Dimensions: Dimension[] } };
    };
    type Dimension = { Name: string; Value: unknown };
    const metrics: Math[] = JSON.parse(JSON.stringify(alarm?.Metrics));
    for (const { Id, MetricStat } of metrics.slice(0, -1)) {
      assert.equal(MetricStat?.Period, 3600);
      assert.ok(MetricStat.Metric.Dimensions.some(({ Name, Value }) => Name === 'outcome' && Value === Id));
    }
    const [, condition = ''] = metrics.at(-1)?.Expression?.match(/^IF\((.*), 1, 0\)$/) ?? [];
    const code = condition.replaceAll(/FILL\((\w+), 0\)/g, '($1 ?? 0)').replaceAll('AND', '&&');
    const isRaised = new Function('{ no_account, logged_out, no_live_session }', `return ${code}`);
    assert.equal(isRaised({ no_account: 5 }), true);
    assert.equal(isRaised({ no_account: 4 }), false);
    assert.equal(isRaised({}), false);
    assert.equal(isRaised({ no_account: 50, logged_out: 1 }), false);
    assert.equal(isRaised({ no_account: 50, no_live_session: 1 }), false);
  });
});

for (const route of ROUTES) {
  const { name, logicalId, role, prefix } = route;
  const { byName, byArn } = recordsOf(route);
  describe(name, () => {
    const own = alarms.filter(({ AlarmName }) => String(AlarmName).startsWith(`auth-logout-user-dev-${prefix}-`));

    test(`the packaged ${name} logs a user out by itself, in an empty folder`, async () => {
      const environment = await startAws();
      const table = await createTable('default');
      await putItems(table, newSessions('3', 3));
      const records = { [FUNCTIONS[name].records]: await storeRecord(route.sender.record) };
      const env = { ...environment, SESSIONS_TABLE: table, ...records };
      bundleOf(some.archives, name);
      const zip = some.archives[name] ?? assert.fail();
      assert.equal(await runUnzipped(zip, env, await route.event(route.sender), name), route.status);
      assert.equal(await sessionsLeft(table, '3'), 0);
    });

    test(`${name} gets only the names of its own records, and does not settle`, () => {
      assert.partialDeepStrictEqual(propertiesOf(template, logicalId), {
        Handler: `functions/${name}.handler`,
        Runtime: 'nodejs24.x',
        Architectures: ['arm64'],
        Timeout: 25,
        MemorySize: 512,
        ReservedConcurrentExecutions: 20,
        TracingConfig: { Mode: 'Active' },
        LoggingConfig: { LogFormat: 'JSON' },
        Role: { 'Fn::GetAtt': [role, 'Arn'] },
      });
      assert.deepEqual(propertiesOf(template, logicalId).Environment, {
        Variables: {
          SESSIONS_TABLE: 'auth-logout-user-dev-sessions',
          SESSION_LAYOUT: 'default',
          MORE_STORES: 'none',
          [FUNCTIONS[name].records]: `${byName}, ${byArn}`,
          VALIDATOR_MAX_AGE_SECONDS: '300',
          USER_ID_PATTERN: '0|[1-9][0-9]{0,18}',
          AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: 'true',
        },
      });
    });

    test(`${name} may read its own records and no other`, () => {
      const { Resource } = statementsOf(template, role).find(({ Sid }) => Sid === 'ReadRecords') ?? {};
      const here = `arn:\${AWS::Partition}:secretsmanager:\${AWS::Region}:\${AWS::AccountId}:secret:${byName}-??????`;
      assert.deepEqual(Resource, [{ 'Fn::Sub': here }, byArn]);
    });

    test(`alarms of ${name} go off for errors, 503s, refused user ids and tokens; each has a chapter`, () => {
      const outcomes = own.flatMap(
        ({ Dimensions = [] }) => JSON.stringify(Dimensions).match(/"outcome","Value":"(\w+)"/)?.[1] ?? [],
      );
      // At the route for providers anybody may send what cannot be read; at the others the token is verified first.
      const refused = name === 'backchannel_logout' ? [] : ['invalid_request'];
      assert.deepEqual(outcomes, ['internal', 'unavailable', 'user_id_not_accepted', ...refused]);
      const requests = outcomes.map(() => 'requests');
      assert.deepEqual(
        own.map(({ MetricName = 'an expression' }) => MetricName),
        ['Errors', 'Throttles', ...requests, 'an expression', 'rejections'],
      );
      const guide = readFileSync('docs/operations.md', 'utf8');
      for (const { AlarmName, TreatMissingData, AlarmActions, OKActions } of own) {
        assert.match(guide, new RegExp(`^### ${String(AlarmName).replace('auth-logout-user-dev-', '')}$`, 'm'));
        assert.deepEqual([TreatMissingData, AlarmActions, OKActions], ['notBreaching', [TOPIC], [TOPIC]]);
      }
    });

    test(`the alarms of ${name} watch it alone, by metrics that it writes`, async () => {
      for (const { Dimensions, Metrics } of own)
        assert.match(JSON.stringify(Dimensions ?? Metrics), new RegExp(`{"Ref":"${logicalId}"}`));
      const lambda = await coldStart({ SESSIONS_TABLE: 'none', [FUNCTIONS[name].records]: 'none' }, name);
      const written = metricsWritten((await lambda.send({})).audit);
      const isOwn = (metric: string) => metric.startsWith('auth-logout-user ');
      for (const metrics of [metricsOfAlarms(template), metricsOfDashboard(template)])
        assert.deepEqual(
          metrics.filter((metric) => isOwn(metric) && !written.includes(metric)),
          [],
        );
    });

    test(`the dashboard shows the outcomes and the rejections of ${name}`, () => {
      const lines = dashboardOf(template)
        .split('\n')
        .filter((line) => line.includes(logicalId));
      assert.deepEqual(
        lines.map((line) => line.match(/MetricName=\\"(\w+)\\"/)?.[1]),
        ['requests', 'rejections'],
      );
    });
  });
}

function merged(environment: unknown, more: Record<string, string>): unknown {
  const { Variables }: { Variables: Record<string, string> } = JSON.parse(JSON.stringify(environment));
  return { Variables: { ...Variables, ...more } };
}
