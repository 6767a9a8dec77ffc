// Several stores in one template: a grant for each, no more; and what our own table needs when two are in it.
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { LIBRARIES } from '../layouts/libraries.ts';
import { coldStart } from '../setup/lambda.ts';
import { packageService, propertiesOf } from '../setup/package.ts';
import { startProxiedAws } from '../setup/route.ts';
import { allItems, createTable, putItems } from '../setup/tables.ts';
import { newRecord, signToken, storeRecord } from '../setup/tokens.ts';
import { faultsOf } from './cloudformation.ts';
import { allows, type Call, readCall, statementsOf } from './iam.ts';

const FUNCTION = 'LogoutUnderscoreuserLambdaFunction';
const OWN = 'auth-logout-user-dev-sessions';
const DEVICES = {
  tableKey: ['pk', 'sk'],
  index: 'by-device',
  userKey: { name: 'device_of', type: 'S', value: 'u#{user_id}' },
  guard: { name: 'kind', equals: ['phone', true] },
};
const OWN_BY_INDEX = {
  tableKey: ['user_id', 'session_id'],
  index: 'by-owner',
  userKey: { name: 'owner', type: 'N', value: '{user_id}' },
  sortKey: { name: 'begun', beginsWith: '' },
  expiry: { name: 'ttl', unit: 'seconds' },
};
const KEYS = ['arn:aws:kms:us-east-1:123456789012:key/0d3f-4a', 'arn:aws:kms:us-east-1:123456789012:key/77-b2'];

const { dynamodb } = await startProxiedAws();
const record = newRecord();
const secretId = await storeRecord(record);
const { authjs = assert.fail(), 'connect-dynamodb': connect = assert.fail() } = LIBRARIES;
const web = await createTable(DEVICES);
const shop = await createTable('connect-dynamodb');
const [several, own] = await Promise.all([
  packageService(
    {
      table: web,
      layout: 'authjs',
      userIdPattern: '[0-9]+',
      records: secretId,
      kmsKey: KEYS.join(', '),
      settleSeconds: '0.1',
      moreStores: JSON.stringify([
        { table: web, layout: DEVICES },
        { table: shop, layout: 'connect-dynamodb', userIdPattern: '[0-9]+' },
      ]),
    },
    { bundle: false },
  ),
  packageService({ moreStores: JSON.stringify([{ table: OWN, layout: OWN_BY_INDEX }]) }, { bundle: false }),
]);

