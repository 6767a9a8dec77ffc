/** What an alarm says, the metric that it watches, and the properties in which it differs. */
export type Alarm = [description: string, metric: Metric, overrides?: Overrides];

/** A metric of the API, or one of the function: Lambda's, or the audit records' (lib/request/audit.ts), by outcome. */
export type Metric = ['AWS/ApiGateway' | 'AWS/Lambda' | 'auth-logout-user', name: string, outcome?: string];
type Overrides = { Threshold?: unknown; EvaluationPeriods?: number; ExtendedStatistic?: string };

const FUNCTION_NAME = { 'AWS/Lambda': 'FunctionName', 'auth-logout-user': 'function_name' };

/** An alarm on metrics of the function with this logical id. */
export function alarmResource(AlarmName: string, alarm: Alarm, lambda: string, topic: unknown) {
  const [AlarmDescription, [Namespace, MetricName, outcome], overrides] = alarm;
  const ofFunction = Namespace !== 'AWS/ApiGateway' && { Name: FUNCTION_NAME[Namespace], Value: { Ref: lambda } };
  const actions = topic === 'none' ? [] : [topic];
  return {
    Type: 'AWS::CloudWatch::Alarm',
    Properties: {
      AlarmName,
      AlarmDescription,
      Namespace,
      MetricName,
      Dimensions: [
        ofFunction || { Name: 'ApiId', Value: { Ref: 'HttpApi' } },
        ...(outcome ? [{ Name: 'outcome', Value: outcome }] : []),
      ],
      ...(!overrides?.ExtendedStatistic && { Statistic: 'Sum' }),
      Period: 300,
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
