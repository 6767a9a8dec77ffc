import { BatchWriteItemCommand, CreateTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { CreateSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SignJWT } from 'jose';

/** What a local run assumes, whatever serverless.yml says for the account: its records are in the local Secrets Manager. */
export const LOCAL_PARAMETERS = { records: 'own', kmsKey: 'none' };
/** The parameters of the seeded table. */
export const SEEDED_PARAMETERS = {
  table: 'own',
  layout: 'default',
  moreStores: 'none',
  userIdPattern: 'by layout',
};
/** The names that serverless.yml then gives, in the stage dev. */
export const SECRET_ID = 'auth-logout-user-dev-validator';
export const TABLE = 'auth-logout-user-dev-sessions';

/** The record in the original's README: its client runs unchanged. For local runs only, since the key is public. */
export const PUBLISHED_RECORD = {
  name: 'auth_logout_user_jwt',
  signature_type: 'secret',
  secret_algorithm: 'HS256',
  secret_key: '!?#logout_api_secretkey!?#',
  allow_short_key: true,
  audience: 'auth_logout_user_jwt',
  issuer: 'theissuer',
};

/** Stores the published record in the local Secrets Manager that the environment points to. */
export async function seedRecord(Name: string): Promise<void> {
  const SecretString = JSON.stringify(PUBLISHED_RECORD);
  await new SecretsManagerClient().send(new CreateSecretCommand({ Name, SecretString }));
}

/** Creates the table in the local DynamoDB that the environment points to, with three sessions each for users 1 to 3. */
export async function seedSessions(): Promise<void> {
  const dynamodb = new DynamoDBClient();
  await dynamodb.send(
    new CreateTableCommand({
      TableName: TABLE,
      BillingMode: 'PAY_PER_REQUEST',
      KeySchema: [
        { AttributeName: 'user_id', KeyType: 'HASH' },
        { AttributeName: 'session_id', KeyType: 'RANGE' },
      ],
      AttributeDefinitions: [
        { AttributeName: 'user_id', AttributeType: 'S' },
        { AttributeName: 'session_id', AttributeType: 'S' },
      ],
    }),
  );
  const expiresAt = String(Math.floor(Date.now() / 1000) + 7 * 86_400);
  const items = ['1', '2', '3'].flatMap((user) =>
    ['a', 'b', 'c'].map((session) => ({
      user_id: { S: user },
      session_id: { S: `${user}-${session}` },
      expires_at: { N: expiresAt },
    })),
  );
  await dynamodb.send(
    new BatchWriteItemCommand({ RequestItems: { [TABLE]: items.map((Item) => ({ PutRequest: { Item } })) } }),
  );
}

/** A token that the published record accepts for this many seconds. */
export function signToken(seconds: number): Promise<string> {
  const { secret_key, secret_algorithm, audience, issuer } = PUBLISHED_RECORD;
  return new SignJWT({ email: 'admin' })
    .setProtectedHeader({ alg: secret_algorithm, typ: 'JWT' })
    .setAudience(audience)
    .setIssuer(issuer)
    .setExpirationTime(`${seconds} s`)
    .sign(new TextEncoder().encode(secret_key));
}
