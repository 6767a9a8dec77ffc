// The audit record: one line for each request, with what an auditor needs and nothing that a thief could use.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { Request } from '../setup/events.ts';
import { type AuditLine, coldStart, type Lambda } from '../setup/lambda.ts';
import { startAws, startFunction } from '../setup/route.ts';
import { newSessions, putItems } from '../setup/tables.ts';
import { newClaims, newRecord, signToken, storeRecord } from '../setup/tokens.ts';

const FIELDS = [
  'timestamp level message route outcome reason fault user_id caller_reason actor sub validator alg key_stage short_key token_id',
  'passes retries function_name request_id api_request_id source_ip user_agent requests rejections sessions_ended sessions_expired',
  'sessions_written_back items_left_alone sessions_kept sessions_left stale_record throttles duration_ms _aws',
].flatMap((line) => line.split(' '));

const aws = await startAws();

const record = newRecord({ allowed_emails: ['admin', 'line\nbreak'] });
const key = record.secret_key;
const { table, secretIds, lambda } = await startFunction('logout_user', [record]);
const environment = { VALIDATOR_SECRET_IDS: secretIds.join(), SESSIONS_TABLE: table };

async function lineOf(request: Request, on: Lambda = lambda): Promise<AuditLine> {
  return (await on.invoke(request)).audit;
}

/** Which metrics CloudWatch takes from the line, with their dimensions. */
function metricsOf(line: AuditLine): Record<string, string[]> {
  const text = JSON.stringify(line);
  const { _aws }: { _aws: { CloudWatchMetrics: { Dimensions: [string[]]; Metrics: { Name: string }[] }[] } } =
    JSON.parse(text);
  return Object.fromEntries(
    _aws.CloudWatchMetrics.flatMap(({ Dimensions, Metrics }) => Metrics.map(({ Name }) => [Name, Dimensions[0]])),
  );
}

test('the audit record says who asked, with which key, for whom, why, and what happened to the sessions', async () => {
  await putItems(table, [...newSessions('31', 2), ...newSessions('31', 1, { expiresIn: -1 })]);
  const token = await signToken(key, newClaims({ jti: 'token 1' }));
  const line = await lineOf({
    userId: '31',
    token,
    body: '{"params":{"reason":"left the company"}}',
    headers: { 'User-Agent': 'odoo' },
  });
  assert.deepEqual(
    Object.keys(line).filter((field) => !FIELDS.includes(field)),
    [],
  );
  const noted = {
    message: 'logout',
    route: 'logout_user',
    function_name: 'logout_user',
    outcome: 'logged_out',
    user_id: '31',
    caller_reason: 'left the company',
    actor: 'admin',
    validator: 'test_validator',
  };
  const origin = {
    alg: 'HS256',
    key_stage: 'current',
    short_key: false,
    token_id: 'token 1',
    source_ip: '192.0.2.1',
    user_agent: 'odoo',
  };
  const counts = {
    level: 'INFO',
    sessions_ended: 2,
    sessions_expired: 1,
    items_left_alone: 0,
    sessions_left: 0,
    stale_record: 0,
    passes: 1,
    retries: 0,
  };
  assert.partialDeepStrictEqual(line, { ...noted, ...origin, ...counts });
  for (const id of [line.request_id, line.api_request_id]) assert.match(String(id), /^[\da-f-]{36}$/);
});

test('the audit record carries its metrics in CloudWatch’s embedded metric format', async () => {
  const { _aws, timestamp, duration_ms } = await lineOf({ userId: '32' });
  const metrics = (dimensions: string[], Metrics: { Name: string; Unit: string }[]) => ({
    Namespace: 'auth-logout-user',
    Dimensions: [['function_name', ...dimensions]],
    Metrics,
  });
  const counts = [
    'sessions_ended',
    'sessions_written_back',
    'items_left_alone',
    'sessions_left',
    'stale_record',
    'throttles',
  ];
  assert.deepEqual(_aws, {
    Timestamp: Date.parse(String(timestamp)),
    CloudWatchMetrics: [
      metrics(['outcome'], [{ Name: 'requests', Unit: 'Count' }]),
      metrics([], [...counts.map((Name) => ({ Name, Unit: 'Count' })), { Name: 'duration_ms', Unit: 'Milliseconds' }]),
      {
        ...metrics([], [{ Name: 'rejections', Unit: 'Count' }]),
        Dimensions: [['function_name', 'reason'], ['function_name']],
      },
    ],
  });
  assert.ok(Number(duration_ms) <= Date.now() - Date.parse(String(timestamp)));
});

