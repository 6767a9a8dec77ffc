// Finds the user whom a provider names, where users have ids of their own and an item links the two.
import { type DynamoDBClient, QueryCommand, type QueryCommandInput } from '@aws-sdk/client-dynamodb';
import { awsError } from '../aws/error.ts';
import { decisive, ServiceError } from '../errors.ts';
import { Aliases, type Item } from './expressions.ts';
import type { LookUp } from './layout.ts';
import { required } from './queries.ts';
import { RequestLimiter } from './request_limiter.ts';
import type { Store } from './store.ts';

const MAX_PARTITION_KEY_BYTES = 2048;
const MAX_SORT_KEY_BYTES = 1024;

/** What a provider's record says about its users: a template of their id, or its name in the items that link. */
export type ProviderUsers = { name: string; userId: string; accountProvider: string | undefined };

/** Where a store has the items that link accounts to users. */
type Links = LookUp & Required<Pick<LookUp, 'table' | 'userId'>>;

/**
 * The id of the user whom the provider calls `sub`; undefined when no user is linked to that account. Every store whose
 * layout has `account` is asked, with one Query. Throws USER_ID_NOT_ACCEPTED when no such store can hold `sub`, INTERNAL
 * when the items name different users.
 */
export async function findUserId(
  sub: string,
  { name, userId, accountProvider: provider }: ProviderUsers,
  stores: Store[],
  client: DynamoDBClient,
  deadline: AbortSignal,
): Promise<string | undefined> {
  if (provider === undefined) return userId.replaceAll('{sub}', () => sub);

  const all = stores.flatMap(({ table, layout: { account, userKey } }) =>
    account ? [{ table, userId: userKey, ...account }] : [],
  );
  if (all.length === 0) {
    const fault = `validator record ${name}: account_provider needs a layout that has account`;
    throw new ServiceError('INTERNAL', 'record_invalid', fault);
  }
  const asked = all.flatMap((links) => {
    const query = linkQuery(links, { provider, sub });
    return query ? [userIdsBy(query, links, client, deadline)] : [];
  });
  if (asked.length === 0) throw new ServiceError('USER_ID_NOT_ACCEPTED', 'user_id');
  const found = await Promise.allSettled(asked); // no request outlives the answer
  const userIds = new Set(found.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : [])));
  const failures = found.flatMap((answer) => (answer.status === 'rejected' ? [awsError(answer.reason)] : []));
  const failure = decisive(failures);
  if (failure) throw failure;
  if (userIds.size > 1) throw new ServiceError('INTERNAL', 'account_invalid', 'one account is linked to several users');
  return [...userIds][0];
}

/** The ids of the users in the items that the Query finds. */
async function userIdsBy(
  query: QueryCommandInput,
  { userId }: Links,
  client: DynamoDBClient,
  deadline: AbortSignal,
): Promise<string[]> {
  const send = () => client.send(new QueryCommand(query), { abortSignal: deadline });
  const { Items, LastEvaluatedKey } = await new RequestLimiter(deadline).send(send);
  if (LastEvaluatedKey) throw new Error('the Query for an account has another page'); // keys so exact fit one page
  return required(Items).map((item) => linkedUserId(item, userId));
}

/**
 * The Query for the item that links the account; undefined when its keys cannot hold the values. It reads only the
 * user's id: the item also holds tokens.
 */
function linkQuery(
  { table, index, partitionKey, sortKey, userId }: Links,
  values: Record<string, string>,
): QueryCommandInput | undefined {
  const fill = (template: string) => template.replace(/\{(\w+)\}/g, (placeholder, name) => values[name] ?? placeholder);
  const partition = fill(partitionKey.value);
  const sort = fill(sortKey?.value ?? '');
  const fits = (text: string, maxBytes: number) => text.isWellFormed() && Buffer.byteLength(text) <= maxBytes;
  if (!fits(partition, MAX_PARTITION_KEY_BYTES) || !fits(sort, MAX_SORT_KEY_BYTES)) return undefined;
  const alias = new Aliases();
  const conditions = [`${alias.of(partitionKey.name)} = :partition`];
  if (sortKey) conditions.push(`${alias.of(sortKey.name)} = :sort`);
  return {
    TableName: table,
    ...(index === undefined ? { ConsistentRead: true } : { IndexName: index }),
    KeyConditionExpression: conditions.join(' AND '),
    Select: 'SPECIFIC_ATTRIBUTES', // explicit, because the role's policy requires it
    ProjectionExpression: alias.of(userId.name),
    ExpressionAttributeNames: alias.names,
    ExpressionAttributeValues: { ':partition': { S: partition }, ...(sortKey && { ':sort': { S: sort } }) },
  };
}

/** The user id in the item's attribute, taken out by its template. */
function linkedUserId(item: Item, { name, value: template }: { name: string; value: string }): string {
  const { S, N } = item[name] ?? {};
  const value = S ?? N ?? '';
  const [before = '', after = ''] = template.split('{user_id}');
  const userId = value.slice(before.length, value.length - after.length);
  if (userId === '' || before + userId + after !== value) {
    throw new ServiceError('INTERNAL', 'account_invalid', `${name} of the linked item is not the key of a user`);
  }
  return userId;
}
