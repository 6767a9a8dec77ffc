import type { Server } from 'node:http';
import dynalite from 'dynalite';
import { createSecretsManager } from './secrets_manager.ts';

export type LocalAws = { environment: Record<string, string>; close: () => void };

/** Starts DynamoDB and Secrets Manager on loopback, in memory. Port 0 takes a free one. The environment leads an SDK there. */
export async function startLocalAws(dynamodbPort = 0, secretsManagerPort = 0): Promise<LocalAws> {
  const dynamodb = dynalite({ createTableMs: 0, deleteTableMs: 0 });
  const secretsManager = createSecretsManager();
  return {
    environment: {
      AWS_ENDPOINT_URL_DYNAMODB: await listen(dynamodb, dynamodbPort),
      AWS_ENDPOINT_URL_SECRETS_MANAGER: await listen(secretsManager, secretsManagerPort),
      AWS_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: 'local',
      AWS_SECRET_ACCESS_KEY: 'local',
    },
    close: () => {
      for (const server of [dynamodb, secretsManager]) {
        server.close();
        server.closeAllConnections();
      }
    },
  };
}

async function listen(server: Server, port: number): Promise<string> {
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('a TCP address was expected');
  return `http://127.0.0.1:${address.port}`;
}
