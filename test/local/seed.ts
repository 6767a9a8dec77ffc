import { BatchWriteItemCommand, CreateTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { CreateSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SignJWT } from 'jose';
import { PROVIDER_SECRET_ID } from './provider.ts';

/** The parameters that the seed assumes, whatever serverless.yml says for a real table. */
export const PARAMETERS = [
  'table=own',
  'layout=default',
  'moreStores=none',
  'records=own',
  `openidProviders=${PROVIDER_SECRET_ID}`,
  'userIdPattern=0|[1-9][0-9]{0,18}',
];
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

/** Fills the local AWS that the environment points to: the published record, and three sessions each for users 1 to 3. */
export async function seed(): Promise<void> {
  const secrets = new SecretsManagerClient();
  await secrets.send(new CreateSecretCommand({ Name: SECRET_ID, SecretString: JSON.stringify(PUBLISHED_RECORD) }));

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
