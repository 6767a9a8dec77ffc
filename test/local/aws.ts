import dynalite from 'dynalite';
import { useLocalAws } from '../../lib/operator/local_aws.ts';
import { startDynamodbLocal } from './dynamodb_local.ts';
import { type Listening, listen } from './listen.ts';
import { createSecretsManager } from './secrets_manager.ts';

export type LocalAws = { environment: Record<string, string>; close: () => void };

/**
 * Starts DynamoDB and Secrets Manager on loopback, in memory. Port 0 takes a free one. From then on this process
 * uses no other AWS, and the returned environment points others there.
 * DynamoDB is dynalite or, when the variable DYNAMODB is "java", AWS's own DynamoDB Local; or one that runs already, by
 * its address.
 */
export async function startLocalAws(dynamodbAt: number | string = 0, secretsManagerPort = 0): Promise<LocalAws> {
  const dynamodb = typeof dynamodbAt === 'string' ? { url: dynamodbAt, close() {} } : await startDynamodb(dynamodbAt);
  const secretsManager = await listen(createSecretsManager(), secretsManagerPort);
  return {
    environment: useLocalAws({ dynamodb: dynamodb.url, secretsManager: secretsManager.url }),
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
