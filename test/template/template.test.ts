// What `npm run package` leaves behind: the zip and the template, for several sets of parameters.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { unzipSync } from 'fflate';
import { gatewayEvent } from '../setup/events.ts';
import { coldStart } from '../setup/lambda.ts';
import { packageService, propertiesOf, resourcesOf, type Template } from '../setup/package.ts';
import { startAws } from '../setup/route.ts';
import { createTable, newSessions, putItems } from '../setup/tables.ts';
import { newRecord, signToken, storeRecord } from '../setup/tokens.ts';
import { runUnzipped } from '../setup/zip.ts';
import { evaluate, faultsOf } from './cloudformation.ts';
import { statementsOf } from './iam.ts';
import { dashboardOf, metricsOfAlarms, metricsOfDashboard, metricsWritten } from './metrics.ts';

const FUNCTION = 'LogoutUnderscoreuserLambdaFunction';
const MAX_ZIP_BYTES = 150_000;
const TOPIC = 'arn:aws:sns:us-east-1:123456789012:on-call';
const ARN = 'arn:aws:secretsmanager:us-east-1:123456789012:secret:erp/validator-x1Y2z3';
const OF_VERSION_0_1 =
  '{"name":"auth_logout_user_jwt","signature_type":"secret","secret_algorithm":"HS256", "audience":"auth_logout_user_jwt","issuer":"theissuer"}';
const KEY = 'arn:aws:kms:us-east-1:123456789012:key/0d3f-4a';

const { template, templateFile, archives, output } = await packageService();
const { logout_user: zip = assert.fail() } = archives;
const [prod, another, existing] = await Promise.all([
  packageService({}, { stage: 'prod', bundle: false }),
  packageService(
    {
      layout: 'better-auth',
      alarmTopic: TOPIC,
      reservedConcurrency: '20',
      memory: '1024',
      throttleRate: '7',
      throttleBurst: '9',
      userIdPattern: '[a-z]{2,8}|x',
      settleSeconds: '2',
    },
    { stage: 'prod', bundle: false },
  ),
  packageService({ table: 'web.sessions', layout: 'authjs', records: `crm, ${ARN}`, kmsKey: KEY }, { bundle: false }),
]);

describe('the package', () => {
  test('the package is made without a warning', () => {
    assert.doesNotMatch(output, /warn|deprecat|error/i);
  });

  test('the package holds the bundled function and nothing else', () => {
    assert.deepEqual(Object.keys(archives), ['logout_user']);
    assert.deepEqual(Object.keys(unzipSync(zip)), ['functions/logout_user.mjs']);
    assert.ok(zip.length <= MAX_ZIP_BYTES, `${zip.length} bytes`);
  });

  test('the packaged logout_user logs a user out by itself, in an empty folder', async () => {
    const environment = await startAws();
    const record = newRecord();
    const table = await createTable('default');
    await putItems(table, newSessions('2', 3));
    const env = { ...environment, SESSIONS_TABLE: table, VALIDATOR_SECRET_IDS: await storeRecord(record) };
    const event = gatewayEvent({ userId: '2', token: await signToken(record.secret_key) });
    assert.equal(await runUnzipped(zip, env, event), '200 {"jsonrpc":"2.0","id":null,"result":true}');
  });
});

