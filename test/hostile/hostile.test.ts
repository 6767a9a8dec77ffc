// Hostile input, and the answer that it must get: over HTTP through serverless-offline, or from the function itself, as
// an event. A case that is refused ends no session of any user.
// To run one of them: node --test --test-name-pattern=exp-null test/hostile/hostile.test.ts
import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { DynamoDBClient, PutItemCommand, ScanCommand } from '@aws-sdk/client-dynamodb';
import { useLocalAws } from '../../lib/operator/local_aws.ts';
import { PUBLISHED_RECORD, TABLE } from '../local/seed.ts';
import { startService } from '../local/service.ts';
import { formEvent } from '../setup/events.ts';
import type { Answer, Lambda } from '../setup/lambda.ts';
import { startFunction } from '../setup/route.ts';
import { accepted, type Case } from './case.ts';
import { claimTypeConfusion } from './cases/claim_type_confusion.ts';
import { headerTampering } from './cases/header_tampering.ts';
import { httpLevel } from './cases/http_level.ts';
import { jsonrpcBody } from './cases/jsonrpc_body.ts';
import { keyConfusion, publicKeysKnown, sharedSecretOnly } from './cases/key_confusion.ts';
import { lambdaEvent } from './cases/lambda_event.ts';
import { asLogoutTokens, logoutTokens } from './cases/logout_token.ts';
import { paramsExcept } from './cases/params_except.ts';
import { pathParameter } from './cases/path_parameter.ts';
import { asRevocationTokens, request as revocationRequest, revocations } from './cases/revocation.ts';
import { asSecurityEvents, request as pushRequest, securityEvents } from './cases/security_event.ts';
import { time } from './cases/time.ts';
import { tokenStructure } from './cases/token_structure.ts';
import { userIdClaim } from './cases/user_id_claim.ts';
import { wrongKind } from './cases/wrong_kind.ts';
import { check, checkReceiver } from './check.ts';
import { v2 } from './event.ts';
import { plainRequest, send } from './http.ts';
import { boundRecords, publicKeyRecords } from './keys.ts';
import { claims, logoutToken, revocationToken, SECRET, securityEvent } from './token.ts';

const ANSWERED_WITHIN = { timeout: 20_000 };
const CONTROL = accepted('control', 'The plain request still works.');
const SESSION = { user_id: { S: '2' }, session_id: { S: '2-a' } };

const service = await startService();
after(service.stop);

// The functions work on the table of `npm start`: one scan shows whose sessions have ended.
const address = (port: number) => `http://127.0.0.1:${port}`;
useLocalAws({ dynamodb: address(service.port + 1), secretsManager: address(service.port + 2) });
const dynamodb = new DynamoDBClient();
const settings = { SESSIONS_TABLE: TABLE };
// All functions trust these, which a deploy would refuse: only their claims distinguish the tokens.
const records = [PUBLISHED_RECORD, ...publicKeyRecords];
const { lambda: logoutUser } = await startFunction('logout_user', [...records, ...boundRecords], settings);
const { lambda: backchannelLogout } = await startFunction('backchannel_logout', records, settings);
const ofClient = records.map((record) => ({ ...record, client_id: 'web' }));
const { lambda: globalTokenRevocation } = await startFunction('global_token_revocation', ofClient, settings);
const { lambda: securityEventsReceiver } = await startFunction('security_events', records, settings);

const refusals = new Set<string>();

/** Sends the case over HTTP; the rest of the request is plain. */
async function overHttp(hostile: Case): Promise<void> {
  const token = await (hostile.token ?? claims)();
  const special = typeof hostile.request === 'function' ? hostile.request(token) : hostile.request;
  const request = { ...plainRequest(token), ...special };
  const error = check(hostile, token, request.headers, await send(service.port, request));
  if (hostile.status === 401 && error) refusals.add(JSON.stringify(error));
}

/** Sends the case to the function as an event. */
async function asEvent(hostile: Case): Promise<void> {
  const token = await (hostile.token ?? claims)();
  const event = (hostile.event ?? v2)(token);
  const error = check(hostile, token, headersOf(event), await invoke(logoutUser, hostile, token, event));
  if (hostile.status === 401) refusals.add(JSON.stringify(error));
}

/** Sends the case to the function for OpenID providers as an event, with its token as a logout token. */
async function asForm(hostile: Case): Promise<void> {
  const token = await (hostile.token ?? logoutToken)();
  const event = hostile.event?.(token) ?? formEvent(`logout_token=${encodeURIComponent(token)}`);
  checkReceiver(hostile, token, await invoke(backchannelLogout, hostile, token, event));
}

