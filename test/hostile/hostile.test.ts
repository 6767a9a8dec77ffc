// Hostile input, and the answer that each must get: over HTTP through serverless-offline, or as an event through the
// packaged handler. To run one of them: node --test --test-name-pattern=exp-null test/hostile/hostile.test.ts
import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { startLocalAws } from '../local/aws.ts';
import { SECRET_ID, seed, TABLE } from '../local/seed.ts';
import { startService } from '../local/service.ts';
import { auditLines } from '../setup/lambda.ts';
import { storeRecord } from '../setup/tokens.ts';
import { accepted, type Case } from './case.ts';
import { claimTypeConfusion } from './cases/claim_type_confusion.ts';
import { headerTampering } from './cases/header_tampering.ts';
import { httpLevel } from './cases/http_level.ts';
import { jsonrpcBody } from './cases/jsonrpc_body.ts';
import { keyConfusion, publicKeysKnown, sharedSecretOnly } from './cases/key_confusion.ts';
import { lambdaEvent } from './cases/lambda_event.ts';
import { pathParameter } from './cases/path_parameter.ts';
import { time } from './cases/time.ts';
import { tokenStructure } from './cases/token_structure.ts';
import { wrongKind } from './cases/wrong_kind.ts';
import { check } from './check.ts';
import { v2 } from './event.ts';
import { plainRequest, send } from './http.ts';
import { publicKeyRecords } from './keys.ts';
import { loadHandler, packagedHandler } from './packaged_handler.ts';
import { claims, SECRET } from './token.ts';

const ANSWERED_WITHIN = { timeout: 5000 };
const CONTROL = accepted('control', 'The plain request still works.');

const [service, packaged] = await Promise.all([startService(), packagedHandler()]);
after(service.stop);

const aws = await startLocalAws();
after(() => aws.close());
Object.assign(process.env, aws.environment);
await seed();
const recordIds = await Promise.all(publicKeyRecords.map((record) => storeRecord(record)));
Object.assign(process.env, { SESSIONS_TABLE: TABLE, VALIDATOR_SECRET_IDS: [SECRET_ID, ...recordIds].join() });
const invoke = await loadHandler(packaged);

const refusals = new Set<string>();

/** Sends the case over HTTP; what it leaves out is as in the plain request. */
async function overHttp(hostile: Case): Promise<void> {
  const token = (hostile.token ?? claims)();
  const special = typeof hostile.request === 'function' ? hostile.request(token) : hostile.request;
  const request = { ...plainRequest(token), ...special };
  const error = check(hostile, token, request.headers, await send(service.port, request));
  if (hostile.status === 401 && error) refusals.add(JSON.stringify(error));
}

/** Gives the packaged handler the case as an event; its log must not tell the token either. */
async function asEvent(hostile: Case): Promise<void> {
  const token = (hostile.token ?? claims)();
  const event = (hostile.event ?? v2)(token);
  const log = await auditLines(async () => {
    const error = check(hostile, token, headersOf(event), await invoke(event));
    if (hostile.status === 401) refusals.add(JSON.stringify(error));
  });
  assert.equal(log.length, 1);
  assert.ok(!JSON.stringify(log).includes(token.slice(-40)) && !JSON.stringify(log).includes(SECRET));
}

function headersOf(event: unknown): [string, unknown][] {
  return typeof event === 'object' && event !== null && 'headers' in event ? Object.entries(event.headers ?? {}) : [];
}

function testAll(family: string, cases: Case[], run: (hostile: Case) => Promise<void>): void {
  describe(family, () => {
    for (const [n, hostile] of cases.entries()) {
      const { status, name, why } = hostile;
      test(`answers ${status} to ${family}/${name}: ${why}`, ANSWERED_WITHIN, () => run(hostile));
      if (n % 40 === 39 || n === cases.length - 1) {
        test(`still answers 200 to the plain request after ${n + 1} cases`, ANSWERED_WITHIN, () => run(CONTROL));
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
  testAll('http-level', httpLevel, overHttp);
});

describe('as an event, where public keys are trusted too', () => {
  testAll('lambda-event', lambdaEvent, asEvent);
  testAll('key-confusion', [...keyConfusion, ...publicKeysKnown], asEvent);
  testAll('header-tampering', headerTampering, asEvent);
});

test('tells all who are refused with 401 the same', () => {
  assert.equal(refusals.size, 1, [...refusals].join());
});
