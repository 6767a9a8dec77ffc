// `npm run smoke`: is the route up, and does it keep its door shut? Touches no session and needs no credentials.
import { randomBytes } from 'node:crypto';
import { SignJWT } from 'jose';
import { failureOf, isLocal, readCommand, readUrl } from './command.ts';
import { useLocalAws } from './local_aws.ts';

const WITHIN_MS = 5000;
const USAGE = `Checks a running service from outside, without credentials and without touching a session.

  npm run smoke -- [--url http://localhost:8069]

Exit code: 0 all is well, 1 something is not, 2 wrong usage.`;

const url = readUrl(readCommand(USAGE, ['url'], 0).option.get('url'));
if (isLocal(url)) useLocalAws({}); // and no proxy
const forged = await new SignJWT({ email: 'admin' })
  .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
  .setAudience('auth_logout_user_jwt')
  .setIssuer('theissuer')
  .setExpirationTime('60 s')
  .sign(randomBytes(32));

const checks = [
  await check('refuses a request without a token', {}, /^Bearer realm="[^"]+"$/),
  await check(
    'refuses a forged token',
    { authorization: `Bearer ${forged}` },
    /^Bearer realm="[^"]+", error="invalid_token"$/,
  ),
];
process.exitCode = checks.every(Boolean) ? 0 : 1;

/** Sends the request, and says in one line whether the answer is the 401 of the contract, in time. */
async function check(what: string, headers: Record<string, string>, challenge: RegExp): Promise<boolean> {
  const start = performance.now();
  try {
    const signal = AbortSignal.timeout(WITHIN_MS);
    const response = await fetch(new URL('auth/logout_user/0', url), { method: 'POST', headers, signal });
    const body = JSON.stringify(await response.json());
    const faults = [
      response.status === 401 || `status ${response.status}`,
      challenge.test(challengeOf(response)) || 'no fitting www-authenticate header',
      response.headers.get('cache-control') === 'no-store' || 'no cache-control: no-store',
      body === '{"jsonrpc":"2.0","id":null,"error":{"code":-32001,"message":"Authentication failed"}}' ||
        `body ${body.slice(0, 80)}`,
    ].filter((fault) => fault !== true);
    const ms = Math.round(performance.now() - start);
    console.log(faults.length === 0 ? `ok    ${what} (401, ${ms} ms)` : `FAIL  ${what}: ${faults.join(', ')}`);
    return faults.length === 0;
  } catch (error) {
    console.log(`FAIL  ${what}: no JSON answer (${failureOf(error)})${isLocal(url) ? '. Is npm start running?' : ''}`);
    return false;
  }
}

/** The challenge, also under the name that some of AWS's gateways give it. */
function challengeOf({ headers }: Response): string {
  return headers.get('www-authenticate') ?? headers.get('x-amzn-remapped-www-authenticate') ?? '';
}
