// How AWS is called: the settings of every client, each with the reason why it differs from the SDK's default.
import type { Readable } from 'node:stream';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { fromEnv } from '@aws-sdk/credential-provider-env';
import { NodeHttpHandler } from '@smithy/node-http-handler';

/** A request's timeout runs while it waits for a socket: lib/sessions/request_limiter.ts stays below. */
export const SOCKETS_PER_STORE = 50;

/** For reading validator records: rare requests, which the SDK retries. */
export function newSecretsManager(): SecretsManagerClient {
  return withoutUnneededMiddleware(new SecretsManagerClient({ ...settings(), maxAttempts: 3 }));
}

/** For ending sessions: many requests at once to each store, which Pace retries, since it sees all of them. */
export function newDynamoDB(stores: number): DynamoDBClient {
  const accountIdEndpointMode = 'disabled'; // Lambda's credentials carry no account id
  return withoutUnneededMiddleware(
    new DynamoDBClient({ ...settings(stores), maxAttempts: 1, endpointDiscoveryEnabled: false, accountIdEndpointMode }),
  );
}

function settings(stores = 1) {
  const agent = {
    maxSockets: stores * SOCKETS_PER_STORE,
    autoSelectFamilyAttemptTimeout: 250, // as Node has it; lib/validator/fetch_key_set.ts changes that
  };
  const { AWS_REGION, AWS_USE_FIPS_ENDPOINT, AWS_USE_DUALSTACK_ENDPOINT } = process.env;
  return {
    credentials: fromEnv(), // where Lambda puts them; the default chain would cost a fifth of a cold start
    retryMode: 'standard', // not adaptive: its client-side rate limit would hold back logouts of other users
    // The SDK looks for settings not given here in files that Lambda does not have: 6 % of a cold start.
    ...(AWS_REGION && { region: AWS_REGION }),
    useFipsEndpoint: AWS_USE_FIPS_ENDPOINT === 'true',
    useDualstackEndpoint: AWS_USE_DUALSTACK_ENDPOINT === 'true',
    defaultsMode: 'standard' as const,
    authSchemePreference: ['sigv4'],
    disableClockSkewCorrection: false,
    streamCollector: collect,
    requestHandler: new Connections({
      connectionTimeout: 1000, // in one region a connection takes milliseconds; a second means trouble
      requestTimeout: 2000, // until the response headers; BatchWriteItem of 25 takes about 20 ms
      throwOnRequestTimeout: true, // without it the SDK only warns, and keeps waiting
      socketTimeout: 2000, // a body that stalls after the headers
      httpAgent: agent,
      httpsAgent: agent,
    }),
  };
}

/**
 * Removes middleware that no request of ours needs: a log of every input and output, which is filtered but never
 * written; recursion detection; a user agent, rebuilt for each request; a content length, which Node computes anyway.
 * Together a fifth of the CPU of a warm call. Throws at startup when an SDK update has renamed one of them.
 */
function withoutUnneededMiddleware<Client extends DynamoDBClient | SecretsManagerClient>(client: Client): Client {
  const unneeded = [
    'loggerMiddleware',
    'recursionDetectionMiddleware',
    'getUserAgentMiddleware',
    'contentLengthMiddleware',
  ];
  for (const name of unneeded) {
    if (!client.middlewareStack.remove(name))
      throw new Error(`The AWS SDK no longer has ${name}: see lib/aws/client.ts`);
  }
  return client;
}

/** The SDK's own collector checks for web streams first, which makes Node load them: 4 % of a cold start. */
function collect(body: Readable): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    body.on('data', (chunk) => chunks.push(chunk));
    body.on('end', () => resolve(Buffer.concat(chunks)));
    body.on('error', (error) => reject(markNetworkFailure(error)));
  });
}

/**
 * Marks an error as a network failure, as the SDK's retries and lib/aws/error.ts know it. The SDK itself
 * knows some by their code, but TLS, DNS and HTTP have more than any list covers. TypeError and RangeError are not
 * marked: with these Node refuses to make the request at all.
 */
function markNetworkFailure(error: unknown): unknown {
  const ourFault = error instanceof TypeError || error instanceof RangeError;
  return error instanceof Error && !ourFault ? Object.assign(error, { $retryable: {} }) : error;
}

/**
 * When one connection fails, closes all idle ones. While Lambda is frozen, a NAT gateway forgets every connection and
 * resets each at its next use: there may be more of them than a request has attempts.
 */
class Connections extends NodeHttpHandler {
  override async handle(...given: Parameters<NodeHttpHandler['handle']>) {
    try {
      return await super.handle(...given);
    } catch (error) {
      if (error instanceof Error && error.name === 'AbortError') throw error; // we ended it: no connection has failed
      const { httpAgent, httpsAgent } = this.httpHandlerConfigs();
      for (const agent of [httpAgent, httpsAgent]) {
        if (!agent || !('freeSockets' in agent)) continue;
        for (const socket of Object.values(agent.freeSockets).flat()) socket?.destroy();
      }
      throw markNetworkFailure(error);
    }
  }
}