test('the audit record of a logout has the outcome no_live_session when the user had none', async () => {
  assert.partialDeepStrictEqual(await lineOf({ userId: '32', token: await signToken(key) }), {
    outcome: 'no_live_session',
    sessions_ended: 0,
  });
});

test('the audit record identifies a token without jti by its hash', async () => {
  const line = await lineOf({ userId: '32', token: await signToken(key) });
  assert.match(String(line.token_id), /^sha256:[\w-]{43}$/);
});

test('the actor in the audit record is sub when the token has no email', async () => {
  const open = newRecord();
  const anyCaller = await coldStart({ ...environment, VALIDATOR_SECRET_IDS: await storeRecord(open) });
  const token = await signToken(open.secret_key, newClaims({ email: undefined, sub: 'robot' }));
  assert.equal((await lineOf({ token }, anyCaller)).actor, 'robot');
});

test('the audit record has sub beside the email', async () => {
  const token = await signToken(key, newClaims({ sub: 'auth0|5\u200b' }));
  const { actor, sub } = await lineOf({ token });
  assert.deepEqual([actor, sub], ['admin', 'auth0|5\\u{200b}']);
});

test('two different user ids are never one text in the audit record', async () => {
  const anyId = await coldStart({ ...environment, USER_ID_PATTERN: '[^]+' });
  const written = async (userId: string) => (await lineOf({ userId, token: await signToken(key) }, anyId)).user_id;
  assert.equal(await written('a\u200bb\u2028\u{e0001}'), 'a\\u{200b}b\\u{2028}\\u{e0001}');
  assert.equal(await written('a\\u{200b}b'), 'a\\u{5c}u{200b}b');
  assert.equal(await written('jürgen müller'), 'jürgen müller');
  assert.equal(await written('x'.repeat(1000)), 'x'.repeat(1000), 'it is never cut');
});

const now = Math.floor(Date.now() / 1000);
const rejections: [string, string, () => Promise<string | undefined>][] = [
  ['unauthenticated', 'no_credentials', async () => undefined],
  ['unauthenticated', 'malformed', async () => 'a.b.c'],
  ['unauthenticated', 'algorithm', () => signToken(key, newClaims(), { alg: 'HS384' })],
  ['unauthenticated', 'signature', () => signToken(newRecord().secret_key)],
  ['unauthenticated', 'expired', () => signToken(key, newClaims({ exp: now - 60 }))],
  ['unauthenticated', 'not_yet_valid', () => signToken(key, newClaims({ nbf: now + 60 }))],
  ['unauthenticated', 'too_long_lived', () => signToken(key, newClaims({ exp: now + 90_000 }))],
  ['unauthenticated', 'audience', () => signToken(key, newClaims({ aud: 'another' }))],
  ['unauthenticated', 'issuer', () => signToken(key, newClaims({ iss: 'another' }))],
  ['unauthenticated', 'claims', () => signToken(key, newClaims({ exp: undefined }))],
  ['unauthenticated', 'wrong_kind', () => signToken(key, newClaims({ events: {} }))],
  ['not_allowed', 'email_not_allowed', () => signToken(key, newClaims({ email: 'mallory' }))],
];
for (const [outcome, reason, token] of rejections) {
  test(`the audit record says why a caller was rejected: ${reason}`, async () => {
    const text = await token();
    const line = await lineOf(text === undefined ? {} : { token: text });
    assert.partialDeepStrictEqual(line, { outcome, reason, rejections: 1, level: 'INFO', sessions_left: 0 });
    assert.deepEqual(metricsOf(line).rejections, ['function_name', 'reason']);
  });
}

test('an accepted request does not count in the metric rejections', async () => {
  const metrics = metricsOf(await lineOf({ userId: '32', token: await signToken(key) }));
  assert.equal(metrics.rejections, undefined);
  assert.deepEqual(metrics.requests, ['function_name', 'outcome']);
  const plain = [
    'sessions_ended',
    'sessions_written_back',
    'items_left_alone',
    'sessions_left',
    'stale_record',
    'throttles',
    'duration_ms',
  ];
  for (const name of plain) assert.deepEqual(metrics[name], ['function_name'], name);
});

test('the audit record says that sessions may be left when DynamoDB fails', async () => {
  const down = await coldStart({ ...environment, AWS_ENDPOINT_URL_DYNAMODB: 'http://127.0.0.1:9' });
  const line = await lineOf({ token: await signToken(key) }, down);
  Object.assign(process.env, aws);
  assert.partialDeepStrictEqual(line, {
    outcome: 'unavailable',
    reason: 'aws_unavailable',
    level: 'ERROR',
    sessions_left: 1,
  });
});

