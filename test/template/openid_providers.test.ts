// What the parameter `openidProviders` adds to the package and the template. test/template/grants.test.ts has the role.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { unzipSync } from 'fflate';
import { formEvent } from '../setup/events.ts';
import { coldStart } from '../setup/lambda.ts';
import { type Package, packageService, propertiesOf, resourcesOf } from '../setup/package.ts';
import { startAws } from '../setup/route.ts';
import { createTable, newSessions, putItems, sessionsLeft } from '../setup/tables.ts';
import { newLogoutClaims, newProvider, signLogoutToken, storeRecord } from '../setup/tokens.ts';
import { runUnzipped } from '../setup/zip.ts';
import { faultsOf } from './cloudformation.ts';
import { statementsOf } from './iam.ts';
import { dashboardOf, metricsOfAlarms, metricsOfDashboard, metricsWritten } from './metrics.ts';

const FUNCTION = 'BackchannelUnderscorelogoutLambdaFunction';
const ROUTE = 'POST /auth/backchannel_logout';
const ARN = 'arn:aws:secretsmanager:us-east-1:123456789012:secret:kc-x1Y2z3';
const TOPIC = 'arn:aws:sns:us-east-1:123456789012:on-call';

const [none, some] = await Promise.all([
  packageService(),
  packageService({
    openidProviders: `keycloak, ${ARN}`,
    openidThrottleRate: '7',
    openidThrottleBurst: '9',
    alarmTopic: TOPIC,
    reservedConcurrency: '20',
    settleSeconds: '2',
  }),
]);
const { template } = some;
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

describe('without providers', () => {
  test('the template has no trace of the route for OpenID providers when there are none', () => {
    assert.doesNotMatch(JSON.stringify(none.template), /backchannel|openid/i);
    assert.deepEqual(Object.keys(none.archives), ['logout_user']);
  });

  test('logout_user and its role are the same with and without OpenID providers, byte for byte', () => {
    assert.deepEqual(statementsOf(none.template), statementsOf(template));
    const { Code: _, ...without } = propertiesOf(none.template, 'LogoutUnderscoreuserLambdaFunction');
    const { Code: __, ...withThem } = propertiesOf(template, 'LogoutUnderscoreuserLambdaFunction');
    const Variables = { SETTLE_SECONDS: '2' };
    const Environment = merged(without.Environment, Variables);
    assert.deepEqual(withThem, { ...without, Environment, ReservedConcurrentExecutions: 20 });
    assert.deepEqual(bundleOf(none.archives, 'logout_user'), bundleOf(some.archives, 'logout_user'));
  });
});