describe('the template', () => {
  test('the template has no error, and no warning that is not explained', () => {
    assert.deepEqual(faultsOf([templateFile, another.templateFile, existing.templateFile]), []);
  });

  test('the template runs the function on Graviton, traced, for less time than the API waits, with JSON logs', () => {
    assert.partialDeepStrictEqual(propertiesOf(template, FUNCTION), {
      Handler: 'functions/logout_user.handler',
      Runtime: 'nodejs24.x',
      Architectures: ['arm64'],
      Timeout: 25,
      MemorySize: 512,
      TracingConfig: { Mode: 'Active' },
      LoggingConfig: { LogFormat: 'JSON' },
      Role: { 'Fn::GetAtt': ['LogoutRole', 'Arn'] },
      ReservedConcurrentExecutions: { Ref: 'AWS::NoValue' },
    });
    const [integration] = Object.values(resourcesOf(template, 'AWS::ApiGatewayV2::Integration'));
    assert.partialDeepStrictEqual(integration?.Properties, { TimeoutInMillis: 30_000, PayloadFormatVersion: '2.0' });
  });

  test('the template gives the function names and settings, but no key', () => {
    assert.deepEqual(propertiesOf(template, FUNCTION).Environment, {
      Variables: {
        SESSIONS_TABLE: 'auth-logout-user-dev-sessions',
        SESSION_LAYOUT: 'default',
        MORE_STORES: 'none',
        VALIDATOR_SECRET_IDS: 'auth-logout-user-dev-validator',
        VALIDATOR_MAX_AGE_SECONDS: '300',
        USER_ID_PATTERN: '0|[1-9][0-9]{0,18}',
        SETTLE_SECONDS: '0',
        AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: 'true',
      },
    });
    assert.doesNotMatch(JSON.stringify(template), /\{\{resolve:|logout_api_secretkey/);
  });

  test('with the layout of Auth.js, and no userIdPattern, the function accepts the ids that Auth.js makes', () => {
    assert.partialDeepStrictEqual(propertiesOf(existing.template, FUNCTION).Environment, {
      Variables: { SESSION_LAYOUT: 'authjs', USER_ID_PATTERN: '[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}' },
    });
  });

  test('the template has one route, throttled, without CORS, and an access log without tokens', () => {
    const routes = Object.values(resourcesOf(template, 'AWS::ApiGatewayV2::Route'));
    assert.deepEqual(
      routes.map(({ Properties }) => Properties.RouteKey),
      ['POST /auth/logout_user/{user_id}'],
    );
    assert.equal(propertiesOf(template, 'HttpApi').CorsConfiguration, undefined);
    const { DefaultRouteSettings, AccessLogSettings } = propertiesOf(template, 'HttpApiStage');
    assert.deepEqual(DefaultRouteSettings, { ThrottlingRateLimit: 50, ThrottlingBurstLimit: 100 });
    const { Format }: { Format: string } = JSON.parse(JSON.stringify(AccessLogSettings));
    assert.ok(JSON.parse(Format).api_request_id, 'the line leads to the audit record');
    assert.doesNotMatch(Format, /header|authorization|authorizer|\$context\.path/i);
  });

  test('the template keeps every log for as long as the stage says', () => {
    for (const [stage, days] of [
      [template, 90],
      [another.template, 365],
    ] as const) {
      const groups = Object.values(resourcesOf(stage, 'AWS::Logs::LogGroup'));
      assert.deepEqual(
        groups.map(({ Properties }) => Properties.RetentionInDays),
        [days, days],
      );
    }
  });

  test('the template has Secrets Manager generate the key of the record, which outlives the stack', () => {
    const { ValidatorRecord } = template.Resources;
    assert.partialDeepStrictEqual(ValidatorRecord, { DeletionPolicy: 'Retain', UpdateReplacePolicy: 'Retain' });
    const { GenerateSecretString } = propertiesOf(template, 'ValidatorRecord');
    const { SecretStringTemplate, ...generated }: Record<string, string> = JSON.parse(
      JSON.stringify(GenerateSecretString),
    );
    assert.deepEqual(generated, { GenerateStringKey: 'secret_key', PasswordLength: 64, ExcludePunctuation: true });
    const { secret_key: _, ...record } = newRecord({ name: 'auth_logout_user_jwt' });
    assert.deepEqual(JSON.parse(SecretStringTemplate ?? ''), record);
    assert.equal(SecretStringTemplate, OF_VERSION_0_1, 'or an upgrade would generate another key');
  });

  test('the template makes a table that is hard to lose, for the layout that the function reads', () => {
    const safe = { DeletionPolicy: 'RetainExceptOnCreate', UpdateReplacePolicy: 'Retain' };
    const properties = {
      BillingMode: 'PAY_PER_REQUEST',
      OnDemandThroughput: { MaxReadRequestUnits: 12_000, MaxWriteRequestUnits: 4000 },
      PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
      SSESpecification: { SSEEnabled: true },
      DeletionProtectionEnabled: true,
    };
    const text = (AttributeName: string) => ({ AttributeName, AttributeType: 'S' });
    assert.deepEqual(template.Resources.SessionsTable, {
      Type: 'AWS::DynamoDB::Table',
      ...safe,
      Properties: {
        ...properties,
        TableName: 'auth-logout-user-dev-sessions',
        KeySchema: [
          { AttributeName: 'user_id', KeyType: 'HASH' },
          { AttributeName: 'session_id', KeyType: 'RANGE' },
        ],
        AttributeDefinitions: [text('user_id'), text('session_id')],
        TimeToLiveSpecification: { AttributeName: 'expires_at', Enabled: true },
      },
    });
    const byIndex = propertiesOf(another.template, 'SessionsTable');
    const { OnDemandThroughput } = properties; // an index has its own
    const projected = { Projection: { ProjectionType: 'KEYS_ONLY' } };
    assert.partialDeepStrictEqual(byIndex, {
      ...properties,
      TableName: 'auth-logout-user-prod-sessions',
      KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
      GlobalSecondaryIndexes: [{ IndexName: 'session_userId_idx', ...projected, OnDemandThroughput }],
    });
    assert.equal(byIndex.TimeToLiveSpecification, undefined, 'its expiry is not in seconds');
  });

  test('the template makes no table and no record when both exist, and grants the role only those', () => {
    assert.deepEqual(resourcesOf(existing.template, 'AWS::DynamoDB::Table'), {});
    assert.deepEqual(resourcesOf(existing.template, 'AWS::SecretsManager::Secret'), {});
    const here = (service: string, resource: string) => ({
      'Fn::Sub': `arn:\${AWS::Partition}:${service}:\${AWS::Region}:\${AWS::AccountId}:${resource}`,
    });
    const resources = Object.fromEntries(statementsOf(existing.template).map(({ Sid, Resource }) => [Sid, Resource]));
    assert.partialDeepStrictEqual(resources, {
      FindSessions: here('dynamodb', 'table/web.sessions'),
      EndSessions: here('dynamodb', 'table/web.sessions'),
      ReadRecords: [here('secretsmanager', 'secret:crm-??????'), ARN],
      Decrypt: [KEY],
    });
    assert.deepEqual(existing.template.Outputs.SecretIds?.Value, `crm, ${ARN}`);
  });

  test('the template’s outputs have the address of the service, its record, table and dashboard', () => {
    const { HttpApiUrl, SecretIds, Table, Dashboard } = template.Outputs;
    assert.match(JSON.stringify(HttpApiUrl?.Value), /"https:\/\/",\{"Ref":"HttpApi"\},"\.execute-api\."/);
    assert.equal(SecretIds?.Value, 'auth-logout-user-dev-validator');
    assert.equal(Table?.Value, 'auth-logout-user-dev-sessions');
    assert.match(JSON.stringify(Dashboard?.Value), /#dashboards\/dashboard\/\$\{Dashboard\}/);
    for (const [partition, domain] of [
      ['aws', 'console.aws.amazon.com'],
      ['aws-us-gov', 'console.amazonaws-us-gov.com'],
      ['aws-cn', 'console.amazonaws.cn'],
    ] as const) {
      const link = evaluate(Dashboard?.Value, template, { 'AWS::Partition': partition, 'AWS::Region': 'there-1' });
      const address = `https://there-1.${domain}/cloudwatch/home?region=there-1#dashboards/dashboard/Dashboard`;
      assert.equal(link, address);
    }
  });

  test('the template differs between dev and prod only by the stage’s name and how long logs are kept', () => {
    // The zip's folder in the bucket is named after the time.
    const undated = (of: Template) => JSON.stringify(of).replace(/"S3Key":"[^"]*"/, '"S3Key":""');
    const asProd = undated(template)
      .replaceAll(/\bdev\b/g, 'prod')
      .replaceAll('"RetentionInDays":90', '"RetentionInDays":365');
    assert.deepEqual(JSON.parse(undated(prod.template)), JSON.parse(asProd));
  });

  test('the template takes memory, concurrency, throttling and the function’s settings from parameters', () => {
    assert.partialDeepStrictEqual(propertiesOf(another.template, FUNCTION), {
      MemorySize: 1024,
      ReservedConcurrentExecutions: 20,
      Environment: {
        Variables: { SESSION_LAYOUT: 'better-auth', USER_ID_PATTERN: '[a-z]{2,8}|x', SETTLE_SECONDS: '2' },
      },
    });
    const { DefaultRouteSettings } = propertiesOf(another.template, 'HttpApiStage');
    assert.deepEqual(DefaultRouteSettings, { ThrottlingRateLimit: 7, ThrottlingBurstLimit: 9 });
  });
});

describe('the alarms and the dashboard', () => {
  /** The alarms of the template, of which there are some. */
  const alarms = (of: Template) => {
    const found = Object.values(resourcesOf(of, 'AWS::CloudWatch::Alarm'));
    assert.ok(found.length >= 7);
    return found;
  };

  test('each alarm has a chapter in docs/operations.md, and stays quiet while nothing happens', () => {
    const chapters = [...readFileSync('docs/operations.md', 'utf8').matchAll(/^### (.*)$/gm)].map(([, title]) => title);
    const names = alarms(template).map(({ Properties }) => String(Properties.AlarmName));
    for (const name of names)
      assert.ok(chapters.includes(name.replace('auth-logout-user-dev-', '')), `a chapter for ${name}`);
    for (const { Properties } of alarms(template)) assert.equal(Properties.TreatMissingData, 'notBreaching');
  });

  test('the alarms notify the topic, if there is one', () => {
    for (const { Properties } of alarms(template))
      assert.deepEqual([Properties.AlarmActions, Properties.OKActions], [[], []]);
    for (const { Properties } of alarms(another.template))
      assert.deepEqual([Properties.AlarmActions, Properties.OKActions], [[TOPIC], [TOPIC]]);
  });

  test('the alarms watch metrics that the function writes, and the dashboard shows all of them', async () => {
    const lambda = await coldStart({ SESSIONS_TABLE: 'none', VALIDATOR_SECRET_IDS: 'none' });
    const isOwn = (metric: string) => metric.startsWith('auth-logout-user ');
    const written = metricsWritten((await lambda.invoke()).audit).sort();
    assert.deepEqual([...new Set(metricsOfDashboard(template).filter(isOwn))].sort(), written);
    const watched = metricsOfAlarms(template).filter(isOwn);
    assert.ok(watched.length > 0);
    assert.deepEqual(
      watched.filter((metric) => !written.includes(metric)),
      [],
    );
    for (const id of Object.keys(resourcesOf(template, 'AWS::CloudWatch::Alarm')))
      assert.ok(dashboardOf(template).includes(`\${${id}.Arn}`), `${id} is shown`);
  });
});
