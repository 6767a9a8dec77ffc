/** What an alarm says, what it watches, and the properties in which it differs. */
export type Alarm = [description: string, watched: Metric | Expression, overrides?: Overrides];

/** A metric of the API, or one of the function: Lambda's, or the audit records' (lib/request/audit.ts), by outcome. */
export type Metric = ['AWS/ApiGateway' | 'AWS/Lambda' | 'auth-logout-user', name: string, outcome?: string];
/** CloudWatch's metric math over the requests of the function by outcome, summed up over so many seconds. */
export type Expression = { outcomes: string[]; expression: string; seconds: number };
type Overrides = { Threshold?: unknown; EvaluationPeriods?: number; ExtendedStatistic?: string };

const FUNCTION_NAME = { 'AWS/Lambda': 'FunctionName', 'auth-logout-user': 'function_name' };

/** An alarm on metrics of the function with this logical id. */
export function alarmResource(AlarmName: string, alarm: Alarm, lambda: string, topic: unknown) {
  const [AlarmDescription, watched, overrides] = alarm;
  const actions = topic === 'none' ? [] : [topic];
  return {
    Type: 'AWS::CloudWatch::Alarm',
    Properties: {
      AlarmName,
      AlarmDescription,
      ...('expression' in watched ? mathProperties(watched, lambda) : metricProperties(watched, lambda, overrides)),
      EvaluationPeriods: 1,
      Threshold: 1,
      ComparisonOperator: 'GreaterThanOrEqualToThreshold',
      TreatMissingData: 'notBreaching',
      AlarmActions: actions,
      OKActions: actions,
      ...overrides,
    },
  };
}

function metricProperties(metric: Metric, lambda: string, overrides: Overrides = {}) {
  return { ...metricOf(metric, lambda), ...(!overrides.ExtendedStatistic && { Statistic: 'Sum' }), Period: 300 };
}

function mathProperties({ outcomes, expression, seconds }: Expression, lambda: string) {
  const metrics = outcomes.map((outcome) => ({
    Id: outcome,
    MetricStat: { Metric: metricOf(['auth-logout-user', 'requests', outcome], lambda), Stat: 'Sum', Period: seconds },
    ReturnData: false,
  }));
  return { Metrics: [...metrics, { Id: 'watched', Expression: expression, ReturnData: true }] };
}

function metricOf([Namespace, MetricName, outcome]: Metric, lambda: string) {
  const Dimensions = [
    Namespace === 'AWS/ApiGateway'
      ? { Name: 'ApiId', Value: { Ref: 'HttpApi' } }
      : { Name: FUNCTION_NAME[Namespace], Value: { Ref: lambda } },
    ...(outcome ? [{ Name: 'outcome', Value: outcome }] : []),
  ];
  return { Namespace, MetricName, Dimensions };
}
