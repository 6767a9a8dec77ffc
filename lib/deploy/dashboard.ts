/** The logical ids of what a route's widgets show. */
export type Shown = { lambda: string; logGroup: string; alarms: string[] };
export type Widget = { type: string; width: number; height: number; properties: object };

const OWN = 'auth-logout-user';
const SUM = { stat: 'Sum', period: 300 };
const REGION = { region: ref('AWS::Region') };

/** The dashboard as a resource, with these widgets in that order. */
export function dashboardResource(name: string, widgets: Widget[]) {
  return {
    Type: 'AWS::CloudWatch::Dashboard',
    Properties: { DashboardName: name, DashboardBody: { 'Fn::Sub': JSON.stringify({ widgets }, null, 1) } },
  };
}

/** What the dashboard shows of logout_user, and of the API. */
export function logoutWidgets({ lambda, logGroup, alarms }: Shown): Widget[] {
  const own = (metric: string) => [OWN, metric, 'function_name', ref(lambda)];
  const same = (metric: string) => ['.', metric, '.', '.']; // as the one before
  const api = ['AWS/ApiGateway', 'Count', 'ApiId', ref('HttpApi')];
  const errors = ['AWS/Lambda', 'Errors', 'FunctionName', ref(lambda)];
  const left = [own('sessions_left'), same('stale_record'), same('throttles')];
  return [
    alarmWidget('Alarms', alarms),
    metricWidget('Logouts by outcome', [search(lambda, 'requests', 'outcome')]),
    metricWidget(
      'Sessions ended',
      [own('sessions_ended'), same('sessions_written_back'), same('items_left_alone')],
      SUM,
    ),
    metricWidget('Rejections, all and by reason', [own('rejections'), search(lambda, 'rejections', 'reason')], SUM),
    metricWidget(
      'Latency, ms',
      [
        [...own('duration_ms'), { stat: 'p50' }],
        ['...', { stat: 'p99' }],
      ],
      { period: 300 },
    ),
    metricWidget('Sessions left, stale records, throttles of DynamoDB', left, SUM),
    metricWidget('API and function', [api, same('4xx'), same('5xx'), errors, same('Throttles')], SUM),
    logWidget('Failed requests', logGroup, "level = 'ERROR'", 'user_id'),
  ];
}

/** What the dashboard shows of an optional route. */
export function routeWidgets(callers: string) {
  const refused = "level = 'ERROR' or ispresent(reason)";
  return ({ lambda, logGroup, alarms }: Shown): Widget[] => [
    alarmWidget(`Alarms of the route for ${callers}`, alarms),
    metricWidget(`${callers}: logouts by outcome`, [search(lambda, 'requests', 'outcome')]),
    metricWidget(`${callers}: rejections by reason`, [search(lambda, 'rejections', 'reason')]),
    logWidget(`${callers}: what was refused or failed`, logGroup, refused, 'validator, actor'),
  ];
}

function alarmWidget(title: string, ids: string[]): Widget {
  return { type: 'alarm', width: 24, height: 3, properties: { title, alarms: ids.map((id) => ref(`${id}.Arn`)) } };
}

function metricWidget(title: string, metrics: unknown[], options: object = {}): Widget {
  return { type: 'metric', width: 12, height: 6, properties: { title, ...REGION, ...options, metrics } };
}

function logWidget(title: string, logGroup: string, filter: string, field: string): Widget {
  const fields = `@timestamp, outcome, reason, fault, ${field}, request_id`;
  const query = `SOURCE '${ref(logGroup)}' | filter ${filter} | fields ${fields} | sort @timestamp desc | limit 50`;
  return { type: 'log', width: 24, height: 6, properties: { title, ...REGION, query } };
}

/** All metrics of that name of the function, one for each value of the dimension. */
function search(lambda: string, metric: string, dimension: string) {
  const schema = `{"${OWN}","function_name",${dimension}}`;
  const terms = `MetricName="${metric}" function_name="${ref(lambda)}"`;
  return [{ expression: `SEARCH('${schema} ${terms}', 'Sum', 300)` }];
}

/** What CloudFormation fills in. */
function ref(name: string): string {
  return `\${${name}}`;
}
