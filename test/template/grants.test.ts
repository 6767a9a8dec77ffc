// The role in the packaged template, layout by layout, against the calls that the function of that template makes.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, describe, test } from 'node:test';
import { LIBRARIES, type Library } from '../layouts/libraries.ts';
import { createTable } from '../layouts/tables.ts';
import { startLocalAws } from '../local/aws.ts';
import { coldStart } from '../setup/lambda.ts';
import { type Package, packageService, propertiesOf, resourcesOf } from '../setup/package.ts';
import { putItems } from '../setup/tables.ts';
import { newRecord, signToken, storeRecord } from '../setup/tokens.ts';
import { allows, type Call, statementsOf } from './iam.ts';
import { type Recorder, startRecorder } from './recorder.ts';

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
    tableKey: ['id', 'made'],
    index: { name: 'by-owner', key: ['owner:N', 'kind'] },
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

const aws = await startLocalAws();
Object.assign(process.env, aws.environment);
const record = newRecord();
const secretId = await storeRecord(record);
await storeRecord(newRecord(), secretId); // the first key is the previous one now, so both versions are read

const recorders: Record<string, Recorder> = {};
for (const name of ['AWS_ENDPOINT_URL_DYNAMODB', 'AWS_ENDPOINT_URL_SECRETS_MANAGER'])
  recorders[name] = await startRecorder(aws.environment[name] ?? '');
const recorded = () => Object.values(recorders).flatMap((recorder) => recorder.take());
after(() => {
  for (const recorder of Object.values(recorders)) recorder.close();
  aws.close();
});

const packaged: Record<string, Package & { table: string }> = {};
const queue = Object.entries(LAYOUTS).values();
const lane = async () => {
  for (const [layout, { tableKey, index }] of queue) {
    const table = await createTable(tableKey, index && { ...index, projection: 'ALL' });
    const kmsKey = layout === IN_JSON ? KEY : 'none';
    packaged[layout] = {
      table,
      ...(await packageService({ layout, table, records: secretId, kmsKey, settleSeconds: '0.1' }, { bundle: false })),
    };
  }
};
await Promise.all([lane(), lane()]); // one for each core of a small machine

for (const [layout, { index, session }] of Object.entries(LAYOUTS)) {
  describe(layout === IN_JSON ? 'a layout in JSON' : layout, () => {
    const { table, template } = packaged[layout] ?? assert.fail();
    const statements = statementsOf(template);
    const byTable = `table/${table}`;
    const byIndex = `table/${table}/index/${index?.name}`;
    const deletes = index ? 'dynamodb:DeleteItem' : 'dynamodb:BatchWriteItem';
    let calls: Call[] = [];

    function assertRefused(wider: Call[]): void {
      const allowed = wider.filter((call) => allows(statements, call));
      assert.deepEqual(allowed, []);
    }

    test('lets the function end sessions, across pages, with each call that it makes', async () => {
      const { Environment } = propertiesOf(template, 'LogoutUnderscoreuserLambdaFunction');
      const { Variables }: { Variables: Record<string, string> } = JSON.parse(JSON.stringify(Environment));
      // More than DynamoDB puts into a page, so that a key of the last one is part of the next call.
      const sessions = Array.from({ length: 25 }, () => ({ ...session('7'), payload: { S: 'x'.repeat(60_000) } }));
      await putItems(table, sessions);
      recorded(); // the calls of this test
      const endpoints = Object.entries(recorders).map(([name, { url }]) => [name, url]);
      const lambda = await coldStart({ ...Variables, ...Object.fromEntries(endpoints) });
      const answer = await lambda.invoke({ userId: '7', token: await signToken(record.secret_key) });
      assert.equal(answer.text, '{"jsonrpc":"2.0","id":null,"result":true}');

      calls = recorded();
      const refused = calls.filter((call) => !allows(statements, call));
      assert.deepEqual(refused, []);
    });

    test('grants nothing that the function does not use, but for its log and X-Ray', () => {
      const used = new Set(calls.map(({ action, resource }) => `${action} ${resource}`));
      const expected = [
        `dynamodb:Query ${index ? byIndex : byTable}`,
        `${deletes} ${byTable}`,
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

    test('does not let the role see, return or write what is inside a session, nor touch another table', () => {
      for (const call of calls.filter(({ action }) => action.startsWith('dynamodb:'))) {
        const { 'dynamodb:Attributes': attributes = [] } = call.keys;
        const others = ['Scan', 'GetItem', 'BatchGetItem', 'PutItem', 'UpdateItem', 'PartiQLSelect', 'PartiQLDelete'];
        assertRefused(others.map((operation) => ({ ...call, action: `dynamodb:${operation}` })));
        assertRefused([{ ...call, keys: { ...call.keys, 'dynamodb:Attributes': [...attributes, 'payload'] } }]);
        assertRefused([
          { ...call, resource: 'table/another' },
          { ...call, resource: `${call.resource}2` },
        ]);
        if (call.action === 'dynamodb:Query') {
          assertRefused([{ ...call, keys: { ...call.keys, 'dynamodb:Select': ['ALL_ATTRIBUTES'] } }]);
          assertRefused([{ ...call, resource: index ? byTable : byIndex }]);
        }
        if (call.action === 'dynamodb:DeleteItem')
          assertRefused([{ ...call, keys: { ...call.keys, 'dynamodb:ReturnValues': ['ALL_OLD'] } }]);
      }
    });

    test('does not let the role read another record, nor a version that is not in use', () => {
      const reads = calls.filter(({ action }) => action.startsWith('secretsmanager:'));
      const stages = new Set(reads.flatMap(({ keys }) => keys['secretsmanager:VersionStage']));
      assert.deepEqual([...stages], ['AWSCURRENT', 'AWSPREVIOUS']);
      for (const call of reads) {
        assertRefused([
          { ...call, keys: { 'secretsmanager:VersionStage': ['AWSPENDING'] } },
          { ...call, keys: {} },
        ]);
        assertRefused([{ ...call, resource: 'secret:another-AbCdEf' }]);
      }
    });

    test('creates no table and no record, since there are some', () => {
      assert.deepEqual(resourcesOf(template, 'AWS::DynamoDB::Table'), {});
      assert.deepEqual(resourcesOf(template, 'AWS::SecretsManager::Secret'), {});
    });
  });
}
