import { readSettings, type Settings } from '../request/settings.ts';
import { type Layout, layoutAttributes } from '../sessions/layout.ts';

type Value = string | { Ref: string } | { 'Fn::GetAtt': [string, string] } | { 'Fn::Sub': string };
type Condition = Record<string, Record<string, Value | Value[]>>;
export type Statement = {
  Sid: string;
  Effect: 'Allow';
  Action: string | string[];
  Resource: Value | Value[];
  Condition?: Condition;
};

type Throughput = { OnDemandThroughput: object };

/** What serverless.yml says, as far as it matters here. The table and the record are there only when they are our own. */
type Service = {
  functions: { logout_user: { environment: Record<string, unknown> } };
  custom: { given: Record<string, unknown> };
  resources: {
    Resources: {
      LogoutRole: { Properties: { Policies: [{ PolicyDocument: { Statement?: Statement[] } }] } };
      SessionsTable?: { Properties: Throughput };
      ValidatorRecord?: object;
    };
  };
};
type Params = { default: object; [stage: string]: object | null };
type Serverless = {
  service: Service;
  configurationInput: { params: Params };
  classes: { Error: new (message: string, code: string) => Error };
};

// A wildcard or a variable in a name would widen the grant.
const TABLE_OR_INDEX = /^[\w.-]{3,255}$/;
const SECRET_NAME = /^[\w/+=.@-]{1,512}$/;
const SECRET_ARN = /^arn:[\w-]+:secretsmanager:[\w-]+:\d{12}:secret:[\w/+=.@-]+-[A-Za-z0-9]{6}$/;
const ATTRIBUTE = /^(?!.*\$\{)[\u0020-\u00ff]+$/; // what IAM takes in a policy

const NUMBER = { form: /^\d+$/, wanted: 'a number' };
const PARAMETERS: Record<string, { form: RegExp; wanted: string }> = {
  kmsKey: { form: /^(none|arn:[\w-]+:kms:[\w-]+:\d{12}:key\/[\w-]+)$/, wanted: 'none, or to the ARN of a key' },
  alarmTopic: { form: /^(none|arn:[\w-]+:sns:[\w-]+:\d{12}:[\w-]+)$/, wanted: 'none, or to the ARN of an SNS topic' },
  throttleRate: NUMBER,
  throttleBurst: NUMBER,
  rejectedTokensAlarm: NUMBER,
};

/**
 * A plugin of the Serverless Framework. It reads the function's environment as the function itself will, stops at a
 * setting that would stop the function, and derives from the rest what the role may do and the keys of our own table.
 */
export default class TemplatePlugin {
  readonly hooks: Record<string, () => void>;

  constructor({ service, classes, configurationInput }: Serverless, { param = [] }: { param?: string[] }) {
    this.hooks = {
      initialize: () => {
        try {
          checkNames(configurationInput.params, param);
          checkValues(service.custom.given);
          derive(service);
        } catch (error) {
          throw new classes.Error(error instanceof Error ? error.message : String(error), 'BAD_SETTING');
        }
      },
    };
  }
}

/** A misspelled parameter would leave its default: a new, empty table instead of yours, whose every logout is `false`. */
function checkNames({ default: known, ...stages }: Params, options: string[]): void {
  const inStages = Object.keys(Object.assign({}, ...Object.values(stages))); // it passes over a stage that is empty
  const given = [...inStages, ...options.map((option) => option.replace(/=.*/s, ''))];
  const unknown = given.find((name) => !Object.hasOwn(known, name));
  if (unknown) throw new Error(`There is no parameter ${unknown}: serverless.yml has them all under params, default`);
}

function checkValues(given: Record<string, unknown>): void {
  for (const [name, { form, wanted }] of Object.entries(PARAMETERS)) {
    const value = String(given[name]);
    if (!form.test(value)) throw new Error(`The parameter ${name} is "${value}": set it to ${wanted}`);
  }
}

function derive({ functions, custom, resources: { Resources } }: Service): void {
  const environment = Object.entries(functions.logout_user.environment).map(([name, value]) => [name, String(value)]);
  const settings = readSettings(Object.fromEntries(environment));
  const { LogoutRole, SessionsTable, ValidatorRecord } = Resources;

  const table: Value = SessionsTable ? { 'Fn::GetAtt': ['SessionsTable', 'Arn'] } : tableArn(settings.table);
  const records: Value[] = ValidatorRecord ? [{ Ref: 'ValidatorRecord' }] : settings.secretIds.map(recordArn);
  LogoutRole.Properties.Policies[0].PolicyDocument.Statement = [
    ...sessionGrants(settings, table),
    {
      Sid: 'ReadRecords',
      Effect: 'Allow',
      Action: 'secretsmanager:GetSecretValue',
      Resource: records,
      Condition: { StringEquals: { 'secretsmanager:VersionStage': ['AWSCURRENT', 'AWSPREVIOUS'] } },
    },
    ...(custom.given.kmsKey === 'none' ? [] : [decryptGrant(String(custom.given.kmsKey))]),
    {
      Sid: 'WriteLog',
      Effect: 'Allow',
      Action: ['logs:CreateLogStream', 'logs:PutLogEvents'],
      Resource: { 'Fn::GetAtt': ['LogoutUnderscoreuserLogGroup', 'Arn'] },
    },
    {
      Sid: 'Trace',
      Effect: 'Allow',
      Action: ['xray:PutTraceSegments', 'xray:PutTelemetryRecords'],
      Resource: '*', // X-Ray has no resources that a policy could name
    },
  ];
  if (SessionsTable) Object.assign(SessionsTable.Properties, tableKeys(settings.layout, SessionsTable.Properties));
}

function sessionGrants({ layout, table }: Settings, tableArn: Value): Statement[] {
  const attributes = layoutAttributes(layout).map((name) => checked('an attribute', name, ATTRIBUTE));
  const attributesAre = (names: string[]) => ({ 'ForAllValues:StringEquals': { 'dynamodb:Attributes': names } });
  return [
    {
      Sid: 'FindSessions',
      Effect: 'Allow',
      Action: 'dynamodb:Query',
      Resource: layout.index === null ? tableArn : indexArn(table, layout.index),
      // DynamoDB checks the attributes a request names. One that names none would see them all, but for the second line.
      Condition: { ...attributesAre(attributes), StringEqualsIfExists: { 'dynamodb:Select': 'SPECIFIC_ATTRIBUTES' } },
    },
    layout.index === null
      ? {
          Sid: 'EndSessions',
          Effect: 'Allow',
          Action: 'dynamodb:BatchWriteItem', // this action also writes items, but here none with more than its key
          Resource: tableArn,
          Condition: attributesAre(layout.tableKey),
        }
      : {
          Sid: 'EndSessions',
          Effect: 'Allow',
          Action: 'dynamodb:DeleteItem',
          Resource: tableArn,
          // ALL_OLD would hand out the item that is deleted.
          Condition: { ...attributesAre(attributes), StringEqualsIfExists: { 'dynamodb:ReturnValues': 'NONE' } },
        },
  ];
}

function decryptGrant(key: string): Statement {
  const services = ['dynamodb', 'secretsmanager'].map((name) => ({
    'Fn::Sub': `${name}.\${AWS::Region}.amazonaws.com`,
  }));
  return {
    Sid: 'Decrypt',
    Effect: 'Allow',
    Action: 'kms:Decrypt',
    Resource: key,
    Condition: { StringEquals: { 'kms:ViaService': services } },
  };
}

/** The keys, the index and the time to live of a table in this layout. An index has a maximum of its own. */
function tableKeys({ tableKey, index, userKey, sortKey, expiry }: Layout, { OnDemandThroughput }: Throughput) {
  const indexKey = index === null ? [] : [userKey.name, ...(sortKey ? [sortKey.name] : [])];
  const keySchema = (names: string[]) =>
    names.map((AttributeName, n) => ({ AttributeName, KeyType: n === 0 ? 'HASH' : 'RANGE' }));
  const Projection = { ProjectionType: 'KEYS_ONLY' };
  return {
    KeySchema: keySchema(tableKey),
    AttributeDefinitions: [...new Set([...tableKey, ...indexKey])].map((AttributeName) => ({
      AttributeName,
      AttributeType: AttributeName === userKey.name ? userKey.type : 'S',
    })),
    ...(index && {
      GlobalSecondaryIndexes: [{ IndexName: index, KeySchema: keySchema(indexKey), Projection, OnDemandThroughput }],
    }),
    // Seconds are all that DynamoDB's own deletion understands.
    ...(expiry?.unit === 'seconds' && { TimeToLiveSpecification: { AttributeName: expiry.name, Enabled: true } }),
  };
}

function tableArn(table: string): Value {
  return arn('dynamodb', `table/${checked('a table', table, TABLE_OR_INDEX)}`);
}

function indexArn(table: string, index: string): Value {
  return arn('dynamodb', `table/${table}/index/${checked('an index', index, TABLE_OR_INDEX)}`);
}

/** The ARN of a record ends in six characters that Secrets Manager chose, and that its name does not tell. */
function recordArn(id: string): Value {
  if (id.startsWith('arn:')) return checked('a record', id, SECRET_ARN);
  return arn('secretsmanager', `secret:${checked('a record', id, SECRET_NAME)}-??????`);
}

function arn(service: string, resource: string): Value {
  return { 'Fn::Sub': `arn:\${AWS::Partition}:${service}:\${AWS::Region}:\${AWS::AccountId}:${resource}` };
}

function checked(what: string, name: string, form: RegExp): string {
  if (!form.test(name)) throw new Error(`"${name}" cannot be the name of ${what} in the policy of the function's role`);
  return name;
}
