// The roles in the packaged template, layout by layout, against the calls that the functions of that template make.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { before, describe, test } from 'node:test';
import { LIBRARIES, type Library } from '../layouts/libraries.ts';
import { formEvent } from '../setup/events.ts';
import { type Answer, coldStart, type FunctionName, type Lambda } from '../setup/lambda.ts';
import { type Package, packageService, propertiesOf, resourcesOf } from '../setup/package.ts';
import { account as accountAtOkta, newOrganisation, revocationToken, revoke } from '../setup/revocation.ts';
import { startProxiedAws } from '../setup/route.ts';
import { account, CAEP, newTransmitter, pushToken, securityEventToken } from '../setup/security_event.ts';
import { createTable, putItems } from '../setup/tables.ts';
import {
  keyPair,
  newLogoutClaims,
  newProvider,
  newRecord,
  type Provider,
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

const provider = newProvider();
const organisation = newOrganisation();
const transmitter = newTransmitter();
const [ACCOUNTS, ADDRESSES] = [{ account_provider: 'kc' }, { email_domains: 'example.com' }];
const EMAIL = { format: 'email', email: '7@example.com' };

/** The id of a sender's record, rotated like the caller's. */
async function storeSender({ record }: Provider, members: object): Promise<string> {
  const secretId = await storeRecord({ ...record, ...members });
  const { jwk } = keyPair('RS256', 'fresh');
  return storeRecord({ ...record, ...members, public_key_jwks: { keys: [jwk] } }, secretId);
}

/** How user 7 is named: by an id, or where the layout has look-ups by each of them, the first of which ends sessions. */
type Named = (by: (sub: string) => object) => object[];
const [byId, byLookUps]: [Named, Named] = [(account) => [account('7')], (account) => [EMAIL, account('7')]];

/** Each function, its role, and how it is asked to log user 7 out. */
type Route = {
  name: FunctionName;
  logicalId: string;
  role: string;
  /** How many look-ups it has with the layout authjs. */
  lookUps: number;
  logout: (lambda: Lambda, named: Named) => Promise<Answer[]>;
};
const ROUTES: Route[] = [
  {
    name: 'logout_user',
    logicalId: 'LogoutUnderscoreuserLambdaFunction',
    role: 'LogoutRole',
    lookUps: 0,
    logout: async (lambda) => [await lambda.invoke({ userId: '7', token: await signToken(caller.secret_key) })],
  },
  {
    name: 'backchannel_logout',
    logicalId: 'BackchannelUnderscorelogoutLambdaFunction',
    role: 'BackchannelLogoutRole',
    lookUps: 1,
    logout: async (lambda) => {
      const token = await signLogoutToken(provider, newLogoutClaims('7'));
      return [await lambda.send(formEvent(`logout_token=${token}`))];
    },
  },
  {
    name: 'global_token_revocation',
    logicalId: 'GlobalUnderscoretokenUnderscorerevocationLambdaFunction',
    role: 'GlobalTokenRevocationRole',
    lookUps: 2,
    logout: async (lambda, named) => {
      const token = await revocationToken(organisation);
      const answers: Answer[] = [];
      for (const sub_id of named(accountAtOkta)) answers.push(await revoke(lambda, token, { sub_id }));
      return answers;
    },
  },
  {
    name: 'security_events',
    logicalId: 'SecurityUnderscoreeventsLambdaFunction',
    role: 'SecurityEventsRole',
    lookUps: 2,
    logout: async (lambda, named) => {
      const answers: Answer[] = [];
      for (const subject of named(account)) {
        const events = { [`${CAEP}/session-revoked`]: { subject } };
        answers.push(await pushToken(lambda, await securityEventToken(transmitter, events)));
      }
      return answers;
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

const USER = {
  pk: { S: 'USER#7' },
  sk: { S: 'USER#7' },
  GSI1PK: { S: 'USER#7@example.com' },
  GSI1SK: { S: 'USER#7@example.com' },
};

const packaged: Record<string, Package & { table: string; ids: string[] }> = {};
const queue = Object.entries(LAYOUTS).values();
const lane = async () => {
  for (const [layout, { index }] of queue) {
    const table = await createTable(layout, { indexes: index && [index], projection: 'ALL' });
    const hasLookUps = layout === 'authjs';
    if (hasLookUps) await putItems(table, [ACCOUNT, USER]);
    const [accounts, addresses] = hasLookUps ? [ACCOUNTS, ADDRESSES] : [{}, {}];
    const openidProviders = await storeSender(provider, accounts);
    const revocationIssuers = await storeSender(organisation, { ...accounts, ...addresses });
    const eventTransmitters = await storeSender(transmitter, { ...accounts, ...addresses });
    const kmsKey = layout === IN_JSON ? KEY : 'none';
    const records = { records: callerId, openidProviders, revocationIssuers, eventTransmitters };
    const parameters = { layout, table, userIdPattern: '.+', ...records, kmsKey, settleSeconds: '0.1' };
    const ids = Object.values(records);
    packaged[layout] = { table, ids, ...(await packageService(parameters, { bundle: false })) };
  }
};
await Promise.all([lane(), lane()]); // one for each core of a small machine

for (const [layout, { index, session }] of Object.entries(LAYOUTS)) {
  const title = layout === IN_JSON ? 'a layout in JSON' : `the layout ${layout}`;
  for (const [n, { name, logicalId, role, lookUps, logout }] of ROUTES.entries()) {
    describe(`${name} with ${title}`, () => {
      const { table, template, ids } = packaged[layout] ?? assert.fail();
      const statements = statementsOf(template, role);
      const secretId = ids[n];
      const others = ids.filter((id) => id !== secretId);
      const byTable = `table/${table}`;
      const byIndex = `table/${table}/index/${index?.name}`;
      const byAccount = `table/${table}/index/GSI1`;
      const deletes = index ? 'dynamodb:DeleteItem' : 'dynamodb:BatchWriteItem';
      const queries = Array(layout === 'authjs' ? lookUps : 0).fill('dynamodb:Query');
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
          const [first, ...more] = await logout(lambda, layout === 'authjs' ? byLookUps : byId);
          assert.partialDeepStrictEqual(first?.audit, { outcome: 'logged_out', user_id: '7', sessions_ended: 25 });
          for (const { audit } of more)
            assert.partialDeepStrictEqual(audit, { outcome: 'no_live_session', user_id: '7' });
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
          ...(queries.length > 0 ? [`dynamodb:Query ${byAccount}`] : []),
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
          ...queries,
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

      test(`the role of ${name} with ${title} may not read another route’s record, nor an unused version`, () => {
        const reads = calls.filter(({ action }) => action.startsWith('secretsmanager:'));
        const stages = new Set(reads.flatMap(({ keys }) => keys['secretsmanager:VersionStage']));
        assert.deepEqual([...stages], ['AWSCURRENT', 'AWSPREVIOUS']);
        for (const call of reads) {
          assertRefused([
            { ...call, keys: { 'secretsmanager:VersionStage': ['AWSPENDING'] } },
            { ...call, keys: {} },
          ]);
          assertRefused(others.map((id) => ({ ...call, resource: `secret:${id}-AbCdEf` })));
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
