// `npm run logout -- 2`: a client of the route, for the local run and for an operator's own stack.
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SignJWT } from 'jose';
import { ServiceError } from '../errors.ts';
import { Fields } from '../validator/fields.ts';
import { CALLER, readRecord, type ValidatorRecord } from '../validator/record.ts';
import { fail, readCommand, readUrl } from './command.ts';

const SECRET_ID = 'auth-logout-user-dev-validator'; // as serverless.yml names it in the stage dev
const USAGE = `Logs a user out everywhere.

  npm run logout -- <user id> [options]

  --url         address of the service; default http://localhost:8069, where npm start serves
  --secret-id   id or ARN of the validator record; default ${SECRET_ID}
  --audience    of the token; default: the first of the record
  --issuer      of the token; default: the one of the record
  --email       who asks; default: admin
  --reason      why, for the audit record
  --help        this text

The record is read with your AWS credentials and region (AWS_PROFILE, AWS_REGION, ...).
For a service on localhost it is read from the local Secrets Manager, two ports above.

Exit code: 0 the user is logged out, 1 an error, 2 wrong usage.`;

const { option, words } = readCommand(USAGE, ['url', 'secret-id', 'audience', 'issuer', 'email', 'reason'], 1);
const userId = words[0] ?? '';
const url = readUrl(option.get('url'));
const answer = await callRoute(await signToken(await fetchRecord(option.get('secret-id') ?? SECRET_ID)));
console.log(JSON.stringify(answer));
if (answer.result === true) console.log(`User ${userId} is logged out: no session is left.`);
else if (answer.result === false) console.log(`User ${userId} had no live session.`);
else fail(`User ${userId} may still be logged in: the service refused or failed.`);

/** The record, if the service would take it; what is wrong with it is told without a value. */
async function fetchRecord(secretId: string): Promise<{ record: ValidatorRecord; fields: Fields }> {
  if (['localhost', '127.0.0.1', '[::1]'].includes(url.hostname)) {
    process.env.AWS_ENDPOINT_URL_SECRETS_MANAGER ??= `http://127.0.0.1:${Number(url.port) + 2}`;
    Object.assign(process.env, { AWS_REGION: 'us-east-1', AWS_ACCESS_KEY_ID: 'local', AWS_SECRET_ACCESS_KEY: 'local' });
  }
  try {
    const { SecretString } = await new SecretsManagerClient().send(new GetSecretValueCommand({ SecretId: secretId }));
    const record = await readRecord(secretId, SecretString, CALLER);
    return { record, fields: new Fields(secretId, SecretString) };
  } catch (error) {
    if (error instanceof ServiceError && error.cause instanceof Error) return fail(error.cause.message);
    return fail(`validator record ${secretId} cannot be read: ${error instanceof Error ? error.message : error}`);
  }
}

function signToken({ record, fields }: { record: ValidatorRecord; fields: Fields }): Promise<string> {
  if (fields.text('signature_type') !== 'secret')
    fail('The record holds a public key: only its owner can sign for it.');
  return new SignJWT({ email: option.get('email') ?? 'admin' })
    .setProtectedHeader({ alg: record.algorithm, typ: 'JWT' })
    .setAudience(option.get('audience') ?? String(record.audience[0]))
    .setIssuer(option.get('issuer') ?? record.issuer)
    .setExpirationTime('60 s')
    .sign(new TextEncoder().encode(fields.text('secret_key')));
}

async function callRoute(token: string): Promise<Record<string, unknown>> {
  const reason = option.get('reason');
  try {
    const response = await fetch(new URL(`auth/logout_user/${encodeURIComponent(userId)}`, url), {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, params: { ...(reason && { reason }) } }),
    });
    return JSON.parse(await response.text());
  } catch (error) {
    return fail(
      `No answer from ${url.href}: ${error instanceof Error && error.cause instanceof Error ? error.cause.message : error}`,
    );
  }
}
