import { readSettings } from '../request/settings.ts';
import {
  accountGrants,
  decrypt,
  logAndTrace,
  readRecords,
  recordArn,
  recordName,
  type Statement,
  sessionGrants,
  type Value,
} from './grants.ts';
import { ownTable, type Throughput } from './own_table.ts';
import { checkParams, checkValues, type Params } from './parameters.ts';

const PARAMETER_OF = new Map([
  ['SESSIONS_TABLE', 'table'],
  ['SESSION_LAYOUT', 'layout'],
  ['MORE_STORES', 'moreStores'],
  ['USER_ID_PATTERN', 'userIdPattern'],
  ['SETTLE_SECONDS', 'settleSeconds'],
  ['VALIDATOR_SECRET_IDS', 'records'],
  ['OPENID_PROVIDER_SECRET_IDS', 'openidProviders'],
  ['VALIDATOR_MAX_AGE_SECONDS', 'validatorMaxAgeSeconds'],
]);

type LambdaFunction = { environment: Record<string, unknown> };
type Role = { Properties: { Policies: [{ PolicyDocument: { Statement?: Statement[] } }] } };

/**
 * The parts of serverless.yml that matter here. The table and the record are there only when they are our own, the
 * second function and its role only when there are OpenID providers.
 */
type Service = {
  functions: { logout_user: LambdaFunction; backchannel_logout?: LambdaFunction };
  custom: { given: Record<string, unknown> };
  resources: {
    Resources: {
      LogoutRole: Role;
      BackchannelLogoutRole?: Role;
      SessionsTable?: { Properties: Throughput };
      ValidatorRecord?: object;
    };
  };
};
type Serverless = {
  service: Service;
  configurationInput: { params: Params };
  classes: { Error: new (message: string, code: string) => Error };
};

/**
 * A plugin of the Serverless Framework. It reads each function's environment as the function itself will, refuses a
 * setting with which it would not start, and derives from the others what its role may do and the keys of our own table.
 */
export default class TemplatePlugin {
  readonly hooks: Record<string, () => void>;

  constructor({ service, classes, configurationInput }: Serverless, { param = [] }: { param?: string[] }) {
    process.env.SLS_SCHEMA_CACHE_BASE_DIR ??= 'node_modules/.cache'; // the default, the home, may not be writable
    this.hooks = {
      initialize: () => {
        try {
          checkParams(configurationInput.params, param);
          checkValues(service.custom.given);
          derive(service);
        } catch (error) {
          throw new classes.Error(withParameter(error instanceof Error ? error.message : String(error)), 'BAD_SETTING');
        }
      },
      // Not in a local run, which depends on such addresses. Without it each cold start looks for two files.
      'package:initialize': () => {
        for (const { environment } of Object.values(service.functions))
          environment.AWS_IGNORE_CONFIGURED_ENDPOINT_URLS = 'true';
      },
    };
  }
}

function derive({ functions, custom, resources: { Resources } }: Service): void {
  const { stores, secretIds } = readSettings(environmentOf(functions.logout_user), 'VALIDATOR_SECRET_IDS');
  const { LogoutRole, BackchannelLogoutRole, SessionsTable, ValidatorRecord } = Resources;
  const own = SessionsTable && stores[0].table;
  const namedOwn = stores.findIndex(({ table }) => table === 'own');
  if (namedOwn > 0)
    throw new Error(`MORE_STORES: entry ${namedOwn}: write ${own ?? "the table's name"} instead of own`);
  const records: Value[] = ValidatorRecord ? [{ Ref: 'ValidatorRecord' }] : secretIds.map(recordArn);
  const { kmsKey } = custom.given;
  const decryption = kmsKey === 'none' ? [] : [decrypt(String(kmsKey).split(/,\s*/))];

  grant(LogoutRole, [
    ...sessionGrants(stores, own),
    readRecords(records),
    ...decryption,
    ...logAndTrace('LogoutUnderscoreuserLogGroup'),
  ]);
  if (functions.backchannel_logout && BackchannelLogoutRole) {
    const providers = readSettings(environmentOf(functions.backchannel_logout), 'OPENID_PROVIDER_SECRET_IDS');
    checkApart(providers.secretIds, secretIds);
    grant(BackchannelLogoutRole, [
      ...sessionGrants(stores, own),
      ...accountGrants(stores),
      readRecords(providers.secretIds.map(recordArn)),
      ...decryption,
      ...logAndTrace('BackchannelUnderscorelogoutLogGroup'),
    ]);
  }
  if (own) Object.assign(SessionsTable.Properties, ownTable(own, stores, SessionsTable.Properties));
}

function environmentOf({ environment }: LambdaFunction): Record<string, string> {
  return Object.fromEntries(Object.entries(environment).map(([name, value]) => [name, String(value)]));
}

/** Adds the parameter that a faulty variable comes from. */
function withParameter(line: string): string {
  const parameter = PARAMETER_OF.get(line.match(/^[A-Z_]+/)?.[0] ?? '');
  return parameter ? `${line} (parameter ${parameter})` : line;
}

function grant({ Properties }: Role, statements: Statement[]): void {
  Properties.Policies[0].PolicyDocument.Statement = statements;
}

/** With one record for both routes, the provider's ID tokens would be callers' tokens, which log anybody out. */
function checkApart(providers: string[], callers: string[]): void {
  const names = callers.map(recordName);
  const shared = providers.find((id) => names.includes(recordName(id)));
  if (shared)
    throw new Error(`The parameters records and openidProviders both name ${shared}: each needs its own record`);
}
