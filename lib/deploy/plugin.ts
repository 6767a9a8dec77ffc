import { SettingError } from '../settings/setting_error.ts';
import { checkRegion, type Params, readParameters } from './parameters.ts';
import { LOGOUT_USER, OPTIONAL_ROUTES } from './routes.ts';
import { addFunctions, addResources, checkFunctionNames, type Naming, type Service } from './stack.ts';

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

type Serverless = {
  service: Service;
  configurationInput: { params: Params };
  getProvider(name: 'aws'): { naming: Naming };
  classes: { Error: new (message: string, code: string) => Error };
};

/**
 * A plugin of the Serverless Framework. It adds to serverless.yml what its parameters ask for, and reads each function's
 * environment as the function itself will: with a setting that would stop a function, there is no package.
 */
export default class DeployPlugin {
  readonly hooks: Record<string, () => void>;

  constructor(serverless: Serverless, { param = [] }: { param?: string[] }) {
    process.env.SLS_SCHEMA_CACHE_BASE_DIR ??= 'node_modules/.cache'; // the default, the home, may not be writable
    const { service, configurationInput, classes } = serverless;
    const check = <T>(read: () => T): T => {
      try {
        return read();
      } catch (error) {
        if (!(error instanceof SettingError)) throw error;
        const { what, path, variable, parameter = PARAMETER_OF[variable ?? ''] } = error;
        throw new classes.Error(new SettingError(what, path, { variable, parameter }).message, 'BAD_SETTING');
      }
    };
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
          addResources(deployment);
          checkRegion(parameters, service.provider.region);
        }),
      // Not in a local run, which depends on such addresses. Without it each cold start looks for two files.
      'package:initialize': () => {
        process.umask(0o022); // esbuild's files keep their modes in the zip: Lambda's user has to be able to read them
        for (const { environment } of Object.values(service.functions))
          environment.AWS_IGNORE_CONFIGURED_ENDPOINT_URLS = 'true';
      },
    };
  }
}
