import { layoutAttributes } from '../sessions/layout.ts';
import { within } from '../sessions/members.ts';
import type { Store } from '../sessions/store.ts';

export type Value = string | { Ref: string } | { 'Fn::GetAtt': [string, string] } | { 'Fn::Sub': string };
type Condition = Record<string, Record<string, Value | Value[]>>;
export type Statement = {
  Sid: string;
  Effect: 'Allow';
  Action: string | string[];
  Resource: Value | Value[];
  Condition?: Condition;
};

const OWN_TABLE: Value = { 'Fn::GetAtt': ['SessionsTable', 'Arn'] };

// A wildcard or a variable in a name would widen the grant.
const TABLE_OR_INDEX = { form: /^[\w.-]{3,255}$/, wanted: '3 to 255 letters, digits, _, - and .' };
const SECRET_NAME = { form: /^[\w/+=.@-]{1,512}$/, wanted: '1 to 512 letters, digits and /_+=.@-' };
const SECRET_ARN = {
  form: /^arn:[\w-]+:secretsmanager:[\w-]+:\d{12}:secret:[\w/+=.@-]+-[A-Za-z0-9]{6}$/,
  wanted: 'the whole ARN of a secret, with the six characters at its end',
};
const ATTRIBUTE = { form: /^(?!.*\$\{)[\u0020-\u00ff]+$/, wanted: 'what IAM takes there: Latin-1, and no ${' };

/** Grants to end sessions in these stores, by each layout's attributes. `own` is the table that the stack creates. */
export function sessionGrants(stores: Store[], own: string | undefined): Statement[] {
  return stores.flatMap((store, n) => {
    const number = n === 0 ? '' : n + 1; // a Sid must be unique in a policy
    const grants = () =>
      storeGrants(store, store.table === own).map((grant) => ({ ...grant, Sid: `${grant.Sid}${number}` }));
    return n === 0 ? grants() : within(`MORE_STORES: entry ${n}`, grants);
  });
}

function storeGrants({ table, layout }: Store, isOwn: boolean): Statement[] {
  const tableArn = isOwn ? OWN_TABLE : dynamoDBArn(checked('a table', table, TABLE_OR_INDEX));
  const attributes = layoutAttributes(layout);
  return [
    findGrant('FindSessions', layout.index === null ? tableArn : indexArn(table, layout.index), attributes),
    layout.index === null
      ? {
          Sid: 'EndSessions',
          Effect: 'Allow',
          Action: 'dynamodb:BatchWriteItem', // this can also put items, but here none with more than a key
          Resource: tableArn,
          Condition: attributesAre(layout.tableKey),
        }
      : {
          Sid: 'EndSessions',
          Effect: 'Allow',
          Action: 'dynamodb:DeleteItem',
          Resource: tableArn,
          // ALL_OLD would return the deleted item.
          Condition: { ...attributesAre(attributes), StringEqualsIfExists: { 'dynamodb:ReturnValues': 'NONE' } },
        },
  ];
}

/** The grant to find the user of an OpenID provider's account, by the index of the first layout with `account`. */
export function accountGrants(stores: Store[]): Statement[] {
  for (const { table, layout } of stores) {
    if (!layout.account) continue;
    const { index, partitionKey, sortKey } = layout.account;
    return [findGrant('FindAccount', indexArn(table, index), [partitionKey.name, sortKey.name, layout.userKey.name])];
  }
  return [];
}

function findGrant(Sid: string, Resource: Value, attributes: string[]): Statement {
  return {
    Sid,
    Effect: 'Allow',
    Action: 'dynamodb:Query',
    Resource,
    // DynamoDB checks the attributes that a request names. The second condition stops one that names none, to read all.
    Condition: { ...attributesAre(attributes), StringEqualsIfExists: { 'dynamodb:Select': 'SPECIFIC_ATTRIBUTES' } },
  };
}

function attributesAre(names: string[]): Condition {
  const attributes = names.map((name) => checked('an attribute', name, ATTRIBUTE));
  return { 'ForAllValues:StringEquals': { 'dynamodb:Attributes': attributes } };
}

export function readRecords(records: Value[]): Statement {
  return {
    Sid: 'ReadRecords',
    Effect: 'Allow',
    Action: 'secretsmanager:GetSecretValue',
    Resource: records,
    Condition: { StringEquals: { 'secretsmanager:VersionStage': ['AWSCURRENT', 'AWSPREVIOUS'] } },
  };
}

export function decrypt(keys: string[]): Statement {
  const services = ['dynamodb', 'secretsmanager'].map((name) => ({
    'Fn::Sub': `${name}.\${AWS::Region}.amazonaws.com`,
  }));
  return {
    Sid: 'Decrypt',
    Effect: 'Allow',
    Action: 'kms:Decrypt',
    Resource: keys,
    Condition: { StringEquals: { 'kms:ViaService': services } },
  };
}

/** What every function does besides its work. */
export function logAndTrace(logGroup: string): Statement[] {
  return [
    {
      Sid: 'WriteLog',
      Effect: 'Allow',
      Action: ['logs:CreateLogStream', 'logs:PutLogEvents'],
      Resource: { 'Fn::GetAtt': [logGroup, 'Arn'] },
    },
    {
      Sid: 'Trace',
      Effect: 'Allow',
      Action: ['xray:PutTraceSegments', 'xray:PutTelemetryRecords'],
      Resource: '*', // X-Ray has no resources that a policy could name
    },
  ];
}

function dynamoDBArn(table: string): Value {
  return arn('dynamodb', `table/${table}`);
}

function indexArn(table: string, index: string): Value {
  return dynamoDBArn(
    `${checked('a table', table, TABLE_OR_INDEX)}/index/${checked('an index', index, TABLE_OR_INDEX)}`,
  );
}

/** The ARN of a record, given by that or by name. An ARN ends in six characters that Secrets Manager chooses. */
export function recordArn(id: string): Value {
  if (id.startsWith('arn:')) return checked('a record', id, SECRET_ARN);
  return arn('secretsmanager', `secret:${checked('a record', id, SECRET_NAME)}-??????`);
}

/** The name of the record, which may be given by its ARN. */
export function recordName(id: string): string {
  return id.replace(/^arn:.*:secret:(.*)-[A-Za-z0-9]{6}$/, '$1');
}

function arn(service: string, resource: string): Value {
  return { 'Fn::Sub': `arn:\${AWS::Partition}:${service}:\${AWS::Region}:\${AWS::AccountId}:${resource}` };
}

function checked(what: string, name: string, { form, wanted }: { form: RegExp; wanted: string }): string {
  if (!form.test(name))
    throw new Error(`"${name}" cannot be the name of ${what} in the policy of the function's role: use ${wanted}`);
  return name;
}