describe('with providers of one stage', () => {
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

describe('with providers, the package', () => {
  test('the package with OpenID providers is made without a warning, and has a zip for each function', () => {
    assert.doesNotMatch(some.output, /warn|deprecat|error/i);
    assert.deepEqual(Object.keys(some.archives).sort(), ['backchannel_logout', 'logout_user']);
    bundleOf(some.archives, 'backchannel_logout');
  });

  test('the packaged backchannel_logout logs a user out by itself, in an empty folder', async () => {
    const environment = await startAws();
    const provider = newProvider();
    const table = await createTable('default');
    await putItems(table, newSessions('3', 3));
    const OPENID_PROVIDER_SECRET_IDS = await storeRecord(provider.record);
    const env = { ...environment, SESSIONS_TABLE: table, OPENID_PROVIDER_SECRET_IDS };
    const event = formEvent(`logout_token=${await signLogoutToken(provider, newLogoutClaims('3'))}`);
    const { backchannel_logout: zip = assert.fail() } = some.archives;
    assert.equal(await runUnzipped(zip, env, event, 'backchannel_logout'), '200');
    assert.equal(await sessionsLeft(table, '3'), 0);
  });
});

describe('with providers, the template', () => {
  test('the template with OpenID providers has no error, and no warning that is not explained', () => {
    assert.deepEqual(faultsOf([some.templateFile]), []);
  });

  test('backchannel_logout gets only the names of the providers’ records, and does not settle', () => {
    assert.partialDeepStrictEqual(propertiesOf(template, FUNCTION), {
      Handler: 'functions/backchannel_logout.handler',
      Runtime: 'nodejs24.x',
      Architectures: ['arm64'],
      Timeout: 25,
      MemorySize: 512,
      ReservedConcurrentExecutions: 20,
      TracingConfig: { Mode: 'Active' },
      LoggingConfig: { LogFormat: 'JSON' },
      Role: { 'Fn::GetAtt': ['BackchannelLogoutRole', 'Arn'] },
    });
    assert.deepEqual(propertiesOf(template, FUNCTION).Environment, {
      Variables: {
        SESSIONS_TABLE: 'auth-logout-user-dev-sessions',
        SESSION_LAYOUT: 'default',
        MORE_STORES: 'none',
        OPENID_PROVIDER_SECRET_IDS: `keycloak, ${ARN}`,
        VALIDATOR_MAX_AGE_SECONDS: '300',
        USER_ID_PATTERN: '0|[1-9][0-9]{0,18}',
        AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: 'true',
      },
    });
  });

  test('the route for OpenID providers has its own throttle, which is set after the route exists', () => {
    const routes = Object.entries(resourcesOf(template, 'AWS::ApiGatewayV2::Route'));
    const [route] = routes.find(([, { Properties }]) => Properties.RouteKey === ROUTE) ?? assert.fail();
    assert.equal(routes.length, 2);
    const { RouteSettings, DefaultRouteSettings } = propertiesOf(template, 'HttpApiStage');
    assert.deepEqual(RouteSettings, { [ROUTE]: { ThrottlingRateLimit: 7, ThrottlingBurstLimit: 9 } });
    assert.deepEqual(DefaultRouteSettings, { ThrottlingRateLimit: 50, ThrottlingBurstLimit: 100 });
    assert.partialDeepStrictEqual(template.Resources.HttpApiStage, { DependsOn: ['HttpApiLogGroup', route] });
  });

  test('the log of backchannel_logout is kept as long as the other logs', () => {
    const groups = Object.values(resourcesOf(template, 'AWS::Logs::LogGroup'));
    assert.deepEqual(
      groups.map(({ Properties }) => Properties.RetentionInDays),
      [90, 90, 90],
    );
  });

  test('backchannel_logout may read the providers’ records and no other', () => {
    const { Resource } = statementsOf(template, 'BackchannelLogoutRole').find(({ Sid }) => Sid === 'ReadRecords') ?? {};
    const here = `arn:\${AWS::Partition}:secretsmanager:\${AWS::Region}:\${AWS::AccountId}:secret:keycloak-??????`;
    assert.deepEqual(Resource, [{ 'Fn::Sub': here }, ARN]);
  });
});

describe('with providers, the alarms and the dashboard', () => {
  const alarms = Object.values(resourcesOf(template, 'AWS::CloudWatch::Alarm')).map(({ Properties }) => Properties);
  const own = alarms.filter(({ AlarmName }) => String(AlarmName).includes('-backchannel-'));
  assert.equal(own.length, 7);

  test('alarms for OpenID providers go off for errors, 503s, refused user ids and tokens; each has a chapter', () => {
    const outcomes = own.flatMap(
      ({ Dimensions = [] }) => JSON.stringify(Dimensions).match(/"outcome","Value":"(\w+)"/)?.[1] ?? [],
    );
    assert.deepEqual(outcomes, ['internal', 'unavailable', 'user_id_not_accepted']);
    assert.deepEqual(
      own.map(({ MetricName = 'an expression' }) => MetricName),
      ['Errors', 'Throttles', 'requests', 'requests', 'requests', 'an expression', 'rejections'],
    );
    const guide = readFileSync('docs/operations.md', 'utf8');
    for (const { AlarmName, TreatMissingData, AlarmActions, OKActions } of own) {
      assert.match(guide, new RegExp(`^### ${String(AlarmName).replace('auth-logout-user-dev-', '')}$`, 'm'));
      assert.deepEqual([TreatMissingData, AlarmActions, OKActions], ['notBreaching', [TOPIC], [TOPIC]]);
    }
  });

  test('the alarms for OpenID providers watch backchannel_logout only, by metrics that it writes', async () => {
    for (const { Dimensions, Metrics } of own)
      assert.match(JSON.stringify(Dimensions ?? Metrics), new RegExp(`{"Ref":"${FUNCTION}"}`));
    const lambda = await coldStart(
      { SESSIONS_TABLE: 'none', OPENID_PROVIDER_SECRET_IDS: 'none' },
      'backchannel_logout',
    );
    const written = metricsWritten((await lambda.send(formEvent('logout_token=a.b.c'))).audit);
    const isOwn = (metric: string) => metric.startsWith('auth-logout-user ');
    for (const metrics of [metricsOfAlarms(template), metricsOfDashboard(template)])
      assert.deepEqual(
        metrics.filter((metric) => isOwn(metric) && !written.includes(metric)),
        [],
      );
  });

  test('five accounts in an hour that are linked to no user raise an alarm, unless one was linked', () => {
    const [alarm] = own.filter(({ AlarmName }) => String(AlarmName).endsWith('-no-account'));
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

  test('the dashboard shows the alarms for OpenID providers, and the outcomes of their logouts', () => {
    for (const id of Object.keys(resourcesOf(template, 'AWS::CloudWatch::Alarm')))
      assert.ok(dashboardOf(template).includes(`\${${id}.Arn}`), `${id} is shown`);
    const lines = dashboardOf(template)
      .split('\n')
      .filter((line) => line.includes(FUNCTION));
    assert.deepEqual(
      lines.map((line) => line.match(/MetricName=\\"(\w+)\\"/)?.[1]),
      ['requests', 'rejections'],
    );
  });
});

function merged(environment: unknown, more: Record<string, string>): unknown {
  const { Variables }: { Variables: Record<string, string> } = JSON.parse(JSON.stringify(environment));
  return { Variables: { ...Variables, ...more } };
}
