import { DynamoDBClient, type DynamoDBClientConfig } from '@aws-sdk/client-dynamodb';
import { SettingError } from '../settings/setting_error.ts';
import { lookAtTables } from './look_at_tables.ts';
import { expiriesIn } from './own_table.ts';
import { checkRegion, type Params, readParameters } from './parameters.ts';
import { LOGOUT_USER, OPTIONAL_ROUTES } from './routes.ts';
import { addFunctions, addResources, checkFunctionNames, type Naming, type Service, type Used } from './stack.ts';

/** The parameter that each variable of a function's environment comes from. */
const PARAMETER_OF: Record<string, string> = {
  SESSIONS_TABLE: 'table',
  SESSION_LAYOUT: 'layout',
  MORE_STORES: 'moreStores',
  USER_ID_PATTERN: 'userIdPattern',
  SETTLE_SECONDS: 'settleSeconds',
  VALIDATOR_MAX_AGE_SECONDS: 'validatorMaxAgeSeconds',
  ...Object.fromEntries([LOGOUT_USER, ...OPTIONAL_ROUTES].map(({ records }) => [records.variable, records.parameter])),
};

type Log = Record<'notice' | 'warning', (line: string) => void>;
type Serverless = {
  service: Service;
  configurationInput: { params: Params };
  getProvider(name: 'aws'): { naming: Naming; getAwsSdkV3Config(): Promise<DynamoDBClientConfig> };
  classes: { Error: new (message: string, code: string) => Error };
};

/**
 * A plugin of the Serverless Framework. It adds to serverless.yml what its parameters ask for, and reads each function's
 * environment as the function itself will: with a setting that would stop a function, there is no package.
 */
export default class DeployPlugin {
  readonly hooks: Record<string, () => void | Promise<void>>;

  constructor(serverless: Serverless, { param = [] }: { param?: string[] }, { log }: { log: Log }) {
    process.env.SLS_SCHEMA_CACHE_BASE_DIR ??= 'node_modules/.cache'; // the default, the home, may not be writable
    const { service, configurationInput, classes } = serverless;
    const named = (error: unknown): unknown => {
      if (!(error instanceof SettingError)) return error;
      const { what, path, variable, parameter = PARAMETER_OF[variable ?? ''] } = error;
      return new classes.Error(new SettingError(what, path, { variable, parameter }).message, 'BAD_SETTING');
    };
    const check = <T>(read: () => T): T => {
      try {
        return read();
      } catch (error) {
        throw named(error);
      }
    };
    let used: Used | undefined;
    // Now: after this the framework holds serverless.yml against its schema, and names no parameter.
    const parameters = check(() => readParameters(configurationInput.params, service.provider.stage, param));
    this.hooks = {
      initialize: () =>
        check(() => {
          const { naming } = serverless.getProvider('aws');
          const stack = `${service.service}-${service.provider.stage}`;
          const deployment = { stack, service, parameters, naming };
          addFunctions(deployment);
          checkFunctionNames(deployment);
          used = addResources(deployment);
          checkRegion(parameters, service.provider.region);
        }),
      'before:deploy:deploy': async () => {
        if (!used) return;
        log.notice(summary(service, used));
        const [served, ...others] = expiriesIn(used.own.table, used.stores);
        if (others.length > 0)
          log.warning(`Time to live of ${used.own.table} is on ${served} alone: items with ${others.join(', ')} stay`);
        const dynamodb = new DynamoDBClient(await serverless.getProvider('aws').getAwsSdkV3Config());
        const looked = lookAtTables(dynamodb, used.stores, used.lookUps, used.own.table);
        const notices = await looked.catch((error: unknown) => Promise.reject(named(error)));
        for (const notice of notices) log.warning(notice);
      },
      // Not in a local run, which depends on such addresses. Without it each cold start looks for two files.
      'package:initialize': () => {
        process.umask(0o022); // esbuild's files keep their modes in the zip: Lambda's user has to be able to read them
        for (const { environment } of Object.values(service.functions))
          environment.AWS_IGNORE_CONFIGURED_ENDPOINT_URLS = 'true';
      },
    };
  }
}

/** What is deployed, in one line. */
function summary({ provider, functions }: Service, { stores, own, secretIds }: Used): string {
  const [main] = stores;
  const { SESSION_LAYOUT = '', USER_ID_PATTERN } = functions.logout_user.environment;
  const tables = stores.map(({ table }) => (table === own.table ? `${table} (the stack's own)` : table));
  const layout = SESSION_LAYOUT.trim().startsWith('{') ? `as JSON, by ${main?.layout.userKey.name}` : SESSION_LAYOUT;
  const parts = { stage: provider.stage, table: [...new Set(tables)].join(' and '), layout, ids: USER_ID_PATTERN };
  const line = Object.entries({ ...parts, records: secretIds.join(', ') }).map(([name, value]) => `${name} ${value}`);
  return `Deploys ${line.join('; ')}`;
}
