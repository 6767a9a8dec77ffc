import { getRetryAfterHint, isServerError, isThrottlingError, isTransientError } from '@smithy/core/retry';
import type { SdkError } from '@smithy/types';
import { nameOf, ServiceError, serviceError } from '../errors.ts';

/** What DynamoDB's messages for a ValidationException mean, in our own words: they name keys and indexes, and may quote more. */
const VALIDATION: [message: RegExp, meaning: string][] = [
  [/does not have the specified index/, 'the table has no index of that name'],
  [/backfilling/, 'the index is still being filled'],
  [
    /^Query condition missed key schema element|^Query key condition not supported/,
    'a key of the table or index is not the one in the layout',
  ],
  [
    // From an index we read the table's keys alone, and every index projects those.
    /provided key element does not match the schema|index \S+ does not project/,
    'a key of the table is not the one in tableKey, or of another type',
  ],
  [/type does not match schema type/, 'a key of the table or index is of another type than in the layout'],
];

/**
 * What an error from the SDK means: UNAVAILABLE (503) when AWS or the network fails, or time is up; INTERNAL (500) when
 * AWS refuses us, or the fault is our own.
 */
export function awsError(error: unknown): ServiceError {
  if (!(error instanceof Error) || error instanceof ServiceError) return serviceError(error);
  if (error.name === 'AbortError') return new ServiceError('UNAVAILABLE', 'deadline', nameOf(error));
  if (isTransient(error)) return new ServiceError('UNAVAILABLE', 'aws_unavailable', nameOf(error));
  // Only an answer from AWS has a status: the SDK adds $metadata to our own errors too, for its attempts.
  const isRefusal = statusOf(error) !== undefined || error.name === 'CredentialsProviderError';
  return isRefusal ? new ServiceError('INTERNAL', 'aws_refused', refusalOf(error)) : serviceError(error);
}

function refusalOf(error: Error): string {
  const [, meaning] = VALIDATION.find(([message]) => message.test(error.message)) ?? [];
  return error.name === 'ValidationException' && meaning ? `${nameOf(error)}: ${meaning}` : nameOf(error);
}

/** Whether AWS throttled the request. */
export function isThrottled(error: unknown): boolean {
  return isSdkError(error) && isThrottlingError(error);
}

/** Whether AWS or the network failed, and a retry may succeed; lib/aws/client.ts marks network failures. */
export function isTransient(error: unknown): boolean {
  if (!isSdkError(error)) return false;
  const locked = error.name === 'TransactionConflictException'; // while somebody's transaction holds the item
  const gaveUp = statusOf(error) === 408; // from a proxy, without an error name that the SDK knows
  return locked || gaveUp || isThrottlingError(error) || isTransientError(error) || isServerError(error);
}

/** Whether AWS answered with a client error, 408 apart: after any other failure the request may have been carried out. */
export function isClientError(error: unknown): boolean {
  const status = statusOf(error) ?? 0;
  return status >= 400 && status < 500 && status !== 408;
}

/** How long AWS asks us to wait, by a header of its answer; 0 when it does not say. */
export function retryAfterMs(error: unknown): number {
  const hint = isSdkError(error) ? getRetryAfterHint(error.$response) : undefined;
  const ms = (hint?.getTime() ?? 0) - Date.now();
  return ms > 0 ? ms : 0; // NaN when the header holds no date
}

function statusOf(error: unknown): number | undefined {
  return isSdkError(error) ? error.$metadata?.httpStatusCode : undefined;
}

function isSdkError(error: unknown): error is SdkError {
  return error instanceof Error;
}
