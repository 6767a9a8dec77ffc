import { fromEnv } from '@aws-sdk/credential-provider-env';
import { getRetryAfterHint, isServerError, isThrottlingError, isTransientError } from '@smithy/core/retry';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import type { Logger, SdkError } from '@smithy/types';
import { ServiceError } from './errors.ts';

// The SDK's default logger filters every input and output for a log nobody reads: a fifth of the CPU of a warm call.
const noLogger: Logger = Object.create(null);

/**
 * The settings of every AWS client, in one place. `maxAttempts`: 3 where the SDK is to repeat, 1 where the pace does.
 * Every send also carries the request's deadline as its abort signal: a body that trickles in outlasts all timeouts.
 */
export function clientSettings(maxAttempts: number) {
  return {
    maxAttempts,
    retryMode: 'standard', // not adaptive: its client-side rate limit would hold back logouts of other users
    logger: noLogger,
    credentials: fromEnv(), // where Lambda puts them; the default chain costs a cold start milliseconds to get there
    requestHandler: new Connections({
      connectionTimeout: 1000, // in one region a connection takes milliseconds; a second means trouble
      requestTimeout: 2000, // until the response headers; BatchWriteItem of 25 takes some 20 ms
      throwOnRequestTimeout: true, // without it the SDK only warns, and waits on
      socketTimeout: 2000, // a body that stalls after the headers
      httpsAgent: { keepAlive: true, maxSockets: 50 }, // warm calls reuse their sockets; the pace stays below 50
    }),
  };
}

/**
 * Connections of which one that fails takes the idle ones with it. While Lambda is frozen a NAT gateway forgets them
 * all, and resets each when it is used next: more of them than there are attempts.
 */
class Connections extends NodeHttpHandler {
  override async handle(...sent: Parameters<NodeHttpHandler['handle']>) {
    try {
      return await super.handle(...sent);
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

/** What an error of the SDK means: AWS failing or our time up is UNAVAILABLE (503), AWS refusing us is INTERNAL (500). */
export function awsError(error: unknown): ServiceError {
  if (error instanceof ServiceError) return error;
  if (!(error instanceof Error)) return new ServiceError('INTERNAL', 'unexpected', error);
  if (error.name === 'AbortError') return new ServiceError('UNAVAILABLE', 'deadline', error);
  if (failed(error)) return new ServiceError('UNAVAILABLE', 'aws_unavailable', error);
  const refused = '$metadata' in error || error.name === 'CredentialsProviderError';
  return new ServiceError('INTERNAL', refused ? 'aws_refused' : 'unexpected', error);
}

/** AWS answered that the request came too soon. */
export function throttled(error: unknown): boolean {
  return isSdkError(error) && isThrottlingError(error);
}

/** AWS or the network failed, and the same request may succeed a moment later. */
export function failed(error: unknown): boolean {
  if (!isSdkError(error)) return false;
  const locked = error.name === 'TransactionConflictException'; // for as long as someone's transaction holds the item
  return locked || isThrottlingError(error) || isTransientError(error) || isServerError(error);
}

/** How many milliseconds AWS asks us to wait, by the header of its answer; 0 when it does not say. */
export function retryAfterMs(error: unknown): number {
  const hint = isSdkError(error) ? getRetryAfterHint(error.$response) : undefined;
  return Math.max(0, (hint?.getTime() ?? 0) - Date.now());
}

function isSdkError(error: unknown): error is SdkError {
  return error instanceof Error;
}
