import { gatewayEvent } from '../setup/events.ts';
import { BODY } from './http.ts';

const JSON_TYPE = { 'content-type': 'application/json' };

/** The plain request as an event of an HTTP API, payload format 2.0. */
export function v2(token: string, userId: unknown = '2') {
  return gatewayEvent({ userId, token, headers: JSON_TYPE, body: BODY });
}

/** The same with these headers besides the content type; if there is a token, it is in them. */
export function withHeaders(headers: Record<string, unknown>) {
  return gatewayEvent({ headers: { ...JSON_TYPE, ...headers }, body: BODY });
}

/** The plain request as an event of a REST API, payload format 1.0. */
export function v1(token: string) {
  const path = '/auth/logout_user/2';
  const authorization = `Bearer ${token}`;
  return {
    resource: '/auth/logout_user/{user_id}',
    path,
    httpMethod: 'POST',
    headers: { Authorization: authorization, 'Content-Type': 'application/json' },
    multiValueHeaders: { Authorization: [authorization], 'Content-Type': ['application/json'] },
    queryStringParameters: null,
    multiValueQueryStringParameters: null,
    pathParameters: { user_id: '2' },
    stageVariables: null,
    requestContext: {
      resourcePath: '/auth/logout_user/{user_id}',
      httpMethod: 'POST',
      path,
      stage: 'prod',
      requestId: 'r',
      identity: { sourceIp: '192.0.2.1' },
    },
    body: BODY,
    isBase64Encoded: false,
  };
}
