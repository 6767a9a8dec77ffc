import { getRetryAfterHint, isServerError, isThrottlingError, isTransientError } from '@smithy/core/retry';
import type { SdkError } from '@smithy/types';
import { ServiceError } from '../errors.ts';

/**
 * What an error of the SDK means: AWS or the network failing, or our time up, is UNAVAILABLE (503); AWS refusing us, or a
 * fault of our own, is INTERNAL (500).
 */
export function awsError(error: unknown): ServiceError {
  if (error instanceof ServiceError) return error;
  if (!(error instanceof Error)) return new ServiceError('INTERNAL', 'unexpected', error);
  if (error.name === 'AbortError') return new ServiceError('UNAVAILABLE', 'deadline', error);
  if (failed(error)) return new ServiceError('UNAVAILABLE', 'aws_unavailable', error);
  // The status tells an answer of AWS: the SDK notes its attempts in $metadata also for errors of our own.
  const answered = isSdkError(error) && error.$metadata?.httpStatusCode !== undefined;
  const refused = answered || error.name === 'CredentialsProviderError';
  return new ServiceError('INTERNAL', refused ? 'aws_refused' : 'unexpected', error);
}

/** AWS answered that the request came too soon. */
export function throttled(error: unknown): boolean {
  return isSdkError(error) && isThrottlingError(error);
}

/** AWS or the network failed, and the same request may succeed a moment later; lib/aws/client.ts marks what the network did. */
export function failed(error: unknown): boolean {
  if (!isSdkError(error)) return false;
  const locked = error.name === 'TransactionConflictException'; // for as long as someone's transaction holds the item
  const gaveUp = error.$metadata?.httpStatusCode === 408; // a proxy says so without a name that the SDK knows
  return locked || gaveUp || isThrottlingError(error) || isTransientError(error) || isServerError(error);
}

/** How many milliseconds AWS asks us to wait, by the header of its answer; 0 when it does not say. */
export function retryAfterMs(error: unknown): number {
  const hint = isSdkError(error) ? getRetryAfterHint(error.$response) : undefined;
  return Math.max(0, (hint?.getTime() ?? 0) - Date.now());
}

function isSdkError(error: unknown): error is SdkError {
  return error instanceof Error;
}
