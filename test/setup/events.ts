import { randomUUID } from 'node:crypto';

/** What a test sends: the parts of an event that matter. */
export type Request = {
  userId?: unknown;
  token?: string;
  headers?: Record<string, unknown>;
  body?: string;
  base64?: boolean;
};

/** A call of POST /auth/logout_user/{user_id}. */
export function gatewayEvent({ userId = '2', token, headers = {}, body, base64 = false }: Request) {
  const sent = {
    ...(body === undefined && { 'content-length': '0', 'content-type': 'application/octet-stream' }), // added by the API
    ...(token !== undefined && { authorization: `Bearer ${token}` }),
    ...headers,
  };
  const event = postEvent('/auth/logout_user/{user_id}', `/auth/logout_user/${userId}`, sent, body, base64);
  return { ...event, pathParameters: { user_id: userId } };
}

export const FORM_TYPE = { 'content-type': 'application/x-www-form-urlencoded' };

/** A call of POST /auth/backchannel_logout with a form, which API Gateway hands over in base64. */
export function formEvent(form: string, headers: Record<string, string> = FORM_TYPE, base64 = true) {
  const [path, body] = ['/auth/backchannel_logout', base64 ? Buffer.from(form).toString('base64') : form];
  return postEvent(path, path, headers, body, base64);
}

/** A call of a route without parameters, with these headers and this body as text. */
export function pushEvent(path: string, headers: Record<string, unknown>, body?: string) {
  return postEvent(path, path, headers, body, false);
}

/** An event of API Gateway's HTTP API, payload format 2.0. */
function postEvent(route: string, path: string, headers: object, body: string | undefined, isBase64Encoded: boolean) {
  const routeKey = `POST ${route}`;
  return {
    version: '2.0',
    routeKey,
    rawPath: path,
    rawQueryString: '',
    headers: { host: 'api.example', ...headers },
    requestContext: {
      http: { method: 'POST', path, protocol: 'HTTP/1.1', sourceIp: '192.0.2.1', userAgent: 'test' },
      requestId: randomUUID(),
      routeKey,
      stage: '$default',
    },
    body,
    isBase64Encoded,
  };
}
