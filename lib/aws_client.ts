// How AWS is called: the settings of every client in one place, each with the reason why it is not the SDK's own.
import { AsyncLocalStorage } from 'node:async_hooks';
import { createHmac, createSecretKey, hash, type KeyObject } from 'node:crypto';
import { Agent } from 'node:https';
import type { Readable } from 'node:stream';
import { createSecureContext } from 'node:tls';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { fromEnv } from '@aws-sdk/credential-provider-env';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { SignatureV4 } from '@smithy/signature-v4';
import type { AwsCredentialIdentity, Checksum, RetryStrategy, SourceData } from '@smithy/types';

// Warm calls reuse their sockets; the pace stays below 50. One TLS context for all: each connection would make its own.
const agent = new Agent({ keepAlive: true, maxSockets: 50, secureContext: createSecureContext() });

const deadlines = new AsyncLocalStorage<AbortSignal>();

/** For reads of the records: now and then, and repeated by the SDK. */
export function newSecretsManager(): SecretsManagerClient {
  return new SecretsManagerClient({ ...settings(), maxAttempts: 3 });
}

/** For the sessions: a hundred sends at once, by `sendUntil`, and repeated by the pace, which sees all of them. */
export function newDynamoDB(): DynamoDBClient {
  const retryStrategy: RetryStrategy = { retry: (next, args) => next(args) };
  // The signer, and the middleware for each kind of command, are made once, not for each request. The digest of the
  // body is signed, and need not be sent too. Together they save a tenth of the CPU of a warm call.
  const target = { service: 'dynamodb', region: () => client.config.region() };
  const signer = new SignatureV4({ ...target, credentials, sha256: Sha256, applyChecksum: false });
  const once = { maxAttempts: 1, retryStrategy, signer, cacheMiddleware: true };
  const client: DynamoDBClient = new DynamoDBClient({ ...settings(), ...once });
  return client;
}

/**
 * Sends until the deadline: a body that trickles in outlasts all timeouts. The signal goes along unseen, since the SDK
 * keeps no middleware for a send that has options.
 */
export function sendUntil<T>(deadline: AbortSignal, send: () => Promise<T>): Promise<T> {
  return deadlines.run(deadline, send);
}

let known: Promise<AwsCredentialIdentity> | undefined;

/** Where Lambda puts them, for good; the SDK's default chain costs a cold start milliseconds to get there. */
function credentials(): Promise<AwsCredentialIdentity> {
  known ??= fromEnv()();
  return known;
}

function settings() {
  return {
    retryMode: 'standard', // not adaptive: its client-side rate limit would hold back logouts of other users
    credentials,
    sha256: Sha256,
    streamCollector: collect,
    requestHandler: new Connections({
      connectionTimeout: 1000, // in one region a connection takes milliseconds; a second means trouble
      requestTimeout: 2000, // until the response headers; BatchWriteItem of 25 takes some 20 ms
      throwOnRequestTimeout: true, // without it the SDK only warns, and waits on
      socketTimeout: 2000, // a body that stalls after the headers
      httpsAgent: agent,
    }),
  };
}

/**
 * The digests that sign a request. The SDK's own gives Node the key as bytes; to learn that they are no key object,
 * Node throws and catches an error, with its stack: a tenth of the CPU of a warm call.
 */
class Sha256 implements Checksum {
  readonly #key: KeyObject | undefined;
  #data: Uint8Array = new Uint8Array();

  constructor(secret?: SourceData) {
    if (secret) this.#key = createSecretKey(bytes(secret));
  }

  update(data: Uint8Array): void {
    this.#data = this.#data.length === 0 ? data : Buffer.concat([this.#data, data]);
  }

  async digest(): Promise<Uint8Array> {
    if (!this.#key) return hash('sha256', this.#data, 'buffer');
    return createHmac('sha256', this.#key).update(this.#data).digest();
  }

  reset(): void {
    this.#data = new Uint8Array();
  }
}

function bytes(data: SourceData): Buffer {
  if (typeof data === 'string') return Buffer.from(data);
  return ArrayBuffer.isView(data) ? Buffer.from(data.buffer, data.byteOffset, data.byteLength) : Buffer.from(data);
}

/** The SDK's own collector looks for web streams first, and Node loads them for that: 2 ms of a cold start. */
function collect(body: Readable): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    body.on('data', (chunk) => chunks.push(chunk));
    body.on('end', () => resolve(Buffer.concat(chunks)));
    body.on('error', reject);
  });
}

/**
 * Connections of which one that fails takes the idle ones with it. While Lambda is frozen a NAT gateway forgets them
 * all, and resets each when it is used next: more of them than there are attempts.
 */
class Connections extends NodeHttpHandler {
  override async handle(...[request, options]: Parameters<NodeHttpHandler['handle']>) {
    request.headers['user-agent'] = 'auth-logout-user'; // as CloudTrail will show it
    try {
      return await super.handle(request, { abortSignal: deadlines.getStore(), ...options });
    } catch (error) {
      const { httpAgent, httpsAgent } = this.httpHandlerConfigs();
      for (const agent of [httpAgent, httpsAgent]) {
        if (!agent || !('freeSockets' in agent)) continue;
        for (const socket of Object.values(agent.freeSockets).flat()) socket?.destroy();
      }
      throw error;
    }
  }
}
