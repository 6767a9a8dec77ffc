import type { Server } from 'node:http';
import dynalite from 'dynalite';
import { startDynamodbLocal } from './dynamodb_local.ts';
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

function startDynamodb(port: number): Promise<{ url: string; close: () => void }> {
  const engine = process.env.DYNAMODB ?? 'dynalite';
  if (engine === 'java') return startDynamodbLocal(port);
  if (engine !== 'dynalite') throw new Error(`DYNAMODB is "${engine}": set it to dynalite or to java`);
  return listen(dynalite({ createTableMs: 0, deleteTableMs: 0 }), port);
}

async function listen(server: Server, port: number): Promise<{ url: string; close: () => void }> {
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('a TCP address was expected');
  return {
    url: `http://127.0.0.1:${address.port}`,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
