// `npm run logout -- 2`: a client of the route, for the local run and for an operator's own stack.
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SignJWT } from 'jose';
import { ServiceError } from '../errors.ts';
import { Fields } from '../validator/fields.ts';
import { CALLER, readRecord, type ValidatorRecord } from '../validator/record.ts';
import { fail, failureOf, isLocal, readCommand, readUrl } from './command.ts';
import { useLocalAws } from './local_aws.ts';

const SECRET_ID = 'auth-logout-user-dev-validator'; // as serverless.yml names it in the stage dev
const TIMEOUT_MS = 35_000; // the API itself gives up after 30 s
const USAGE = `Logs a user out everywhere.

  npm run logout -- <user id> [options]

  --url         address of the service; default http://localhost:8069, where npm start serves
  --secret-id   id or ARN of the validator record; default ${SECRET_ID}
  --audience    of the token; default: the record's first
  --issuer      of the token; default: the record's
  --email       who asks; default: admin
  --reason      why, for the audit record
  --help        this text

The record is read with your AWS credentials and region (AWS_PROFILE, AWS_REGION, ...).
For a service on localhost it is read from the local Secrets Manager, two ports above,
whatever your AWS settings are.

Exit code: 0 the user is logged out, 1 an error, 2 wrong usage.`;

const { option, words } = readCommand(USAGE, ['url', 'secret-id', 'audience', 'issuer', 'email', 'reason'], 1);
const userId = words[0] ?? '';
const url = readUrl(option.get('url'));
const address = url.href.replace(/\/$/, '');
if (isLocal(url)) useLocalAws({ secretsManager: `http://127.0.0.1:${Number(url.port || 80) + 2}` });
const answer = await callRoute(await signToken(await fetchRecord(option.get('secret-id') ?? SECRET_ID)));
console.log(JSON.stringify(answer));
if (answer.result === true) console.log(`User ${userId} is logged out at ${address}: no session is left.`);
else if (answer.result === false) console.log(`User ${userId} had no live session at ${address}.`);
else fail(`User ${userId} may still be logged in at ${address}: the service refused or failed.`);

/** Reads the record, and stops where the service would refuse it; errors never show a value. */
async function fetchRecord(secretId: string): Promise<{ record: ValidatorRecord; fields: Fields }> {
  try {
    const { SecretString } = await new SecretsManagerClient().send(new GetSecretValueCommand({ SecretId: secretId }));
    const record = await readRecord(secretId, SecretString, CALLER);
    return { record, fields: new Fields(secretId, SecretString) };
  } catch (error) {
    if (error instanceof ServiceError && error.fault) return fail(error.fault);
    if (isLocal(url) && error instanceof Error && 'code' in error && error.code === 'ECONNREFUSED')
      return noAnswer(error);
    return fail(`validator record ${secretId} for ${address} cannot be read: ${failureOf(error)}`);
  }
}

function signToken({ record, fields }: { record: ValidatorRecord; fields: Fields }): Promise<string> {
  if (fields.text('signature_type') !== 'secret')
    fail('The record holds a public key: only the owner of the private key can sign a token.');
  return new SignJWT({ email: option.get('email') ?? 'admin' })
    .setProtectedHeader({ alg: record.algorithm, typ: 'JWT' })
    .setAudience(option.get('audience') ?? String(record.audience[0]))
    .setIssuer(option.get('issuer') ?? record.issuer)
    .setExpirationTime('60 s')
    .sign(new TextEncoder().encode(fields.text('secret_key')));
}

async function callRoute(token: string): Promise<Record<string, unknown>> {
  const reason = option.get('reason');
  const response = await fetch(new URL(`auth/logout_user/${encodeURIComponent(userId)}`, url), {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    signal: AbortSignal.timeout(TIMEOUT_MS),
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, params: { ...(reason && { reason }) } }),
  }).catch(noAnswer);
  const text = await response.text().catch(noAnswer);
  try {
    const answer = JSON.parse(text);
    if (answer.jsonrpc === '2.0') return answer;
  } catch {
    // not JSON
  }
  return fail(`${address} answered ${response.status}, but not in JSON-RPC: is it the address of this service?`);
}

function noAnswer(error: unknown): never {
  return fail(`No answer from ${address}: ${failureOf(error)}.${isLocal(url) ? ' Is npm start running?' : ''}`);
}
