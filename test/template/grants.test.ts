// The roles in the packaged template, layout by layout, against the calls that the functions of that template make.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { before, describe, test } from 'node:test';
import { LIBRARIES, type Library } from '../layouts/libraries.ts';
import { formEvent } from '../setup/events.ts';
import { type Answer, coldStart, type FunctionName, type Lambda } from '../setup/lambda.ts';
import { type Package, packageService, propertiesOf, resourcesOf } from '../setup/package.ts';
import { startProxiedAws } from '../setup/route.ts';
import { createTable, putItems } from '../setup/tables.ts';
import {
  keyPair,
  newLogoutClaims,
  newProvider,
  newRecord,
  signLogoutToken,
  signToken,
  storeRecord,
} from '../setup/tokens.ts';
import { allows, type Call, readCall, statementsOf } from './iam.ts';

const IN_JSON = JSON.stringify({
  tableKey: ['id', 'made'],
  index: 'by-owner',
  userKey: { name: 'owner', type: 'N', value: '{user_id}' },
  sortKey: { name: 'kind', beginsWith: 's' },
  expiry: { name: 'ttl', unit: 'milliseconds' },
  guard: { name: 'type', equals: 'session' },
});
const LAYOUTS: Record<string, Library> = {
  ...LIBRARIES,
  [IN_JSON]: {
    index: { name: 'by-owner', key: ['owner', 'kind'] },
    session: (userId) => ({
      id: { S: randomUUID() },
      made: { S: '2026' },
      owner: { N: userId },
      kind: { S: 'session' },
      type: { S: 'session' },
    }),
    others: () => [],
  },
};
const KEY = 'arn:aws:kms:us-east-1:123456789012:key/0d3f-4a';

const aws = await startProxiedAws();
const caller = newRecord();
const callerId = await storeRecord(caller);
await storeRecord(newRecord(), callerId); // the first key is the previous one now, so both versions are read

/** The id of a provider's record, rotated like the caller's; it uses accounts with the layout that has them. */
const provider = newProvider();
async function storeProvider(layout: string): Promise<string> {
  const accounts = layout === 'authjs' && { account_provider: 'kc' };
  const secretId = await storeRecord({ ...provider.record, ...accounts });
  const { jwk } = keyPair('RS256', 'fresh');
  return storeRecord({ ...provider.record, ...accounts, public_key_jwks: { keys: [jwk] } }, secretId);
}

/** Each function, its role, and how it is asked to log user 7 out. */
type Route = { name: FunctionName; logicalId: string; role: string; logout: (lambda: Lambda) => Promise<Answer> };
const ROUTES: Route[] = [
  {
    name: 'logout_user',
    logicalId: 'LogoutUnderscoreuserLambdaFunction',
    role: 'LogoutRole',
    logout: async (lambda: Lambda) => lambda.invoke({ userId: '7', token: await signToken(caller.secret_key) }),
  },
  {
    name: 'backchannel_logout',
    logicalId: 'BackchannelUnderscorelogoutLambdaFunction',
    role: 'BackchannelLogoutRole',
    logout: async (lambda: Lambda) => {
      const token = await signLogoutToken(provider, newLogoutClaims('7'));
      return lambda.send(formEvent(`logout_token=${token}`));
    },
  },
];
const ACCOUNT = {
  pk: { S: 'USER#7' },
  sk: { S: 'ACCOUNT#kc#7' },
  GSI1PK: { S: 'ACCOUNT#kc' },
  GSI1SK: { S: 'ACCOUNT#7' },
  access_token: { S: 'secret' },
};

const packaged: Record<string, Package & { table: string; providerId: string }> = {};
const queue = Object.entries(LAYOUTS).values();
const lane = async () => {
  for (const [layout, { index }] of queue) {
    const table = await createTable(layout, { indexes: index && [index], projection: 'ALL' });
    if (layout === 'authjs') await putItems(table, [ACCOUNT]);
    const providerId = await storeProvider(layout);
    const kmsKey = layout === IN_JSON ? KEY : 'none';
    const records = { records: callerId, openidProviders: providerId };
    const parameters = { layout, table, userIdPattern: '.+', ...records, kmsKey, settleSeconds: '0.1' };
    packaged[layout] = { table, providerId, ...(await packageService(parameters, { bundle: false })) };
  }
};
await Promise.all([lane(), lane()]); // one for each core of a small machine

