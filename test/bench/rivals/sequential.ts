// What the usual ways share: the SDK with its defaults, one batch at a time, the record read once.
import { BatchWriteItemCommand, DynamoDBClient, paginateQuery, type WriteRequest } from '@aws-sdk/client-dynamodb';
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';

export type Validator = { secret_key: string; audience: string; issuer: string };

const table = process.env.SESSIONS_TABLE ?? '';
const secrets = new SecretsManagerClient({});
const dynamodb = new DynamoDBClient({});

let validator: Promise<Validator> | undefined;

export function readValidator(): Promise<Validator> {
  validator ??= secrets
    .send(new GetSecretValueCommand({ SecretId: process.env.VALIDATOR_SECRET_IDS }))
    .then(({ SecretString = '' }) => JSON.parse(SecretString));
  return validator;
}

/** Deletes the user's items; returns how many were live. */
export async function endSessions(userId: string): Promise<number> {
  let live = 0;
  const query = {
    TableName: table,
    ConsistentRead: true,
    KeyConditionExpression: 'user_id = :user',
    ProjectionExpression: 'user_id, session_id, expires_at',
    ExpressionAttributeValues: { ':user': { S: userId } },
  };
  for await (const { Items = [] } of paginateQuery({ client: dynamodb }, query)) {
    live += Items.filter(({ expires_at }) => Number(expires_at?.N) > Date.now() / 1000).length;
    for (let at = 0; at < Items.length; at += 25) {
      let requests: WriteRequest[] = Items.slice(at, at + 25).map(({ user_id, session_id }) => ({
        DeleteRequest: { Key: { user_id: user_id ?? { S: '' }, session_id: session_id ?? { S: '' } } },
      }));
      while (requests.length > 0) {
        const { UnprocessedItems = {} } = await dynamodb.send(
          new BatchWriteItemCommand({ RequestItems: { [table]: requests } }),
        );
        requests = UnprocessedItems[table] ?? [];
      }
    }
  }
  return live;
}
