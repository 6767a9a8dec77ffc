// A key set at an https address.
import { setTimeout as sleep } from 'node:timers/promises';
import { ServiceError } from '../errors.ts';
import { type KeySet, readKeySet } from './key_set.ts';

type Answer = { status: number; type: string; body: Buffer };

const TIMEOUT_MS = 2000;
const RETRY_MS = 100;
const CONNECTION_MS = 600;
const MAX_BYTES = 64 * 1024;

/**
 * Reads the key set within two seconds; in these, a request that fails on its way is sent once more. Throws UNAVAILABLE
 * when there is no answer in time, or it is 408, 429 or 5xx; INTERNAL when the answer shows that the address is wrong.
 * `fault` makes the cause from a description.
 */
export async function fetchKeySet(
  url: URL,
  algorithm: string,
  deadline: AbortSignal,
  fault: (what: string) => string,
): Promise<KeySet> {
  const signal = AbortSignal.any([deadline, AbortSignal.timeout(TIMEOUT_MS)]);
  const { status, type, body } = await fetchAnswer(url, signal, fault).catch(async (error: unknown) => {
    await sleep(RETRY_MS, undefined, { signal }).catch(() => Promise.reject(error));
    return fetchAnswer(url, signal, fault);
  });
  try {
    if (status >= 300 && status < 400) throw new Error('a redirect, which may lead away from https');
    if (status !== 200) throw new Error('not a 200');
    if (body.length > MAX_BYTES) throw new Error('too large for a key set');
    return await readKeySet(parse(body), algorithm);
  } catch (error) {
    const what = error instanceof Error ? error.message : error;
    throw new ServiceError('INTERNAL', 'key_set_invalid', fault(`${describe({ status, type, body })}: ${what}`));
  }
}

/** The answer from the address. Throws UNAVAILABLE when there is none, or it says to come again. */
async function fetchAnswer(url: URL, signal: AbortSignal, fault: (what: string) => string): Promise<Answer> {
  const unavailable = (what: string) => new ServiceError('UNAVAILABLE', 'jwks_unavailable', fault(what));
  const answer = await request(url, signal).catch((error: unknown) => {
    throw unavailable(`cannot be read: ${failureCode(error)}`);
  });
  const { status } = answer;
  if (status === 408 || status === 429 || status >= 500) throw unavailable(describe(answer));
  return answer;
}

/** Sends the request; reads no more of the body than shows that it is too large. */
async function request(url: URL, signal: AbortSignal): Promise<Answer> {
  // A host with several addresses: by default each has only 250 ms to accept the connection before the next is tried, and
  // fetch has no setting of its own. Now three of them fit into the time limit. For AWS see lib/aws/client.ts. Imported
  // here, since most records have no key set to fetch: 2 % of a cold start.
  (await import('node:net')).setDefaultAutoSelectFamilyAttemptTimeout(CONNECTION_MS);
  const headers = { accept: 'application/jwk-set+json, application/json' };
  const response = await fetch(url, { headers, redirect: 'manual', signal });
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    chunks.push(chunk);
    size += chunk.length;
    if (size > MAX_BYTES) break;
  }
  const type = response.headers.get('content-type')?.match(/^[\w.+-]+\/[\w.+-]+/)?.[0] ?? 'no type';
  return { status: response.status, type, body: Buffer.concat(chunks) };
}

function describe({ status, type, body }: Answer): string {
  const size = body.length > MAX_BYTES ? `more than ${MAX_BYTES} bytes` : `${body.length} bytes`;
  return `answers ${status}, ${type}, ${size}`;
}

function parse(body: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(body)); // the decoder skips a byte order mark
  } catch {
    throw new Error('not JSON');
  }
}

/** The code of a network failure, which fetch puts in the cause of its own error. */
function failureCode(error: unknown): unknown {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  if (!(cause instanceof Error)) return 'unknown';
  return 'code' in cause && typeof cause.code === 'string' ? cause.code : cause.name;
}
