import type { Settings } from '../settings/environment.ts';
import { locate } from '../settings/setting_error.ts';
import { allow, arn, checkedName, lookUpGrants, type Statement, sessionGrants, type Value } from './grants.ts';
import type { Route } from './routes.ts';

const SECRET_NAME = { form: /^[\w/+=.@-]{1,512}$/, wanted: '1 to 512 letters, digits and /_+=.@-' };
const SECRET_ARN = {
  form: /^arn:[\w-]+:secretsmanager:[\w-]+:\d{12}:secret:[\w/+=.@-]+-[A-Za-z0-9]{6}$/,
  wanted: 'the whole ARN of a secret, with the six characters at its end',
};

/** The names of the stack's own table and record. */
export type Own = { table: string | undefined; record: string | undefined };
type Grantee = Route & Settings & { own: Own; kmsKey: unknown; logGroup: string };

/** The role of a function, with one policy, which is named after it. */
export function roleResource(id: string, grantee: Grantee) {
  const { records, lookUps, stores, secretIds, own, kmsKey, logGroup } = grantee;
  const kebabCase = id.replace(/\B[A-Z]/g, '-$&').toLowerCase();
  const lambda = { Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' }, Action: 'sts:AssumeRole' };
  const Version = '2012-10-17';
  const Statement = [
    ...sessionGrants(stores, own.table),
    ...lookUpGrants(stores, own.table, lookUps),
    recordGrant(locate(records, () => secretIds.map((secretId) => recordArn(secretId, own.record)))),
    ...(kmsKey === 'none' ? [] : [kmsGrant(String(kmsKey).split(/,\s*/))]),
    ...logGrants(logGroup),
  ];
  return {
    Type: 'AWS::IAM::Role',
    Properties: {
      AssumeRolePolicyDocument: { Version, Statement: [lambda] },
      Policies: [{ PolicyName: kebabCase.replace(/-role$/, ''), PolicyDocument: { Version, Statement } }],
    },
  };
}

function recordGrant(records: Value[]): Statement {
  const stages = { StringEquals: { 'secretsmanager:VersionStage': ['AWSCURRENT', 'AWSPREVIOUS'] } };
  return allow('ReadRecords', 'secretsmanager:GetSecretValue', records, stages);
}

function kmsGrant(keys: string[]): Statement {
  const services = ['dynamodb', 'secretsmanager'].map((name) => ({
    'Fn::Sub': `${name}.\${AWS::Region}.amazonaws.com`,
  }));
  return allow('Decrypt', 'kms:Decrypt', keys, { StringEquals: { 'kms:ViaService': services } });
}

/** What every function does besides its work. */
function logGrants(logGroup: string): Statement[] {
  const group = { 'Fn::GetAtt': [logGroup, 'Arn'] } satisfies Value;
  return [
    allow('WriteLog', ['logs:CreateLogStream', 'logs:PutLogEvents'], group),
    allow('Trace', ['xray:PutTraceSegments', 'xray:PutTelemetryRecords'], '*'), // X-Ray has no resources that a policy could name
  ];
}

/** The ARN of a record, given by that or by name. An ARN ends in six characters that Secrets Manager chooses. */
function recordArn(id: string, own: string | undefined): Value {
  if (id === own) return { Ref: 'ValidatorRecord' };
  if (id.startsWith('arn:')) return checkedName('a record', id, SECRET_ARN);
  return arn('secretsmanager', `secret:${checkedName('a record', id, SECRET_NAME)}-??????`);
}

/** The name of the record, which may be given by its ARN. */
export function recordName(id: string): string {
  return id.replace(/^arn:.*:secret:(.*)-[A-Za-z0-9]{6}$/, '$1');
}

/** Every name that the record may have: an ARN without the six characters at its end may have a name that ends like them. */
export function recordNames(id: string): string[] {
  return [recordName(id), id.replace(/^arn:.*:secret:/, '')];
}
