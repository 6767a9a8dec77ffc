// What is added to serverless.yml: the optional routes, our own table and record, and what follows from the settings.
import type { Store } from '../sessions/store.ts';
import { readSettings } from '../settings/environment.ts';
import { locate, SettingError } from '../settings/setting_error.ts';
import { defaultUserIdPattern } from '../settings/user_id_pattern.ts';
import { alarmResource } from './alarms.ts';
import { dashboardResource, type Widget } from './dashboard.ts';
import type { LookUpName } from './grants.ts';
import { layoutForFunction, storesForFunction } from './library_layouts.ts';
import { ownRecord } from './own_record.ts';
import { ownTable } from './own_table.ts';
import type { Parameters } from './parameters.ts';
import { checkPatternTime } from './pattern_time.ts';
import { type Own, recordNames, roleResource } from './role.ts';
import { LOGOUT_USER, OPTIONAL_ROUTES } from './routes.ts';

/** The parts of serverless.yml that matter here. */
export type Service = {
  service: string;
  provider: { stage: string; region: string };
  functions: Record<string, LambdaFunction> & { logout_user: LambdaFunction };
  resources: {
    extensions: { HttpApiStage: { DependsOn?: string[]; Properties: { [settings: string]: object } } };
    Conditions?: object;
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

const MAX_FUNCTION_NAME = 64;

/** What is deployed, and under which names. */
export type Deployment = { stack: string; service: Service; parameters: Parameters; naming: Naming };

/** Completes logout_user, and adds a function for each optional route that has records. */
export function addFunctions({ stack, service, parameters, naming }: Deployment): void {
  const { functions, resources } = service;
  const { reservedConcurrency } = parameters;
  if (Number(reservedConcurrency) === 0) {
    const what = 'is 0, which turns the function off: set it to none, or to a number above 0';
    throw new SettingError(what, [], { parameter: 'reservedConcurrency' });
  }
  const { logout_user } = functions;
  const { environment } = logout_user;
  if (parameters.table === 'own') environment.SESSIONS_TABLE = `${stack}-sessions`;
  if (parameters.userIdPattern === 'by layout')
    environment.USER_ID_PATTERN = defaultUserIdPattern(environment.SESSION_LAYOUT);
  environment.SESSION_LAYOUT = locate({ variable: 'SESSION_LAYOUT' }, () =>
    layoutForFunction(String(parameters.layout)),
  );
  environment.MORE_STORES = locate({ variable: 'MORE_STORES' }, () => storesForFunction(String(parameters.moreStores)));
  if (parameters.records === 'own') environment.VALIDATOR_SECRET_IDS = `${stack}-validator`;
  logout_user.reservedConcurrency =
    reservedConcurrency === 'none' ? { Ref: 'AWS::NoValue' } : Number(reservedConcurrency);

  // The others do not settle: their callers hang up after a few seconds.
  const { VALIDATOR_SECRET_IDS: _, SETTLE_SECONDS: __, ...shared } = environment;
  const stage = resources.extensions.HttpApiStage;
  stage.Properties.DefaultRouteSettings = throttling(parameters.throttleRate, parameters.throttleBurst);
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
      [route]: throttling(parameters[throttle.rate], parameters[throttle.burst]),
    };
  }
}

/** Settings of routes, whose numbers CloudFormation passes on as they are: those of the command line are text. */
function throttling(rate: unknown, burst: unknown) {
  return { ThrottlingRateLimit: Number(rate), ThrottlingBurstLimit: Number(burst) };
}

/** Refuses a stage with which a function's name is too long for Lambda: of all names, that one has the lowest limit. */
export function checkFunctionNames({ stack, service }: Deployment): void {
  const longest = Object.keys(service.functions).reduce((name, other) => (other.length > name.length ? other : name));
  const most = MAX_FUNCTION_NAME - `${service.service}--${longest}`.length;
  if (service.provider.stage.length <= most) return;
  const what = `The stage ${service.provider.stage} is too long for ${stack}-${longest}, the name of a function`;
  throw new SettingError(`${what}: use a stage of at most ${most} characters`);
}

/** What the functions use: `own` are the stack's, `secretIds` the records of all routes. */
export type Used = { stores: Store[]; own: Own; lookUps: LookUpName[]; secretIds: string[] };

/** Adds the roles, our own table and record, the alarms, the dashboard and the outputs. Returns what they are for. */
export function addResources({ stack, service, parameters, naming }: Deployment): Used {
  const { functions, resources } = service;
  const { SESSIONS_TABLE: table = '', VALIDATOR_SECRET_IDS: records = '' } = functions.logout_user.environment;
  const own: Own = {
    table: parameters.table === 'own' ? table : undefined,
    record: parameters.records === 'own' ? records : undefined,
  };
  const { stores } = readSettings(functions.logout_user.environment, 'VALIDATOR_SECRET_IDS');
  checkNotOwn(stores, own.table);
  const { USER_ID_PATTERN: pattern, SESSION_LAYOUT: layout } = functions.logout_user.environment;
  if (pattern !== defaultUserIdPattern(layout) || stores.length > 1) checkPatternTime(stores);

  const added: Record<string, object> = {};
  const widgets: Widget[] = [];
  const parameterOf = new Map<string, string>(); // by the name of a record
  const used: Used = { stores, own, lookUps: [], secretIds: [] };
  for (const route of [LOGOUT_USER, ...OPTIONAL_ROUTES]) {
    const { environment, role } = functions[route.name] ?? {};
    if (!environment || !role) continue;
    const settings = readSettings(environment, route.records.variable);
    for (const id of settings.secretIds) checkUnshared(id, route.records.parameter, parameterOf);
    used.lookUps.push(...route.lookUps);
    used.secretIds.push(...settings.secretIds);
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
  const { conditions, domain } = consoleDomain();
  resources.Conditions = { ...resources.Conditions, ...conditions };
  const home = `https://\${AWS::Region}.\${Console}/cloudwatch/home?region=\${AWS::Region}`;
  resources.Outputs = {
    ...resources.Outputs,
    SecretIds: { Description: 'The validator records in Secrets Manager', Value: records },
    Table: { Description: 'The table of the sessions', Value: table },
    Dashboard: { Value: { 'Fn::Sub': [`${home}#dashboards/dashboard/\${Dashboard}`, { Console: domain }] } },
  };
  return used;
}

/** The domain of the AWS console, which depends on the partition. */
function consoleDomain() {
  const isPartition = (name: string) => ({ 'Fn::Equals': [{ Ref: 'AWS::Partition' }, name] });
  const elsewhere = { 'Fn::If': ['IsChina', 'console.amazonaws.cn', 'console.aws.amazon.com'] };
  return {
    conditions: { IsGovCloud: isPartition('aws-us-gov'), IsChina: isPartition('aws-cn') },
    domain: { 'Fn::If': ['IsGovCloud', 'console.amazonaws-us-gov.com', elsewhere] },
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
  for (const name of recordNames(id)) {
    const earlier = parameterOf.get(name) ?? parameter;
    if (earlier !== parameter)
      throw new SettingError(`The parameters ${earlier} and ${parameter} both name ${id}: each needs its own record`);
    parameterOf.set(name, parameter);
  }
}

function pascalCase(name: string): string {
  return name.replace(/(?:^|[-_])(\w)/g, (_, letter) => letter.toUpperCase());
}
