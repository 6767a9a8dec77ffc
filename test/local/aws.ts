import dynalite from 'dynalite';
import { startDynamodbLocal } from './dynamodb_local.ts';
import { type Listening, listen } from './listen.ts';
import { createSecretsManager } from './secrets_manager.ts';

export type LocalAws = { environment: Record<string, string>; close: () => void };

/**
 * Starts DynamoDB and Secrets Manager on loopback, in memory. Port 0 takes a free one. The environment leads an SDK there.
 * DynamoDB is dynalite, or AWS's own DynamoDB Local where the variable DYNAMODB is "java".
 */
export async function startLocalAws(dynamodbPort = 0, secretsManagerPort = 0): Promise<LocalAws> {
  const dynamodb = await startDynamodb(dynamodbPort);
  const secretsManager = await listen(createSecretsManager(), secretsManagerPort);
  return {
    environment: {
      AWS_ENDPOINT_URL_DYNAMODB: dynamodb.url,
      AWS_ENDPOINT_URL_SECRETS_MANAGER: secretsManager.url,
      AWS_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: 'local',
      AWS_SECRET_ACCESS_KEY: 'local',
    },
    close: () => {
      dynamodb.close();
      secretsManager.close();
    },
  };
}

function startDynamodb(port: number): Promise<Listening> {
  const engine = process.env.DYNAMODB ?? 'dynalite';
  if (engine === 'java') return startDynamodbLocal(port);
  if (engine !== 'dynalite') throw new Error(`DYNAMODB is "${engine}": set it to dynalite or to java`);
  return listen(dynalite({ createTableMs: 0, deleteTableMs: 0 }), port);
}
