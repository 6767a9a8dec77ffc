// How AWS is called: the settings of every client in one place, each with the reason why it is not the SDK's own.
import type { Readable } from 'node:stream';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { fromEnv } from '@aws-sdk/credential-provider-env';
import { NodeHttpHandler } from '@smithy/node-http-handler';

const SOCKETS = 50; // for each store: a request that waits for one has its time running

/** For reads of the records: now and then, and repeated by the SDK. */
export function newSecretsManager(): SecretsManagerClient {
  return withoutIdleWork(new SecretsManagerClient({ ...settings(), maxAttempts: 3 }));
}

/** For the sessions: many requests at once to each of so many stores, and repeated by the pace, which sees all of them. */
export function newDynamoDB(stores: number): DynamoDBClient {
  const accountIdEndpointMode = 'disabled'; // Lambda's credentials name no account
  return withoutIdleWork(
    new DynamoDBClient({ ...settings(stores), maxAttempts: 1, endpointDiscoveryEnabled: false, accountIdEndpointMode }),
  );
}

function settings(stores = 1) {
  const agent = { maxSockets: stores * SOCKETS };
  const { AWS_REGION, AWS_USE_FIPS_ENDPOINT, AWS_USE_DUALSTACK_ENDPOINT } = process.env;
  return {
    credentials: fromEnv(), // where Lambda puts them; the default chain would cost a fifth of a cold start
    retryMode: 'standard', // not adaptive: its client-side rate limit would hold back logouts of other users
    // What is not given here the SDK looks for in files that Lambda does not have: 6 % of a cold start.
    ...(AWS_REGION && { region: AWS_REGION }),
    useFipsEndpoint: AWS_USE_FIPS_ENDPOINT === 'true',
    useDualstackEndpoint: AWS_USE_DUALSTACK_ENDPOINT === 'true',
    defaultsMode: 'standard' as const,
    authSchemePreference: ['sigv4'],
    disableClockSkewCorrection: false,
    streamCollector: collect,
    requestHandler: new Connections({
      connectionTimeout: 1000, // in one region a connection takes milliseconds; a second means trouble
      requestTimeout: 2000, // until the response headers; BatchWriteItem of 25 takes some 20 ms
      throwOnRequestTimeout: true, // without it the SDK only warns, and waits on
      socketTimeout: 2000, // a body that stalls after the headers
      httpAgent: agent,
      httpsAgent: agent,
    }),
  };
}

/**
 * Takes out what no request of ours needs: a log of every input and output, filtered and then not written; the trace of
 * a function that calls itself; a user agent, put together anew each time; a length that Node counts itself. A fifth of
 * the CPU of a warm call. Throws at the start when an update of the SDK renames one of them.
 */
function withoutIdleWork<Client extends DynamoDBClient | SecretsManagerClient>(client: Client): Client {
  const idle = [
    'loggerMiddleware',
    'recursionDetectionMiddleware',
    'getUserAgentMiddleware',
    'contentLengthMiddleware',
  ];
  for (const name of idle) {
    if (!client.middlewareStack.remove(name))
      throw new Error(`The AWS SDK has no ${name} any more: see lib/aws/client.ts`);
  }
  return client;
}

/** The SDK's own collector looks for web streams first, and Node loads them for that: 4 % of a cold start. */
function collect(body: Readable): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    body.on('data', (chunk) => chunks.push(chunk));
    body.on('end', () => resolve(Buffer.concat(chunks)));
    body.on('error', (error) => reject(markNetworkFailure(error)));
  });
}

/**
 * Marks an error as the network's, in the way that the SDK's retries and lib/aws/error.ts understand. The SDK itself
 * knows some by their code, but TLS, DNS and HTTP have more of them than any list. A TypeError and a RangeError are not
 * marked: with these Node refuses to make such a request at all.
 */
function markNetworkFailure(error: unknown): unknown {
  const ours = error instanceof TypeError || error instanceof RangeError;
  return error instanceof Error && !ours ? Object.assign(error, { $retryable: {} }) : error;
}

/**
 * Connections of which one that fails takes the idle ones with it. While Lambda is frozen a NAT gateway forgets them
 * all, and resets each when it is used next: more of them than there are attempts.
 */
class Connections extends NodeHttpHandler {
  override async handle(...given: Parameters<NodeHttpHandler['handle']>) {
    try {
      return await super.handle(...given);
    } catch (error) {
      const { httpAgent, httpsAgent } = this.httpHandlerConfigs();
      for (const agent of [httpAgent, httpsAgent]) {
        if (!agent || !('freeSockets' in agent)) continue;
        for (const socket of Object.values(agent.freeSockets).flat()) socket?.destroy();
      }
      throw markNetworkFailure(error);
    }
  }
}
