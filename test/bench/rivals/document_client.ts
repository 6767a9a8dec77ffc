// (e) jsonwebtoken and the DocumentClient, one delete at a time; bundled.
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { DeleteCommand, DynamoDBDocumentClient, paginateQuery } from '@aws-sdk/lib-dynamodb';
import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import jwt from 'jsonwebtoken';

const table = process.env.SESSIONS_TABLE ?? '';
const secrets = new SecretsManagerClient({});
const documents = DynamoDBDocumentClient.from(new DynamoDBClient({}));

let validator: Promise<{ secret_key: string; audience: string; issuer: string }> | undefined;

export async function handler(event: APIGatewayProxyEventV2) {
  validator ??= secrets
    .send(new GetSecretValueCommand({ SecretId: process.env.VALIDATOR_SECRET_IDS }))
    .then(({ SecretString = '' }) => JSON.parse(SecretString));
  const { secret_key, audience, issuer } = await validator;
  const token = event.headers.authorization?.replace('Bearer ', '') ?? '';
  jwt.verify(token, secret_key, { algorithms: ['HS256'], audience, issuer });
  const { id = null } = JSON.parse(event.body ?? '{}');
  let live = 0;
  const query = {
    TableName: table,
    ConsistentRead: true,
    KeyConditionExpression: 'user_id = :user',
    ExpressionAttributeValues: { ':user': event.pathParameters?.user_id },
  };
  for await (const { Items = [] } of paginateQuery({ client: documents }, query)) {
    for (const { user_id, session_id, expires_at } of Items) {
      await documents.send(new DeleteCommand({ TableName: table, Key: { user_id, session_id } }));
      if (expires_at > Date.now() / 1000) live++;
    }
  }
  const body = JSON.stringify({ jsonrpc: '2.0', id, result: live > 0 });
  return { statusCode: 200, headers: { 'content-type': 'application/json' }, body };
}
