import assert from 'node:assert/strict';
import type { Statement } from '../../lib/deploy/grants.ts';
import { propertiesOf, resourcesOf, type Template } from '../setup/package.ts';
import type { Sent } from '../setup/proxy.ts';

/** A call to AWS as IAM sees it: the action, the resource, and the values of its condition keys. */
export type Call = { action: string; resource: string; keys: Record<string, string[]> };

/** Everything that the role is granted. */
export function statementsOf(template: Template, role = 'LogoutRole'): Statement[] {
  const granting = Object.entries(template.Resources).filter(([, { Type }]) => Type.startsWith('AWS::IAM::'));
  const functions = Object.keys(resourcesOf(template, 'AWS::Lambda::Function'));
  assert.equal(granting.length, functions.length, 'one role for each function, and no policy beside it');
  const text = JSON.stringify(propertiesOf(template, role).Policies);
  const policies: { PolicyDocument: { Statement: Statement[] } }[] = JSON.parse(text);
  return policies.flatMap(({ PolicyDocument }) => PolicyDocument.Statement);
}

/** Whether one of the statements allows the call: action, resource and every condition, as IAM evaluates them. */
export function allows(statements: Statement[], call: Call): boolean {
  return statements.some(
    ({ Action, Resource, Condition = {} }) =>
      [Action].flat().includes(call.action) &&
      [Resource].flat().some((resource) => matches(nameOf(resource), call.resource)) &&
      Object.entries(Condition).every(([operator, wanted]) =>
        Object.entries(wanted).every(([key, values]) => holds(operator, [values].flat(), call.keys[key])),
      ),
  );
}

/** A request that reached DynamoDB or Secrets Manager, as a call. */
export function readCall({ operation, headers, body: text }: Sent): Call {
  const body: Body = JSON.parse(text);
  if (String(headers['x-amz-target']).startsWith('secretsmanager.')) {
    const keys = { 'secretsmanager:VersionStage': present(body.VersionStage) };
    return { action: `secretsmanager:${operation}`, resource: `secret:${body.SecretId}-AbCdEf`, keys };
  }
  const [batchTable, batch = []] = Object.entries(body.RequestItems ?? {})[0] ?? [];
  const items = [
    body.Key,
    body.ExclusiveStartKey,
    ...batch.flatMap(({ DeleteRequest, PutRequest }) => [DeleteRequest?.Key, PutRequest?.Item]),
  ];
  const attributes = [
    ...Object.values(body.ExpressionAttributeNames ?? {}),
    ...items.flatMap((item) => Object.keys(item ?? {})),
  ];
  // What DynamoDB assumes when the request does not say.
  const select = body.ProjectionExpression ? 'SPECIFIC_ATTRIBUTES' : 'ALL_ATTRIBUTES';
  return {
    action: `dynamodb:${operation}`,
    resource: `table/${body.TableName ?? batchTable}${body.IndexName ? `/index/${body.IndexName}` : ''}`,
    keys: {
      'dynamodb:Attributes': attributes,
      ...(operation === 'Query' && { 'dynamodb:Select': [body.Select ?? select] }),
      ...(operation === 'DeleteItem' && { 'dynamodb:ReturnValues': [body.ReturnValues ?? 'NONE'] }),
    },
  };
}

type Item = Record<string, unknown>;
type Body = {
  TableName?: string;
  IndexName?: string;
  Key?: Item;
  ExclusiveStartKey?: Item;
  RequestItems?: Record<string, { DeleteRequest?: { Key: Item }; PutRequest?: { Item: Item } }[]>;
  ExpressionAttributeNames?: Record<string, string>;
  ProjectionExpression?: string;
  Select?: string;
  ReturnValues?: string;
  SecretId?: string;
  VersionStage?: string;
};

function present(value: string | undefined): string[] {
  return value === undefined ? [] : [value];
}

/** The end of an ARN: what follows the account. */
function nameOf(resource: unknown): string {
  const text = typeof resource === 'string' ? resource : JSON.stringify(resource);
  return (
    text.match(/^\{"Fn::Sub":"arn:\$\{AWS::Partition\}:\w+:\$\{AWS::Region\}:\$\{AWS::AccountId\}:(.*)"\}$/)?.[1] ??
    text
  );
}

function matches(pattern: string, name: string): boolean {
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${source}$`).test(name);
}

function holds(operator: string, allowed: unknown[], values: string[] = []): boolean {
  if (operator === 'StringEquals') return values.length === 1 && allowed.includes(values[0]);
  assert.ok(['StringEqualsIfExists', 'ForAllValues:StringEquals'].includes(operator), `unknown operator: ${operator}`);
  return values.every((value) => allowed.includes(value));
}
