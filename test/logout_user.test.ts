// The promise of the route, through the real handler, against a local DynamoDB and Secrets Manager over HTTP.
import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import type { Request } from './setup/events.ts';
import { type Answer, coldStart, type Lambda } from './setup/lambda.ts';
import { startAws, startRoute } from './setup/route.ts';
import { newSessions, putItems, sessionsLeft } from './setup/tables.ts';
import { newClaims, newRecord, signText, signToken } from './setup/tokens.ts';

const UNREACHABLE = 'http://127.0.0.1:9';
const CHALLENGE = 'Bearer realm="auth_logout_user"';

const aws = await startAws();

const { table, lambda, key, secretId } = await startRoute();

async function logout(request: Request = {}, on: Lambda = lambda): Promise<Answer> {
  return on.invoke({ token: await signToken(key), ...request });
}

function assertError(answer: Answer, status: number, code: number, id: unknown = null): void {
  assert.equal(answer.status, status, answer.text);
  assert.deepEqual(Object.keys(answer.json), ['jsonrpc', 'id', 'error']);
  assert.deepEqual([answer.json.jsonrpc, answer.json.id], ['2.0', id]);
  const { error } = answer.json;
  assert.ok(typeof error === 'object' && error !== null && 'code' in error && 'message' in error);
  assert.deepEqual(Object.keys(error), ['code', 'message']);
  assert.equal(error.code, code);
  if ([400, 413, 415].includes(status)) assert.equal(answer.audit.reason, 'body');
}

describe('sessions', () => {
  test('a logout deletes every session of the user, across pages, and nobody else’s', async () => {
    await putItems(table, [
      ...newSessions('21', 30, { payload: 60_000 }),
      ...newSessions('2', 3),
      ...newSessions('211', 3),
    ]);
    const answer = await logout({ userId: '21', body: '{"jsonrpc":"2.0","id":7}' });
    assert.equal(answer.status, 200);
    assert.equal(answer.text, '{"jsonrpc":"2.0","id":7,"result":true}');
    assert.deepEqual(answer.headers, { 'content-type': 'application/json', 'cache-control': 'no-store' });
    assert.equal(await sessionsLeft(table, '21'), 0);
    assert.equal(await sessionsLeft(table, '2'), 3);
    assert.equal(await sessionsLeft(table, '211'), 3);
  });

  test('a logout answers false for a user who is already logged out, or was never logged in', async () => {
    await putItems(table, newSessions('22', 2));
    assert.equal((await logout({ userId: '22' })).json.result, true);
    assert.equal((await logout({ userId: '22' })).json.result, false);
    assert.equal((await logout({ userId: '0' })).json.result, false);
  });

  test('expired sessions are deleted too, but the answer is false if there are no others', async () => {
    await putItems(table, newSessions('23', 30, { expiresIn: -1 }));
    assert.equal((await logout({ userId: '23' })).json.result, false);
    assert.equal(await sessionsLeft(table, '23'), 0);
    await putItems(table, [...newSessions('23', 30, { expiresIn: -1 }), ...newSessions('23', 1)]);
    assert.equal((await logout({ userId: '23' })).json.result, true);
    assert.equal(await sessionsLeft(table, '23'), 0);
  });

  test('a session without an expiry counts as live', async () => {
    await putItems(table, [{ user_id: { S: '24' }, session_id: { S: 'for ever' } }]);
    assert.equal((await logout({ userId: '24' })).json.result, true);
  });
});

