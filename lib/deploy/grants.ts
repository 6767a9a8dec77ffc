import { layoutAttributes } from '../sessions/layout.ts';
import type { Store } from '../sessions/store.ts';
import { locate, SettingError } from '../settings/setting_error.ts';

export type Value = string | { Ref: string } | { 'Fn::GetAtt': [string, string] } | { 'Fn::Sub': string };
type Values = Value | Value[];
type Condition = Record<string, Record<string, Values>>;
export type Statement = {
  Sid: string;
  Effect: 'Allow';
  Action: string | string[];
  Resource: Values;
  Condition?: Condition;
};

/** The members of a layout by which a route finds users. */
export type LookUpName = 'account' | 'email';
const FIND: Record<LookUpName, string> = { account: 'FindAccount', email: 'FindEmail' };

const TABLE = { form: /^[\w.-]{3,255}$/, wanted: '3 to 255 letters, digits, _, - and .' };
const ATTRIBUTE = { form: /^(?!.*\$\{)[\u0020-\u00ff]+$/, wanted: 'what IAM takes there: Latin-1, and no ${' };

/** Grants to end sessions in these stores, by each layout's attributes. `own` is the table that the stack creates. */
export function sessionGrants(stores: Store[], own: string | undefined): Statement[] {
  return stores.flatMap(({ table, layout }, n) => {
    const { index, tableKey } = layout;
    const tableArn = locateStore(n, 'SESSIONS_TABLE', () => dynamoDBArn(table, undefined, own));
    const attributes = locateStore(n, 'SESSION_LAYOUT', () => attributesAre(layoutAttributes(layout)));
    const found = index === null ? tableArn : dynamoDBArn(table, index, own);
    return [
      allowQuery(`FindSessions${sidNumber(n)}`, found, attributes),
      index === null
        ? // This action can also put items, but here none with more than a key.
          allow(`EndSessions${sidNumber(n)}`, 'dynamodb:BatchWriteItem', tableArn, attributesAre(tableKey))
        : allow(`EndSessions${sidNumber(n)}`, 'dynamodb:DeleteItem', tableArn, {
            ...attributes,
            StringEqualsIfExists: { 'dynamodb:ReturnValues': 'NONE' }, // ALL_OLD would return the deleted item
          }),
    ];
  });
}

/** Grants to find the user of an account or an address, in each layout that says where. */
export function lookUpGrants(stores: Store[], own: string | undefined, lookUps: LookUpName[]): Statement[] {
  return stores.flatMap(({ table, layout }, n) =>
    lookUps.flatMap((name) => {
      const lookUp = layout[name];
      if (!lookUp) return [];
      const { partitionKey, sortKey, userId = layout.userKey } = lookUp;
      const names = new Set([partitionKey, sortKey, userId].flatMap((attribute) => attribute?.name ?? []));
      const attributes = locateStore(n, 'SESSION_LAYOUT', () => attributesAre([...names]));
      const found = dynamoDBArn(lookUp.table ?? table, lookUp.index, own);
      return allowQuery(`${FIND[name]}${sidNumber(n)}`, found, attributes);
    }),
  );
}

/** A Sid must be unique in a policy. */
function sidNumber(store: number): string {
  return store === 0 ? '' : String(store + 1);
}

/** Names the setting of that store in any error. */
export function locateStore<T>(store: number, variable: string, check: () => T): T {
  return locate(store === 0 ? { variable } : { variable: 'MORE_STORES', path: [`entry ${store}`] }, check);
}

function allowQuery(sid: string, resource: Value, attributes: Condition): Statement {
  // DynamoDB checks the attributes that a request names. The second condition stops one that names none, to read all.
  const select = { StringEqualsIfExists: { 'dynamodb:Select': 'SPECIFIC_ATTRIBUTES' } };
  return allow(sid, 'dynamodb:Query', resource, { ...attributes, ...select });
}

function attributesAre(names: string[]): Condition {
  const attributes = names.map((name) => checkedName('an attribute', name, ATTRIBUTE));
  return { 'ForAllValues:StringEquals': { 'dynamodb:Attributes': attributes } };
}

/** A statement that allows this. */
export function allow(Sid: string, Action: string | string[], Resource: Values, Condition?: Condition): Statement {
  return { Sid, Effect: 'Allow', Action, Resource, ...(Condition && { Condition }) };
}

function dynamoDBArn(table: string, index: string | undefined, own: string | undefined): Value {
  if (index === undefined && table === own) return { 'Fn::GetAtt': ['SessionsTable', 'Arn'] };
  const path = index === undefined ? '' : `/index/${index}`; // a layout's index is a name: lib/settings/ has checked it
  return arn('dynamodb', `table/${checkedName('a table', table, TABLE)}${path}`);
}

/** An ARN in the stack's own account and region. */
export function arn(service: string, resource: string): Value {
  return { 'Fn::Sub': `arn:\${AWS::Partition}:${service}:\${AWS::Region}:\${AWS::AccountId}:${resource}` };
}

/** Refuses a name of another form: a wildcard or a variable in it would widen the grant. */
export function checkedName(what: string, name: string, { form, wanted }: { form: RegExp; wanted: string }): string {
  if (form.test(name)) return name;
  throw new SettingError(`"${name}" cannot be the name of ${what} in the policy of the function's role: use ${wanted}`);
}
