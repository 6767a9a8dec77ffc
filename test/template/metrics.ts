import assert from 'node:assert/strict';
import type { AuditLine } from '../setup/lambda.ts';
import { propertiesOf, resourcesOf, type Template } from '../setup/package.ts';

// A metric is identified here as in CloudWatch: by namespace, name and the names of its dimensions.

type Embedded = { CloudWatchMetrics: { Namespace: string; Dimensions: string[][]; Metrics: { Name: string }[] }[] };
type Widget = { properties: { metrics?: (string | { expression?: string })[][] } };

/** The metrics that CloudWatch takes from an audit record. */
export function metricsWritten(line: AuditLine): string[] {
  const { CloudWatchMetrics }: Embedded = JSON.parse(JSON.stringify(line._aws));
  return CloudWatchMetrics.flatMap(({ Namespace, Dimensions, Metrics }) =>
    Dimensions.flatMap((dimensions) => Metrics.map(({ Name }) => [Namespace, Name, ...dimensions].join(' '))),
  );
}

type Metric = { Namespace: string; MetricName: string; Dimensions: { Name: string }[] };
type Watched = Partial<Metric> & { Metrics?: { MetricStat?: { Metric: Metric } }[] };

/** The metrics that alarms watch, by themselves or in an expression. */
export function metricsOfAlarms(template: Template): string[] {
  return Object.values(resourcesOf(template, 'AWS::CloudWatch::Alarm')).flatMap(({ Properties }) => {
    const { Metrics, ...metric }: Watched = JSON.parse(JSON.stringify(Properties));
    const watched = Metrics ? Metrics.flatMap(({ MetricStat }) => MetricStat?.Metric ?? []) : [metric];
    return watched.map(({ Namespace, MetricName, Dimensions = [] }) =>
      [Namespace, MetricName, ...Dimensions.map(({ Name }) => Name)].join(' '),
    );
  });
}

/** The metrics that the dashboard shows. */
export function metricsOfDashboard(template: Template): string[] {
  const { widgets }: { widgets: Widget[] } = JSON.parse(dashboardOf(template));
  return widgets.flatMap(({ properties }) => {
    let last: string[] = [];
    return (properties.metrics ?? []).map((given) => {
      const search = given.map((part) => (typeof part === 'string' ? undefined : part.expression)).find(Boolean);
      if (search) return metricOfSearch(search);
      const parts = given.filter((part) => typeof part === 'string');
      // A dot repeats the same part of the line before, three dots all of them.
      last = parts[0] === '...' ? last : parts.map((part, n) => (part === '.' ? (last[n] ?? '') : part));
      return last.filter((_, n) => n < 2 || n % 2 === 0).join(' ');
    });
  });
}

/** The body of the dashboard, as it is before CloudFormation fills in names. */
export function dashboardOf(template: Template): string {
  const { DashboardBody } = propertiesOf(template, 'Dashboard');
  const { 'Fn::Sub': body }: { 'Fn::Sub': string } = JSON.parse(JSON.stringify(DashboardBody));
  return body;
}

function metricOfSearch(expression: string): string {
  const [, schema = '', name = ''] =
    expression.match(/^SEARCH\('\{(.*)\} MetricName="(\w+)"/) ?? assert.fail(expression);
  const [namespace, ...dimensions] = schema.split(',').map((part) => {
    assert.match(part, /^([A-Za-z0-9]+|"[^"]+")$/, 'a part that is not alphanumeric is in quotes');
    return part.replaceAll('"', '');
  });
  return [namespace, name, ...dimensions].join(' ');
}