describe('body', () => {
  const ids: [string, string][] = [
    ['"a-b"', '"a-b"'],
    ['7', '7'],
    ['-1.50', '-1.50'],
    ['1790000000123456789', '1790000000123456789'],
    ['null', 'null'],
  ];
  for (const [id, echoed] of ids) {
    test(`the JSON-RPC id ${id} is echoed as it was sent`, async () => {
      const answer = await logout({ userId: '0', body: `{"id":${id}}` });
      assert.equal(answer.text, `{"jsonrpc":"2.0","id":${echoed},"result":false}`);
    });
  }

  for (const [name, body] of Object.entries({
    absent: undefined,
    empty: '',
    'nothing but whitespace': ' \r\n',
    'an empty object': '{}',
    'without an id': '{"method":"x"}',
  })) {
    test(`the answer has id null when the body is ${name}`, async () => {
      assert.equal((await logout({ userId: '0', body })).text, '{"jsonrpc":"2.0","id":null,"result":false}');
    });
  }

  test('a body that API Gateway hands over in base64 is read', async () => {
    const body = Buffer.from('{"id":"ü"}').toString('base64');
    assert.equal((await logout({ userId: '0', body, base64: true })).json.id, 'ü');
  });

  test('only the path says who is logged out: method, other members and params of the body are ignored', async () => {
    await putItems(table, newSessions('25', 1));
    const body = '{"method":["x"],"params":{"user_id":25,"db":"x"},"more":1}';
    assert.equal((await logout({ userId: '0', body })).json.result, false);
    assert.equal(await sessionsLeft(table, '25'), 1);
  });

  for (const body of ['{', "{'id':1}", '{"id":01}', 'user_id=2', '\ufeff{}', '{} {}', 'NaN']) {
    test(`a 400 is returned when the body is not JSON: ${JSON.stringify(body).replace('\ufeff', 'BOM ')}`, async () => {
      assertError(await logout({ body }), 400, -32700);
    });
  }

  test('a 400 is returned for a body whose bytes are not UTF-8', async () => {
    assertError(await logout({ body: Buffer.from([0x22, 0xff, 0x22]).toString('base64'), base64: true }), 400, -32700);
  });

  for (const body of ['[]', '[{"id":1}]', '1', 'true', 'null', '"x"', '{"id":true}', '{"id":[1]}', '{"id":{}}']) {
    test(`a 400 is returned for a body that is not a request object: ${body}`, async () => {
      assertError(await logout({ body }), 400, -32600);
    });
  }

  for (const params of ['[]', '"x"', '1', 'null', 'true']) {
    test(`a 400 with the id of the request is returned when its params are ${params}`, async () => {
      assertError(await logout({ body: `{"id":"p","params":${params}}` }), 400, -32602, 'p');
    });
  }

  for (const [name, value] of [
    ['content-type', 'application/json'],
    ['content-type', 'APPLICATION/JSON'],
    ['content-type', 'application/json; charset=utf-8'],
    ['content-type', 'application/json-rpc'],
    ['content-type', 'application/jsonrequest ; charset=utf-8'],
    ['content-type', 'application/vnd.api+json'],
    ['content-type', 'Application/Problem+JSON'],
    ['content-encoding', 'identity'],
    ['content-encoding', ' Identity'],
  ] as const) {
    test(`a body with the ${name} "${value}" is accepted`, async () => {
      assert.equal((await logout({ userId: '0', headers: { [name]: value }, body: '{}' })).status, 200);
    });
  }

  for (const [name, value, message] of [
    ['content-type', 'text/plain', 'The content type must be application/json'],
    ['content-type', '', 'The content type must be application/json'],
    ['content-type', 'application/jsonfoo', 'The content type must be application/json'],
    ['content-type', 'application/json-rpc2', 'The content type must be application/json'],
    ['content-type', 'application/+json', 'The content type must be application/json'],
    ['content-type', 'application/a+jsonx', 'The content type must be application/json'],
    ['content-type', 'application/a b+json', 'The content type must be application/json'],
    ['content-type', 'text/plain; application/json', 'The content type must be application/json'],
    ['content-type', 'text/vnd.api+json', 'The content type must be application/json'],
    ['content-encoding', 'gzip', 'The body must be sent without a content encoding'],
    ['content-encoding', 'identity, br', 'The body must be sent without a content encoding'],
  ] as const) {
    test(`a 415 is returned for a body with the ${name} "${value}"`, async () => {
      const answer = await logout({ headers: { [name]: value }, body: '{}' });
      assertError(answer, 415, -32600);
      assert.ok(answer.text.includes(`"message":"${message}"`), answer.text);
    });
  }

  test('a 413 is returned for a body of more than 64 KiB', async () => {
    assert.equal((await logout({ userId: '0', body: '{}'.padStart(65_536) })).status, 200);
    assertError(await logout({ userId: '0', body: '{}'.padStart(65_537) }), 413, -32600);
  });

  test('params.reason of a request goes into the audit record and nowhere else', async () => {
    const reason = 'stolen laptop\n\u202e'.padEnd(300, 'x');
    const { text, audit } = await logout({ userId: '0', body: JSON.stringify({ params: { reason } }) });
    assert.ok(!text.includes('stolen'));
    assert.equal(audit.caller_reason, `stolen laptop${'x'.repeat(243)}`);
  });
});

