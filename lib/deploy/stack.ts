// What is added to serverless.yml: the optional routes, our own table and record, and what follows from the settings.
import type { Store } from '../sessions/store.ts';
import { readSettings } from '../settings/environment.ts';
import { SettingError } from '../settings/setting_error.ts';
import { defaultUserIdPattern } from '../settings/user_id_pattern.ts';
import { alarmResource } from './alarms.ts';
import { dashboardResource, type Widget } from './dashboard.ts';
import { ownRecord } from './own_record.ts';
import { ownTable } from './own_table.ts';
import type { Parameters } from './parameters.ts';
import { type Own, recordName, roleResource } from './role.ts';
import { LOGOUT_USER, OPTIONAL_ROUTES } from './routes.ts';

/** The parts of serverless.yml that matter here. */
export type Service = {
  service: string;
  provider: { stage: string };
  functions: Record<string, LambdaFunction> & { logout_user: LambdaFunction };
  resources: {
    extensions: { HttpApiStage: { DependsOn?: string[]; Properties: { RouteSettings?: object } } };
    Resources?: object;
    Outputs?: object;
  };
};
type LambdaFunction = {
  role: string;
  reservedConcurrency?: unknown;
  environment: Record<string, string>;
  events: object[];
};
/** How the framework calls what it makes of a function or a route. */
export type Naming = Record<
  'getLambdaLogicalId' | 'getLogGroupLogicalId' | 'getHttpApiRouteLogicalId',
  (name: string) => string
>;

/** What is deployed, and under which names. */
export type Deployment = { stack: string; service: Service; parameters: Parameters; naming: Naming };

/** Completes logout_user, and adds a function for each optional route that has records. */
export function addFunctions({ stack, service, parameters, naming }: Deployment): void {
  const { functions, resources } = service;
  const { reservedConcurrency } = parameters;
  const { logout_user } = functions;
  if (parameters.table === 'own') logout_user.environment.SESSIONS_TABLE = `${stack}-sessions`;
  if (parameters.userIdPattern === 'by layout')
    logout_user.environment.USER_ID_PATTERN = defaultUserIdPattern(logout_user.environment.SESSION_LAYOUT);
  if (parameters.records === 'own') logout_user.environment.VALIDATOR_SECRET_IDS = `${stack}-validator`;
  logout_user.reservedConcurrency =
    reservedConcurrency === 'none' ? { Ref: 'AWS::NoValue' } : Number(reservedConcurrency);

  // The others do not settle: their callers hang up after a few seconds.
  const { VALIDATOR_SECRET_IDS: _, SETTLE_SECONDS: __, ...shared } = logout_user.environment;
  const stage = resources.extensions.HttpApiStage;
  for (const { name, description, path, records, throttle } of OPTIONAL_ROUTES) {
    if (parameters[records.parameter] === 'none') continue;
    const route = `POST ${path}`;
    const added = {
      name: `${stack}-${name}`,
      description,
      handler: `functions/${name}.handler`,
      role: `${pascalCase(name)}Role`,
      environment: { ...shared, [records.variable]: String(parameters[records.parameter]) },
      events: [{ httpApi: route }],
    };
    functions[name] = { ...logout_user, ...added };
    // Settings of a route that does not exist yet are refused.
    stage.DependsOn = [...(stage.DependsOn ?? []), naming.getHttpApiRouteLogicalId(route)];
    stage.Properties.RouteSettings = {
      ...stage.Properties.RouteSettings,
      [route]: { ThrottlingRateLimit: parameters[throttle.rate], ThrottlingBurstLimit: parameters[throttle.burst] },
    };
  }
}

/** Adds the roles, our own table and record, the alarms, the dashboard and the outputs. */
export function addResources({ stack, service, parameters, naming }: Deployment): void {
  const { functions, resources } = service;
  const { SESSIONS_TABLE: table = '', VALIDATOR_SECRET_IDS: records = '' } = functions.logout_user.environment;
  const own: Own = {
    table: parameters.table === 'own' ? table : undefined,
    record: parameters.records === 'own' ? records : undefined,
  };
  const { stores } = readSettings(functions.logout_user.environment, 'VALIDATOR_SECRET_IDS');
  checkNotOwn(stores, own.table);

  const added: Record<string, object> = {};
  const widgets: Widget[] = [];
  const parameterOf = new Map<string, string>();
  for (const route of [LOGOUT_USER, ...OPTIONAL_ROUTES]) {
    const { environment, role } = functions[route.name] ?? {};
    if (!environment || !role) continue;
    const settings = readSettings(environment, route.records.variable);
    for (const id of settings.secretIds) checkUnshared(id, route.records.parameter, parameterOf);
    const lambda = naming.getLambdaLogicalId(route.name);
    const logGroup = naming.getLogGroupLogicalId(route.name);
    added[role] = roleResource(role, { ...route, ...settings, own, kmsKey: parameters.kmsKey, logGroup });
    const alarms = Object.entries(route.alarms(parameters)).map(([name, alarm]) => {
      const id = `${pascalCase(name)}Alarm`;
      added[id] = alarmResource(`${stack}-${name}`, alarm, lambda, parameters.alarmTopic);
      return id;
    });
    widgets.push(...route.widgets({ lambda, logGroup, alarms }));
  }
  if (own.table) added.SessionsTable = ownTable(own.table, stores);
  if (own.record) added.ValidatorRecord = ownRecord(own.record);
  added.Dashboard = dashboardResource(stack, widgets);

  resources.Resources = { ...resources.Resources, ...added };
  const home = `https://\${AWS::Region}.console.aws.amazon.com/cloudwatch/home?region=\${AWS::Region}`;
  resources.Outputs = {
    ...resources.Outputs,
    SecretIds: { Description: 'The validator records in Secrets Manager', Value: records },
    Table: { Description: 'The table of the sessions', Value: table },
    Dashboard: { Value: { 'Fn::Sub': `${home}#dashboards/dashboard/\${Dashboard}` } },
  };
}

function checkNotOwn(stores: Store[], own: string | undefined): void {
  const entry = stores.findIndex(({ table }) => table === 'own');
  if (entry < 1) return;
  const what = `write ${own ?? "the table's name"} instead of own`;
  throw new SettingError(what, [`entry ${entry}`], { variable: 'MORE_STORES' });
}

/** With one record for two routes, a provider's ID tokens would be callers' tokens, which log anybody out. */
function checkUnshared(id: string, parameter: string, parameterOf: Map<string, string>): void {
  const earlier = parameterOf.get(recordName(id)) ?? parameter;
  if (earlier !== parameter)
    throw new SettingError(`The parameters ${earlier} and ${parameter} both name ${id}: each needs its own record`);
  parameterOf.set(recordName(id), parameter);
}

function pascalCase(name: string): string {
  return name.replace(/(?:^|[-_])(\w)/g, (_, letter) => letter.toUpperCase());
}
