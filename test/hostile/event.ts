import { BODY } from './http.ts';

const JSON_TYPE = { 'content-type': 'application/json' };

/** The plain request as an event of API Gateway's HTTP API, payload format 2.0. */
export function v2(token: string, userId: unknown = '2') {
  const segment = typeof userId === 'string' ? userId : 'x';
  const path = `/auth/logout_user/${segment}`;
  return {
    version: '2.0',
    routeKey: 'POST /auth/logout_user/{user_id}',
    rawPath: `/auth/logout_user/${encodeURIComponent(segment.toWellFormed())}`,
    rawQueryString: '',
    headers: { ...JSON_TYPE, authorization: `Bearer ${token}`, host: 'api.example' },
    requestContext: {
      accountId: '000000000000',
      apiId: 'x',
      domainName: 'api.example',
      http: { method: 'POST', path, protocol: 'HTTP/1.1', sourceIp: '192.0.2.1', userAgent: 't' },
      requestId: 'r',
      routeKey: 'POST /auth/logout_user/{user_id}',
      stage: '$default',
      time: '01/Jan/2026:00:00:00 +0000',
      timeEpoch: 1,
    },
    pathParameters: { user_id: userId },
    body: BODY,
    isBase64Encoded: false,
  };
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

/** A v2 event with other headers than the plain ones, beside the content type. */
export function withHeaders(token: string, headers: Record<string, unknown>) {
  return { ...v2(token), headers: { ...JSON_TYPE, ...headers } };
}
