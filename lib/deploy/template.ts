import { readSettings } from '../request/settings.ts';
import { decrypt, logAndTrace, readRecords, recordArn, type Statement, sessionGrants, type Value } from './grants.ts';
import { ownTable, type Throughput } from './own_table.ts';

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

const NUMBER = { form: /^\d+$/, wanted: 'a number' };
const PARAMETERS: Record<string, { form: RegExp; wanted: string }> = {
  kmsKey: {
    form: /^(none|arn:[\w-]+:kms:[\w-]+:\d{12}:key\/[\w-]+(,\s*arn:[\w-]+:kms:[\w-]+:\d{12}:key\/[\w-]+)*)$/,
    wanted: 'none, or to the ARN of a key, or of several, comma separated',
  },
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
    process.env.SLS_SCHEMA_CACHE_BASE_DIR ??= 'node_modules/.cache'; // else the home, which may not be writable
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
      // Not for a local run, which lives by such addresses. Without it each cold start looks for two files.
      'package:initialize': () => {
        for (const { environment } of Object.values(service.functions))
          environment.AWS_IGNORE_CONFIGURED_ENDPOINT_URLS = 'true';
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
  const settings = readSettings(Object.fromEntries(environment), 'VALIDATOR_SECRET_IDS');
  const { LogoutRole, SessionsTable, ValidatorRecord } = Resources;
  const own = SessionsTable && settings.stores[0].table;
  const called = settings.stores.findIndex(({ table }) => table === 'own');
  if (called > 0)
    throw new Error(`MORE_STORES: entry ${called}: name the table instead of own: ${own ?? 'it is not ours'}`);
  const records: Value[] = ValidatorRecord ? [{ Ref: 'ValidatorRecord' }] : settings.secretIds.map(recordArn);
  const kmsKeys = String(custom.given.kmsKey).split(/,\s*/);
  LogoutRole.Properties.Policies[0].PolicyDocument.Statement = [
    ...sessionGrants(settings.stores, own),
    readRecords(records),
    ...(custom.given.kmsKey === 'none' ? [] : [decrypt(kmsKeys)]),
    ...logAndTrace('LogoutUnderscoreuserLogGroup'),
  ];
  if (own) Object.assign(SessionsTable.Properties, ownTable(own, settings.stores, SessionsTable.Properties));
}
