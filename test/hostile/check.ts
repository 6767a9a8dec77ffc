import assert from 'node:assert/strict';
import { assertDone, assertError } from '../setup/answers.ts';
import type { Answer as FunctionAnswer } from '../setup/lambda.ts';
import type { Case } from './case.ts';
import type { Answer } from './http.ts';
import { SECRET } from './token.ts';

/** Which error codes go with which status. */
const CODES = new Map([
  [400, [-32700, -32600, -32602]],
  [401, [-32001]],
  [403, [-32003]],
  [404, [-32004]],
  [413, [-32600]],
  [415, [-32600]],
]);

/** Traces of internals: stacks, paths, ARNs, names and messages of errors. */
const INTERNALS = [
  /\n\s+at\s+\S+.*:\d+:\d+/,
  /\bat\s+[\w.<>]+\s+\([^)]*:\d+:\d+\)/,
  /node_modules|\/var\/task|file:\/\/\//,
  /ERR_J(OSE|WS|WT|WE|WK)|JWSSignatureVerificationFailed|JWTExpired|JWTClaimValidationFailed/,
  /arn:aws:/,
  /\b(TypeError|RangeError|SyntaxError|URIError|ReferenceError)\b|Unexpected token/,
];

/** Fails unless this is the answer that the case must get; returns the error it holds, if any. */
export function check(hostile: Case, token: string, headers: [string, unknown][], answer: Answer | undefined): unknown {
  const { gateway = [], status } = hostile;
  if (answer === undefined) {
    assert.ok(gateway.length > 0, 'closed without an answer');
    return undefined;
  }
  checkNothingLeaks(hostile, token, answer);
  const body = parse(answer.text);
  if (body.jsonrpc !== '2.0') {
    assert.ok(gateway.includes(answer.status), `not a JSON-RPC answer: ${answer.status} ${answer.text.slice(0, 200)}`);
    return undefined;
  }

  assert.equal(answer.status, status, answer.text);
  assert.match(String(answer.headers['content-type']), /^application\/json\b/i);
  assert.match(String(answer.headers['cache-control']), /no-store/i);
  assert.deepEqual(Object.keys(body), ['jsonrpc', 'id', status === 200 ? 'result' : 'error']);
  if ('id' in hostile) assert.equal(body.id, hostile.id);
  if (status === 200) {
    assert.equal(body.result, hostile.result ?? true);
    return undefined;
  }
  checkError(hostile, body.error);
  const challenge = String(answer.headers['www-authenticate']);
  if (status === 401) checkChallenge(challenge, headers);
  if (status === 403) assert.match(challenge, /^Bearer realm="[^"]+", error="insufficient_scope"$/);
  return body.error;
}

/** The same for an answer of another route. */
export function checkReceiver(hostile: Case, token: string, answer: FunctionAnswer): void {
  const { status, reason = String(answer.audit.reason) } = hostile;
  checkNothingLeaks(hostile, token, answer);
  if (status === 200) assertDone(answer);
  else assertError(answer, status, reason);
}

function checkNothingLeaks({ absent }: Case, token: string, { headers, text, head }: Answer): void {
  const all = [head, ...Object.entries(headers), text].join('\n');
  assert.ok(!all.includes(SECRET), 'reveals the secret');
  for (const part of [token, token.split('.')[2] ?? '']) {
    assert.ok(part.length < 24 || !all.includes(part), 'repeats the token or its signature');
  }
  for (const internals of INTERNALS) assert.doesNotMatch(all, internals);
  assert.ok(absent === undefined || !all.toLowerCase().includes(absent), `reflects ${absent}`);
  for (const name of ['set-cookie', 'x-injected', 'x-powered-by']) assert.ok(!(name in headers), `sends ${name}`);
}

function checkError({ status, code }: Case, error: unknown): void {
  assert.ok(typeof error === 'object' && error !== null && 'code' in error && 'message' in error, 'no error object');
  assert.deepEqual(Object.keys(error), ['code', 'message']);
  assert.equal(typeof error.message, 'string');
  assert.ok(
    CODES.get(status)?.some((known) => known === error.code),
    `the code ${error.code} with ${status}`,
  );
  assert.equal(error.code, code ?? error.code);
}

/** RFC 6750 §3.1: the challenge names an error when a token was sent, and none when nothing was. */
function checkChallenge(challenge: string, headers: [string, unknown][]): void {
  assert.match(challenge, /^Bearer realm="[^"]+"/i);
  const sent = headers.filter(([name]) => name.trim().toLowerCase() === 'authorization').map(([, value]) => value);
  if (sent.length === 0) assert.doesNotMatch(challenge, /\berror=/);
  if (sent.length === 1 && /^Bearer [\w-]+\.[\w-]+\.[\w-]+$/.test(String(sent[0]))) {
    assert.match(challenge, /\berror="invalid_token"/);
  }
}

function parse(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {};
  } catch {
    return {};
  }
}