describe('token', () => {
  const now = Math.floor(Date.now() / 1000);
  const refused: Record<string, () => Promise<string>> = {
    'is not a JWT': async () => 'a.b.c',
    'is empty': async () => '',
    'has expired': () => signToken(key, newClaims({ exp: now - 60 })),
    'is not valid yet': () => signToken(key, newClaims({ nbf: now + 60 })),
    'is signed with another key': () => signToken(newRecord().secret_key),
    'is for another audience': () => signToken(key, newClaims({ aud: 'another' })),
    'is from another issuer': () => signToken(key, newClaims({ iss: 'another' })),
    'lacks exp': () => signToken(key, newClaims({ exp: undefined })),
    'lacks aud': () => signToken(key, newClaims({ aud: undefined })),
    'lacks iss': () => signToken(key, newClaims({ iss: undefined })),
    'lives for more than a day': () => signToken(key, newClaims({ exp: now + 90_000 })),
    'has the algorithm none': async () =>
      signText(key, '{"alg":"none"}', JSON.stringify(newClaims())).replace(/[^.]*$/, ''),
    'has a different algorithm from the record': () => signToken(key, newClaims(), { alg: 'HS512' }),
  };

  for (const [name, token] of Object.entries(refused)) {
    test(`a 401 is returned, and the session survives, when the token ${name}`, async () => {
      await putItems(table, newSessions('26', 1));
      const answer = await logout({ userId: '26', token: await token(), body: '{"id":1}' });
      assertError(answer, 401, -32001);
      assert.equal(answer.headers['www-authenticate'], `${CHALLENGE}, error="invalid_token"`);
      assert.equal(
        answer.text,
        '{"jsonrpc":"2.0","id":null,"error":{"code":-32001,"message":"Authentication failed"}}',
      );
      assert.equal(await sessionsLeft(table, '26'), 1, 'the session survives');
      await logout({ userId: '26' });
    });
  }

  for (const authorization of [undefined, 'Basic YTpi', 'Token x']) {
    test(`a 401 that names no error is returned when authorization is ${authorization ?? 'absent'}`, async () => {
      const answer = await lambda.invoke(authorization ? { headers: { authorization } } : {});
      assertError(answer, 401, -32001);
      assert.equal(answer.headers['www-authenticate'], CHALLENGE);
    });
  }

  test('a 401 is returned for a bad token before the body is read', async () => {
    assertError(await logout({ token: 'a.b.c', body: '{', headers: { 'content-type': 'text/html' } }), 401, -32001);
  });

  test('a token with a fractional exp and a list of audiences is accepted after "bearer" in lower case', async () => {
    const token = await signToken(key, newClaims({ exp: now + 60.25, aud: ['x', 'auth_logout_user_jwt'] }));
    assert.equal((await lambda.invoke({ userId: '0', headers: { Authorization: `bearer ${token}` } })).status, 200);
  });
});

describe('user id', () => {
  for (const userId of [
    'abc',
    '-1',
    '06',
    '6.0',
    '+6',
    ' 6',
    '6\n',
    '٦',
    '1e3',
    '',
    '12345678901234567890',
    null,
    {},
  ]) {
    test(`a 404 is returned when the user id in the path is ${JSON.stringify(userId)}`, async () => {
      assertError(await logout({ userId, body: '{"id":"u"}' }), 404, -32004, 'u');
    });
  }

  test('a user id of 19 digits is accepted', async () => {
    assert.equal((await logout({ userId: '9223372036854775807' })).status, 200);
  });

  test('a 404 is returned for an empty, too long or ill-formed user id, whatever USER_ID_PATTERN accepts', async () => {
    const { logout } = await startRoute({ USER_ID_PATTERN: '.*' });
    assert.equal((await logout('x'.repeat(1024))).status, 200);
    for (const userId of ['', 'x'.repeat(1025), '\ud800']) {
      const { status, audit } = await logout(userId);
      assert.deepEqual([status, audit.outcome, audit.reason], [404, 'user_id_not_accepted', 'user_id']);
    }
  });
});

describe('AWS', () => {
  async function coldStartWith(overrides: Record<string, string>): Promise<Lambda> {
    return coldStart({ ...aws, VALIDATOR_SECRET_IDS: secretId, SESSIONS_TABLE: table, ...overrides });
  }
  after(() => Object.assign(process.env, aws));

  test('a 503 with retry-after is returned when DynamoDB is down', async () => {
    const down = await coldStartWith({ AWS_ENDPOINT_URL_DYNAMODB: UNREACHABLE });
    const answer = await logout({ body: '{"id":1}' }, down);
    assertError(answer, 503, -32000, 1);
    assert.match(String(answer.headers['retry-after']), /^[1-5]$/);
  });

  test('a 503, not a 401, is returned when the validator record cannot be read', async () => {
    const down = await coldStartWith({ AWS_ENDPOINT_URL_SECRETS_MANAGER: UNREACHABLE });
    const answer = await logout({}, down);
    assertError(answer, 503, -32000);
    assert.equal(answer.headers['www-authenticate'], undefined);
  });

  test('a 500 that hides the cause is returned when the table is missing', async () => {
    const answer = await logout({}, await coldStartWith({ SESSIONS_TABLE: 'no-such-table' }));
    assertError(answer, 500, -32603);
    assert.doesNotMatch(answer.text, /table|dynamo|arn|resource/i);
  });

  test('a 500 that hides the cause is returned when the validator record is missing', async () => {
    const answer = await logout({}, await coldStartWith({ VALIDATOR_SECRET_IDS: 'no-such-secret' }));
    assertError(answer, 500, -32603);
    assert.doesNotMatch(answer.text, /secret|arn|resource/i);
  });
});
