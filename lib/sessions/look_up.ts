// Finds the user whom a token names by something else than his id.
import { type DynamoDBClient, QueryCommand, type QueryCommandInput } from '@aws-sdk/client-dynamodb';
import { awsError } from '../aws/error.ts';
import { decisive, ServiceError } from '../errors.ts';
import { Aliases, type Item } from './expressions.ts';
import type { LookUp } from './layout.ts';
import { required } from './queries.ts';
import { RequestLimiter } from './request_limiter.ts';
import type { SessionStores } from './session_stores.ts';
import type { Store } from './store.ts';

const MAX_PARTITION_KEY_BYTES = 2048;
const MAX_SORT_KEY_BYTES = 1024;

/** Whom something else names: by `sub`, his account at a provider, or by his address. */
type Subject = { sub: string } | { email: string };

/** What a record says about the users whom it names. */
type UsersOfRecord = {
  name: string;
  /** The template of a user id. */
  userId: string;
  /** The provider's name in the items that link accounts to users. */
  accountProvider: string | undefined;
  emailDomains: string[] | undefined;
};

/** Where a store has the items that link something to users. */
type Links = LookUp & Required<Pick<LookUp, 'table' | 'userId'>>;
type LinkQuery = { query: QueryCommandInput; userId: Links['userId'] };

/**
 * The id of the user. Where users have ids of their own, every store whose layout has the look-up is asked. Throws
 * NO_ACCOUNT when none knows the account or the address, USER_ID_NOT_ACCEPTED when no store can hold it or takes the id,
 * INTERNAL when the items name different users.
 */
export async function findUserId(
  subject: Subject,
  record: UsersOfRecord,
  sessions: SessionStores,
  deadline: AbortSignal,
): Promise<string> {
  return sessions.checkUserId(await idOf(subject, record, sessions, deadline));
}

async function idOf(
  subject: Subject,
  { name, userId, accountProvider: provider, emailDomains }: UsersOfRecord,
  { stores, client }: SessionStores,
  deadline: AbortSignal,
): Promise<string> {
  const [accounts, addresses] = [linksIn(stores, 'account'), linksIn(stores, 'email')];
  if (provider !== undefined && accounts.length === 0) throw missing(name, 'account_provider', 'account');
  if (emailDomains && addresses.length === 0) throw missing(name, 'email_domains', 'email');
  if ('sub' in subject && provider === undefined) return userId.replaceAll('{sub}', () => subject.sub);

  const links = 'sub' in subject ? accounts : addresses;
  const keys = 'sub' in subject ? [{ provider, sub: subject.sub }] : spellings(subject.email);
  const queries = unique(links.flatMap((link) => keys.flatMap((values) => linkQuery(link, values) ?? [])));
  if (queries.length === 0) throw new ServiceError('USER_ID_NOT_ACCEPTED', 'user_id');
  const found = await Promise.allSettled(queries.map((query) => userIdsBy(query, client, deadline))); // no request outlives the answer
  const failures = found.flatMap((answer) => (answer.status === 'rejected' ? [awsError(answer.reason)] : []));
  const failure = decisive(failures);
  if (failure) throw failure;
  const [first, ...others] = new Set(found.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : [])));
  if (others.length > 0) {
    const what = 'sub' in subject ? 'account' : 'address';
    throw new ServiceError('INTERNAL', 'account_invalid', `one ${what} is linked to several users`);
  }
  if (first === undefined) throw new ServiceError('NO_ACCOUNT', 'no_account');
  return first;
}

function linksIn(stores: Store[], member: 'account' | 'email'): Links[] {
  return stores.flatMap(({ table, layout }) =>
    layout[member] ? [{ table, userId: layout.userKey, ...layout[member] }] : [],
  );
}

function missing(record: string, field: string, member: string): ServiceError {
  const fault = `validator record ${record}: ${field} needs a layout that has ${member}`;
  return new ServiceError('INTERNAL', 'record_invalid', fault);
}

/** An address as it was sent, and in lower case: what a template of a key may be filled with. */
function spellings(email: string): Record<string, string>[] {
  const lower = email.toLowerCase();
  if (lower.toUpperCase() !== email.toUpperCase()) return []; // the lower case of U+212A is k, which is another letter
  return [email, lower].map((spelling) => ({ email: spelling, 'email:lower': lower }));
}

/** Without repetition: two spellings may make the same key, and two stores may have the same links. */
function unique(queries: LinkQuery[]): LinkQuery[] {
  return [...new Map(queries.map((query) => [JSON.stringify(query), query])).values()];
}

/** The ids of the users in the items that the Query finds. */
async function userIdsBy(
  { query, userId }: LinkQuery,
  client: DynamoDBClient,
  deadline: AbortSignal,
): Promise<string[]> {
  const send = () => client.send(new QueryCommand(query), { abortSignal: deadline });
  const { Items, LastEvaluatedKey } = await new RequestLimiter(deadline).send(send);
  if (LastEvaluatedKey) throw new Error('the Query of a look-up has another page'); // keys so exact fit one page
  return required(Items).map((item) => linkedUserId(item, userId));
}

/**
 * The Query for the item with the link; undefined when its keys cannot hold the values. It reads only the user's id: the
 * item may also hold tokens.
 */
function linkQuery(
  { table, index, partitionKey, sortKey, userId }: Links,
  values: Record<string, string | undefined>,
): LinkQuery | undefined {
  const fill = (template: string) =>
    template.replace(/\{(provider|sub|email|email:lower)\}/g, (placeholder, name) => values[name] ?? placeholder);
  const partition = fill(partitionKey.value);
  const sort = fill(sortKey?.value ?? '');
  const fits = (text: string, maxBytes: number) => text.isWellFormed() && Buffer.byteLength(text) <= maxBytes;
  if (!fits(partition, MAX_PARTITION_KEY_BYTES) || !fits(sort, MAX_SORT_KEY_BYTES)) return undefined;
  const alias = new Aliases();
  const conditions = [`${alias.of(partitionKey.name)} = :partition`];
  if (sortKey) conditions.push(`${alias.of(sortKey.name)} = :sort`);
  const query = {
    TableName: table,
    ...(index === undefined ? { ConsistentRead: true } : { IndexName: index }),
    KeyConditionExpression: conditions.join(' AND '),
    Select: 'SPECIFIC_ATTRIBUTES' as const, // explicit, because the role's policy requires it
    ProjectionExpression: alias.of(userId.name),
    ExpressionAttributeNames: alias.names,
    ExpressionAttributeValues: { ':partition': { S: partition }, ...(sortKey && { ':sort': { S: sort } }) },
  };
  return { query, userId };
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