describe('a role for several stores', () => {
  const statements = statementsOf(several.template);
  const perTable = [
    `table/${web}`,
    `table/${web}/index/by-device`,
    `table/${shop}`,
    `table/${shop}/index/userId-index`,
  ];
  let calls: Call[] = [];
  before(async () => {
    const { Environment } = propertiesOf(several.template, FUNCTION);
    const { Variables }: { Variables: Record<string, string> } = JSON.parse(JSON.stringify(Environment));
    const lambda = await coldStart(Variables);
    const device = { pk: { S: 'DEVICE#1' }, sk: { S: 'DEVICE#1' }, device_of: { S: 'u#7' }, kind: { BOOL: true } };
    await putItems(web, [authjs.session('7'), authjs.session('7'), device]);
    await putItems(shop, [connect.session('7')]);
    const token = await signToken(record.secret_key);
    const sent = await dynamodb.capture(async () =>
      assert.equal((await lambda.invoke({ userId: '7', token })).text, '{"jsonrpc":"2.0","id":null,"result":true}'),
    );
    assert.deepEqual([await allItems(web), await allItems(shop)], [[], []]);
    calls = sent.map(readCall);
  });

  test('the role for several stores allows each call that ending the sessions in all of them takes', () => {
    assert.deepEqual(
      calls.filter((call) => !allows(statements, call)),
      [],
    );
  });

  test('the role for several stores grants for each what the function does there, and no more', () => {
    const [webTable, webIndex, shopTable, shopIndex] = perTable;
    const used = new Set(calls.map(({ action, resource }) => `${action} ${resource}`));
    assert.deepEqual(
      [...used].sort(),
      [
        `dynamodb:Query ${webTable}`,
        `dynamodb:BatchWriteItem ${webTable}`,
        `dynamodb:Query ${webIndex}`,
        `dynamodb:DeleteItem ${webTable}`,
        `dynamodb:Query ${shopIndex}`,
        `dynamodb:DeleteItem ${shopTable}`,
      ].sort(),
    );
    const sessionActions = statements
      .flatMap(({ Action }) => Action)
      .filter((action) => action.startsWith('dynamodb:'));
    assert.equal(sessionActions.length, used.size);
    const sids = statements.map(({ Sid }) => Sid);
    assert.equal(new Set(sids).size, sids.length, 'IAM requires that each Sid is unique');
  });

  test('the role for several stores grants for none of them the calls or the attributes of another', () => {
    for (const call of calls) {
      const elsewhere = perTable.filter((resource) => resource !== call.resource);
      assert.deepEqual(
        elsewhere.filter((resource) => allows(statements, { ...call, resource })),
        [],
      );
      const { 'dynamodb:Attributes': attributes = [] } = call.keys;
      const foreign = ['pk', 'expires', 'device_of', 'kind', 'id', 'userId'].filter((name) => {
        const wider = { ...call, keys: { ...call.keys, 'dynamodb:Attributes': [...attributes, name] } };
        return allows(statements, wider);
      });
      const layouts = [
        ['pk', 'expires'],
        ['pk', 'device_of', 'kind'],
        ['expires', 'id', 'userId'],
      ];
      assert.ok(
        layouts.some((names) => foreign.every((name) => names.includes(name))),
        `${call.action} on ${call.resource} may name ${foreign}`,
      );
    }
  });

  test('the role for several stores may use each of the given customer keys', () => {
    assert.deepEqual(statements.find(({ Sid }) => Sid === 'Decrypt')?.Resource, KEYS);
  });
});

describe('our own table', () => {
  test('our own table has what each layout in it needs: one key, an index, one time to live', () => {
    const key = (AttributeName: string, KeyType: string) => ({ AttributeName, KeyType });
    const attribute = (AttributeName: string, AttributeType: string) => ({ AttributeName, AttributeType });
    assert.partialDeepStrictEqual(propertiesOf(own.template, 'SessionsTable'), {
      KeySchema: [key('user_id', 'HASH'), key('session_id', 'RANGE')],
      AttributeDefinitions: [
        attribute('user_id', 'S'),
        attribute('session_id', 'S'),
        attribute('owner', 'N'),
        attribute('begun', 'S'),
      ],
      GlobalSecondaryIndexes: [{ IndexName: 'by-owner', KeySchema: [key('owner', 'HASH'), key('begun', 'RANGE')] }],
      TimeToLiveSpecification: { AttributeName: 'expires_at', Enabled: true },
    });
  });

  test('the role refers to our own table as the stack’s resource, for both layouts in it', () => {
    const table = { 'Fn::GetAtt': ['SessionsTable', 'Arn'] };
    const statements = statementsOf(own.template).filter(({ Sid }) => /Sessions2?$/.test(Sid));
    const index = `arn:\${AWS::Partition}:dynamodb:\${AWS::Region}:\${AWS::AccountId}:table/${OWN}/index/by-owner`;
    assert.deepEqual(Object.fromEntries(statements.map(({ Sid, Resource }) => [Sid, Resource])), {
      FindSessions: table,
      EndSessions: table,
      FindSessions2: { 'Fn::Sub': index },
      EndSessions2: table,
    });
  });
});

test('templates for several stores have no error, and no warning that is not explained', () => {
  assert.deepEqual(faultsOf([several.templateFile, own.templateFile]), []);
});
