import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import { nameOf, ServiceError } from '../errors.ts';

const MAX_BODY_BYTES = 64 * 1024;
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** How many seconds to wait before a retry when AWS has failed (RFC 9110 §10.2.3). */
export const RETRY_AFTER = { 'retry-after': '2' };

/** The header with this lower-case name; undefined when there is none, or several that differ in case. */
export function header(event: APIGatewayProxyEventV2, name: string): unknown {
  const values = Object.entries(event?.headers ?? {}).filter(([key]) => key.toLowerCase() === name);
  return values.length === 1 ? values[0]?.[1] : undefined;
}

/** The body as text. Throws BODY_TOO_LARGE beyond 64 KiB, and PARSE_ERROR when it is not UTF-8. */
export function bodyText(event: APIGatewayProxyEventV2): string {
  const body: unknown = event.body ?? '';
  if (typeof body !== 'string') throw new ServiceError('INVALID_REQUEST', 'body');
  // Buffer skips what is not base64: "!!!!" would be an empty body, which is valid.
  if (event.isBase64Encoded === true && /[^\w+/=\s-]/.test(body)) throw new ServiceError('PARSE_ERROR', 'body');
  const bytes = Buffer.from(body, event.isBase64Encoded === true ? 'base64' : 'utf8');
  if (bytes.length > MAX_BODY_BYTES) throw new ServiceError('BODY_TOO_LARGE', 'body');
  try {
    return utf8.decode(bytes);
  } catch (error) {
    throw new ServiceError('PARSE_ERROR', 'body', nameOf(error));
  }
}