test('the audit record names the validator record and the field at fault, never its value', async () => {
  const secretId = await storeRecord(newRecord({ secret_key: 'short key' }));
  const broken = await coldStart({ ...environment, VALIDATOR_SECRET_IDS: secretId });
  const line = await lineOf({ token: await signToken(key) }, broken);
  assert.partialDeepStrictEqual(line, { outcome: 'internal', reason: 'record_invalid', level: 'ERROR' });
  assert.match(
    String(line.fault),
    new RegExp(`^validator record ${secretId}: secret_key is shorter than the 32 bytes`),
  );
  assert.doesNotMatch(String(line.fault), /short key/);
});

test('the audit record of an unexpected error names its kind and its place in the code', async () => {
  const broken = await coldStart(environment);
  process.env.AWS_SESSION_TOKEN = 'a\nb'; // no header may hold that
  const line = await lineOf({ token: await signToken(key) }, broken);
  delete process.env.AWS_SESSION_TOKEN;
  assert.partialDeepStrictEqual(line, { outcome: 'internal', reason: 'unexpected', level: 'ERROR' });
  assert.match(String(line.fault), /^TypeError ERR_INVALID_CHAR at \S.*:\d+:\d+\)?$/);
});

test('control characters are stripped from the audit record, and values that are too long are cut', async () => {
  const token = await signToken(key, newClaims({ email: 'line\nbreak', jti: 'x'.repeat(300) }));
  const line = await lineOf({ userId: '32', token, headers: { 'user-agent': 'a\u001b[31mb\u2028c\u202ed' } });
  assert.partialDeepStrictEqual(line, { actor: 'linebreak', token_id: 'x'.repeat(256), user_agent: 'a[31mbcd' });
  assert.equal((await lineOf({ userId: '32', headers: { 'user-agent': '\u0007\u009b' } })).user_agent, '');
});

test('the audit record never holds a token, key, cookie, session key or any value it has no field for', async () => {
  const sessions = newSessions('33', 3, { payload: 100 });
  await putItems(table, sessions);
  const [kept = '', ...ended] = sessions.map(({ session_id }) => session_id?.S ?? '');
  const token = await signToken(key, newClaims({ secret_claim: 'claim-value-1' }));
  const headers = { cookie: 'sid=cookie-value-1', 'x-api-key': 'header-value-1', 'user-agent': 'x' };
  const keep = (except: unknown, on?: Lambda) =>
    lineOf(
      {
        userId: '33',
        token,
        headers: { ...headers, 'content-type': 'application/json' },
        body: JSON.stringify({ params: { except } }),
      },
      on,
    );
  const keeping = await keep([kept, 'except-value-1']);
  assert.deepEqual([keeping.sessions_ended, keeping.sessions_kept], [2, 1]);
  const down = await coldStart({ ...environment, AWS_ENDPOINT_URL_DYNAMODB: 'http://127.0.0.1:9' });
  const failing = await keep('except-value-1', down);
  Object.assign(process.env, aws);
  assert.equal(failing.outcome, 'unavailable');
  const lines = [
    keeping,
    failing,
    await keep([['except-value-1']]),
    await keep({ 'except-value-1': kept }),
    await keep(`except-value-1${'x'.repeat(3000)}`),
    await lineOf({ userId: '33', token, headers, body: '{"id":"id-value-1","params":{"a":"param-value-1"}}' }),
    await lineOf({ userId: '33', token: `${token}x`, headers }),
    await lineOf({ userId: 'path-value-1', token, headers }),
    await lineOf({ userId: '33', token, headers, body: '{"body-value-1' }),
  ];
  const text = JSON.stringify(lines);
  const secrets = [key, ...token.split('.'), kept, ...ended];
  const values = [
    'claim-value-1',
    'cookie-value-1',
    'header-value-1',
    'param-value-1',
    'id-value-1',
    'path-value-1',
    'body-value-1',
    'except-value-1',
  ];
  for (const value of [...secrets, ...values, 'xxxxxxxxxx']) assert.ok(value && !text.includes(value), value);
});

test('docs/audit.md explains every reason in lib/errors.ts, and no other', () => {
  const [, types = ''] = readFileSync('lib/errors.ts', 'utf8').split(/^export type (?=Reason)/m);
  const [, table = ''] = readFileSync('docs/audit.md', 'utf8').split('\n| reason |');
  const reasons = [...types.matchAll(/^ {2}\| '(\w+)'/gm)].map(([, reason]) => reason);
  const explained = table.split('\n').flatMap((row) => row.split('|')[1]?.match(/(?<=`)\w+(?=`)/g) ?? []);
  assert.deepEqual(explained.sort(), reasons.sort());
});
