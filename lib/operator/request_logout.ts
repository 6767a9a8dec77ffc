const TIMEOUT_MS = 35_000; // the API itself gives up after 30 s
const RETRY_AFTER_SECONDS = 2; // where the answer does not say, as those of the API itself

/** An answer of the route. `body` is undefined where it is not JSON-RPC: the API's own, or another service's. */
export type Answer = { status: number; body: Record<string, unknown> | undefined; retryAfterMs: number };

/** What a request says besides the user: why, and the keys of sessions to keep. */
export type Params = { reason?: string | undefined; except?: string[] | undefined };

/** Sends one logout. Throws what fetch throws when there is no answer, and when no address can hold the id. */
export async function requestLogout(service: URL, userId: string, token: string, params: Params): Promise<Answer> {
  const response = await fetch(new URL(`auth/logout_user/${encodeURIComponent(userId)}`, service), {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    redirect: 'manual', // the token is for this address alone
    signal: AbortSignal.timeout(TIMEOUT_MS),
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, params }),
  });
  const seconds = Number(response.headers.get('retry-after') ?? RETRY_AFTER_SECONDS);
  return {
    status: response.status,
    body: jsonRpc(await response.text()),
    retryAfterMs: 1000 * (seconds > 0 ? seconds : RETRY_AFTER_SECONDS),
  };
}

/** Whether the id can be a part of an address: not empty, not a step in it, and no half of a character. */
export function fitsAddress(userId: string): boolean {
  return userId !== '' && userId !== '.' && userId !== '..' && userId.isWellFormed();
}

function jsonRpc(text: string): Answer['body'] {
  try {
    const body = JSON.parse(text);
    return body.jsonrpc === '2.0' ? body : undefined;
  } catch {
    return undefined;
  }
}

/** Why there was neither true nor false, and what to do about it. */
export function explain({ status, body }: Answer, secretId: string, email: string): string {
  if (!body && status !== 429 && status !== 503)
    return `${status}, but not in JSON-RPC: is it the address of this service?`;
  return `${status}, ${HINTS[status]?.(secretId, email) ?? 'which this service never answers: is it its address?'}`;
}

const HINTS: Record<number, (secretId: string, email: string) => string> = {
  400: () => 'the request was refused: a reason has at most 256 characters, a key to keep at most 2048 bytes.',
  401: (secretId) =>
    `the token was refused. Is the record ${secretId} among the service's (parameter records)? A key that was changed in the last 30 seconds may not be known yet. The audit record has the true reason.`,
  403: (_, email) =>
    `the token is valid, but allowed_emails of the record does not name ${email}, or its user_id_claim allows one user only.`,
  404: () => "the service's userIdPattern does not match this id.",
  429: () => 'the API throttles: wait, or lower --rate.',
  500: () => 'the service is misconfigured: fault in its log names what to correct.',
  503: () => 'AWS fails or throttles, or time ran out: some sessions may be left. Send it again.',
};