/** Sends the case to the function for revocations as an event. */
async function asRevocation(hostile: Case): Promise<void> {
  const token = await (hostile.token ?? revocationToken)();
  const event = (hostile.event ?? revocationRequest())(token);
  checkReceiver(hostile, token, await invoke(globalTokenRevocation, hostile, token, event));
}

/** Sends the case to the function for security events as an event. */
async function asPush(hostile: Case): Promise<void> {
  const token = await (hostile.token ?? securityEvent)();
  const event = (hostile.event ?? pushRequest)(token);
  checkReceiver(hostile, token, await invoke(securityEventsReceiver, hostile, token, event));
}

/** Sends the event. The audit record must not hold the token either, but the reason of a refusal. */
async function invoke(lambda: Lambda, { reason }: Case, token: string, event: unknown): Promise<Answer> {
  const answer = await lambda.send(event);
  const audit = JSON.stringify(answer.audit);
  assert.ok(!audit.includes(token.slice(-40)) && !audit.includes(SECRET));
  assert.equal(answer.audit.reason, reason ?? answer.audit.reason);
  return answer;
}

function headersOf(event: unknown): [string, unknown][] {
  return typeof event === 'object' && event !== null && 'headers' in event ? Object.entries(event.headers ?? {}) : [];
}

/** Runs the case while user 2 has a session: one that is served ends it, and one that is refused ends nobody's. */
async function watch(hostile: Case, run: (hostile: Case) => Promise<void>): Promise<void> {
  const sessions = new ScanCommand({ TableName: TABLE, ConsistentRead: true });
  await dynamodb.send(new PutItemCommand({ TableName: TABLE, Item: SESSION }));
  const { Items: before } = await dynamodb.send(sessions);
  await run(hostile);
  const { Items: left } = await dynamodb.send(sessions);
  const { status, result = true, gateway } = hostile;
  if (status !== 200 || !result) assert.deepEqual(left, before, 'a session has ended');
  else if (!gateway) assert.notDeepEqual(left, before, 'no session has ended');
}

function testAll(family: string, cases: Case[], run: (hostile: Case) => Promise<void>): void {
  describe(family, () => {
    for (const [n, hostile] of cases.entries()) {
      const { status, name, why } = hostile;
      test(`answers ${status} to ${family}/${name}: ${why}`, ANSWERED_WITHIN, () => watch(hostile, run));
      if (n % 40 === 39 || n === cases.length - 1) {
        const after = `${n + 1} cases of ${family}`;
        test(`a plain request is still answered with 200 after ${after}`, ANSWERED_WITHIN, () => watch(CONTROL, run));
      }
    }
  });
}

describe('over HTTP', () => {
  testAll('token-structure', tokenStructure, overHttp);
  testAll('header-tampering', headerTampering, overHttp);
  testAll('key-confusion', [...keyConfusion, ...sharedSecretOnly], overHttp);
  testAll('claim-type-confusion', claimTypeConfusion, overHttp);
  testAll('time', time, overHttp);
  testAll('wrong-kind', wrongKind, overHttp);
  testAll('path-parameter', pathParameter, overHttp);
  testAll('jsonrpc-body', jsonrpcBody, overHttp);
  testAll('params-except', paramsExcept, overHttp);
  testAll('http-level', httpLevel, overHttp);
});

describe('as an event, where public keys are trusted too', () => {
  testAll('lambda-event', lambdaEvent, asEvent);
  testAll('key-confusion', [...keyConfusion, ...publicKeysKnown], asEvent);
  testAll('header-tampering', headerTampering, asEvent);
  testAll('wrong-kind', wrongKind, asEvent);
  testAll('user-id-claim', userIdClaim, asEvent);
});

describe('at the other routes, where all trust the same keys', () => {
  const families = [tokenStructure, headerTampering, keyConfusion, publicKeysKnown, claimTypeConfusion, time];
  const callersTokens = [...families, userIdClaim].flat();
  testAll('logout-token', logoutTokens, asForm);
  testAll('callers-token-as-logout-token', asLogoutTokens(callersTokens), asForm);
  testAll('revocation', revocations, asRevocation);
  testAll('callers-token-as-revocation', asRevocationTokens(callersTokens), asRevocation);
  testAll('security-event', securityEvents, asPush);
  testAll('callers-token-as-security-event', asSecurityEvents(callersTokens), asPush);
});

test('every 401 has the same error', () => {
  assert.equal(refusals.size, 1, [...refusals].join());
});
