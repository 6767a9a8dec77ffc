// Finds the user id for an OpenID provider's `sub`, even where users have ids of their own and an item links the two.
import { type DynamoDBClient, QueryCommand, type QueryCommandInput } from '@aws-sdk/client-dynamodb';
import { awsError } from '../aws/error.ts';
import { ServiceError } from '../errors.ts';
import { Aliases, type Item } from './expressions.ts';
import type { LookUp } from './layout.ts';
import { required } from './queries.ts';
import { RequestLimiter } from './request_limiter.ts';
import type { Store } from './store.ts';

const MAX_PARTITION_KEY_BYTES = 2048;
const MAX_SORT_KEY_BYTES = 1024;

/** What a provider's record says about its users: a template of their id, or its name in the items that link. */
export type ProviderUsers = { name: string; userId: string; accountProvider: string | undefined };

/** Where to find the items that link accounts to users. */
type Links = { table: string; account: LookUp; userKey: { name: string; value: string } };

/**
 * The id of the user whom the provider calls `sub`; undefined when no user is linked to that account. The links are in
 * the first store whose layout has `account`, and take one Query. Throws USER_ID_NOT_ACCEPTED when its keys cannot hold
 * `sub`.
 */
export async function findUserId(
  sub: string,
  { name, userId, accountProvider }: ProviderUsers,
  stores: Store[],
  client: DynamoDBClient,
  deadline: AbortSignal,
): Promise<string | undefined> {
  if (accountProvider === undefined) return userId.replaceAll('{sub}', () => sub);

  const [links] = stores.flatMap(({ table, layout: { account, userKey } }) =>
    account ? [{ table: account.table ?? table, account, userKey: account.userId ?? userKey }] : [],
  );
  if (!links) {
    const fault = `validator record ${name}: account_provider needs a layout that has account`;
    throw new ServiceError('INTERNAL', 'record_invalid', fault);
  }
  const query = new QueryCommand(accountQuery(links, accountProvider, sub));
  const send = () => client.send(query, { abortSignal: deadline });
  const { Items, LastEvaluatedKey } = await new RequestLimiter(deadline)
    .send(send)
    .catch((error: unknown) => Promise.reject(awsError(error)));
  if (LastEvaluatedKey) throw new Error('the Query for an account has another page'); // keys so exact fit one page

  const userIds = new Set(required(Items).map((item) => linkedUserId(item, links)));
  if (userIds.size > 1) throw new ServiceError('INTERNAL', 'account_invalid', 'one account is linked to several users');
  return [...userIds][0];
}

/** The Query for the item that links the account. It reads only the user's key: the item also holds tokens. */
function accountQuery({ table, account, userKey }: Links, provider: string, sub: string): QueryCommandInput {
  const { index, partitionKey, sortKey } = account;
  const value = (template: string, maxBytes: number) => {
    const S = template.replace(/\{(provider|sub)\}/g, (_, part) => (part === 'sub' ? sub : provider));
    if (S.isWellFormed() && Buffer.byteLength(S) <= maxBytes) return { S };
    throw new ServiceError('USER_ID_NOT_ACCEPTED', 'user_id');
  };
  const alias = new Aliases();
  return {
    TableName: table,
    IndexName: index,
    KeyConditionExpression: `${alias.of(partitionKey.name)} = :partition${sortKey ? ` AND ${alias.of(sortKey.name)} = :sort` : ''}`,
    Select: 'SPECIFIC_ATTRIBUTES', // explicit, because the role's policy requires it
    ProjectionExpression: alias.of(userKey.name),
    ExpressionAttributeNames: alias.names,
    ExpressionAttributeValues: {
      ':partition': value(partitionKey.value, MAX_PARTITION_KEY_BYTES),
      ...(sortKey && { ':sort': value(sortKey.value, MAX_SORT_KEY_BYTES) }),
    },
  };
}

/** The user id in the item's user key, taken out by the layout's template. */
function linkedUserId(item: Item, { userKey }: Links): string {
  const { S, N } = item[userKey.name] ?? {};
  const value = S ?? N ?? '';
  const [before = '', after = ''] = userKey.value.split('{user_id}');
  const userId = value.slice(before.length, value.length - after.length);
  if (userId === '' || before + userId + after !== value) {
    throw new ServiceError(
      'INTERNAL',
      'account_invalid',
      `${userKey.name} of the linked item is not the key of a user`,
    );
  }
  return userId;
}