for (const [layout, { index, session }] of Object.entries(LAYOUTS)) {
  const title = layout === IN_JSON ? 'a layout in JSON' : `the layout ${layout}`;
  for (const { name, logicalId, role, logout } of ROUTES) {
    describe(`${name} with ${title}`, () => {
      const { table, template, providerId } = packaged[layout] ?? assert.fail();
      const statements = statementsOf(template, role);
      const [secretId, another] = name === 'logout_user' ? [callerId, providerId] : [providerId, callerId];
      const byTable = `table/${table}`;
      const byIndex = `table/${table}/index/${index?.name}`;
      const byAccount = `table/${table}/index/GSI1`;
      const deletes = index ? 'dynamodb:DeleteItem' : 'dynamodb:BatchWriteItem';
      const findsAccounts = layout === 'authjs' && name === 'backchannel_logout';
      function assertRefused(wider: Call[]): void {
        const allowed = wider.filter((call) => allows(statements, call));
        assert.deepEqual(allowed, []);
      }

      let calls: Call[] = [];
      before(async () => {
        const { Environment } = propertiesOf(template, logicalId);
        const { Variables }: { Variables: Record<string, string> } = JSON.parse(JSON.stringify(Environment));
        // More than fit into one page of DynamoDB's, so that a key of one page is part of the call for the next.
        const sessions = Array.from({ length: 25 }, () => ({ ...session('7'), payload: { S: 'x'.repeat(60_000) } }));
        await putItems(table, sessions);
        const sent = await aws.capture(async () => {
          const lambda = await coldStart(Variables, name);
          const { audit } = await logout(lambda);
          assert.partialDeepStrictEqual(audit, { outcome: 'logged_out', user_id: '7', sessions_ended: 25 });
        });
        calls = sent.map(readCall);
      });

      test(`the role of ${name} with ${title} allows each call that ending sessions takes, across pages`, () => {
        const refused = calls.filter((call) => !allows(statements, call));
        assert.deepEqual(refused, []);
      });

      test(`the role of ${name} with ${title} grants only what it uses, apart from its log and X-Ray`, () => {
        const used = new Set(calls.map(({ action, resource }) => `${action} ${resource}`));
        const expected = [
          `dynamodb:Query ${index ? byIndex : byTable}`,
          `${deletes} ${byTable}`,
          ...(findsAccounts ? [`dynamodb:Query ${byAccount}`] : []),
          `secretsmanager:GetSecretValue secret:${secretId}-AbCdEf`,
        ];
        assert.deepEqual([...used].sort(), expected.sort());

        const actions = statements.flatMap(({ Action }) => Action);
        const decrypt = layout === IN_JSON ? ['kms:Decrypt'] : [];
        const log = ['logs:CreateLogStream', 'logs:PutLogEvents'];
        const xray = ['xray:PutTraceSegments', 'xray:PutTelemetryRecords'];
        assert.deepEqual(actions, [
          'dynamodb:Query',
          deletes,
          ...(findsAccounts ? ['dynamodb:Query'] : []),
          'secretsmanager:GetSecretValue',
          ...decrypt,
          ...log,
          ...xray,
        ]);
        const everywhere = statements.filter(({ Resource }) => JSON.stringify(Resource).includes('*'));
        assert.deepEqual(
          everywhere.flatMap(({ Action }) => Action),
          xray,
        );
      });

      test(`the role of ${name} with ${title} may not read or write inside a session, nor use another table`, () => {
        for (const call of calls.filter(({ action }) => action.startsWith('dynamodb:'))) {
          const { 'dynamodb:Attributes': attributes = [] } = call.keys;
          const others = ['Scan', 'GetItem', 'BatchGetItem', 'PutItem', 'UpdateItem', 'PartiQLSelect', 'PartiQLDelete'];
          assertRefused(others.map((operation) => ({ ...call, action: `dynamodb:${operation}` })));
          for (const more of ['payload', 'access_token'])
            assertRefused([{ ...call, keys: { ...call.keys, 'dynamodb:Attributes': [...attributes, more] } }]);
          assertRefused([
            { ...call, resource: 'table/another' },
            { ...call, resource: `${call.resource}2` },
          ]);
          if (call.action === 'dynamodb:Query') {
            assertRefused([{ ...call, keys: { ...call.keys, 'dynamodb:Select': ['ALL_ATTRIBUTES'] } }]);
            assertRefused([{ ...call, resource: index || call.resource === byAccount ? byTable : byAccount }]);
          }
          if (call.action === 'dynamodb:DeleteItem')
            assertRefused([{ ...call, keys: { ...call.keys, 'dynamodb:ReturnValues': ['ALL_OLD'] } }]);
        }
      });

      test(`the role of ${name} with ${title} may not read the other route’s record, nor an unused version`, () => {
        const reads = calls.filter(({ action }) => action.startsWith('secretsmanager:'));
        const stages = new Set(reads.flatMap(({ keys }) => keys['secretsmanager:VersionStage']));
        assert.deepEqual([...stages], ['AWSCURRENT', 'AWSPREVIOUS']);
        for (const call of reads) {
          assertRefused([
            { ...call, keys: { 'secretsmanager:VersionStage': ['AWSPENDING'] } },
            { ...call, keys: {} },
          ]);
          assertRefused([{ ...call, resource: `secret:${another}-AbCdEf` }]);
        }
      });

      test(`${name} with ${title} writes to its own log group`, () => {
        const { Resource } = statements.find(({ Sid }) => Sid === 'WriteLog') ?? assert.fail();
        assert.deepEqual(Resource, { 'Fn::GetAtt': [logicalId.replace('LambdaFunction', 'LogGroup'), 'Arn'] });
        assert.deepEqual(propertiesOf(template, logicalId).Role, { 'Fn::GetAtt': [role, 'Arn'] });
      });
    });
  }

  test(`the template with ${title} creates no table and no record, since both exist`, () => {
    const { template } = packaged[layout] ?? assert.fail();
    assert.deepEqual(resourcesOf(template, 'AWS::DynamoDB::Table'), {});
    assert.deepEqual(resourcesOf(template, 'AWS::SecretsManager::Secret'), {});
  });
}
