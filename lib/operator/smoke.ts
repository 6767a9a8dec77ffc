// `npm run smoke`: are the routes up, and do they keep strangers out? Touches no session and needs no credentials.
import { randomBytes } from 'node:crypto';
import { SignJWT } from 'jose';
import { failureOf, isLocal, readCommand, readUrl } from './command.ts';
import { useLocalAws } from './local_aws.ts';

const WITHIN_MS = 5000;
const USAGE = `Checks a running service from outside, without credentials and without touching a session.

  npm run smoke -- [options]

  --url                address of the service; default http://localhost:8069, where npm start serves
  --openid-providers   also check the route for OpenID providers (parameter openidProviders)
  --revocation-issuers also check the route for revocations (parameter revocationIssuers)
  --event-transmitters also check the route for security events (parameter eventTransmitters)
  --help               this text

Exit code: 0 all is well, 1 something is not, 2 wrong usage.`;

/** A route, and how it refuses a request that is not authenticated. */
type Route = { path: string; status: number; challenge: RegExp; body: RegExp; absent: string };
const LOGOUT_USER: Route = {
  path: 'auth/logout_user/0',
  status: 401,
  challenge: /^Bearer realm="[^"]+"$/,
  body: /^\{"jsonrpc":"2\.0","id":null,"error":\{"code":-32001,"message":"Authentication failed"\}\}$/,
  absent: 'is it the address of this service?',
};
const BACKCHANNEL_LOGOUT: Route = {
  path: 'auth/backchannel_logout',
  status: 400,
  challenge: /^$/,
  body: /^\{"error":"invalid_request",/,
  absent: 'the route is not deployed: name records in the parameter openidProviders',
};

const REVOCATION: Route = {
  path: 'auth/global_token_revocation',
  status: 401,
  challenge: /^Bearer realm="[^"]+"$/,
  body: /^\{"error":"invalid_token"\}$/,
  absent: 'the route is not deployed: name records in the parameter revocationIssuers',
};
const SECURITY_EVENTS: Route = {
  path: 'auth/security_events',
  status: 400,
  challenge: /^$/,
  body: /^\{"err":"invalid_request",/,
  absent: 'the route is not deployed: name records in the parameter eventTransmitters',
};
const INVALID_TOKEN = /^Bearer realm="[^"]+", error="invalid_token"$/;

const { option } = readCommand(USAGE, ['url'], 0, ['openid-providers', 'revocation-issuers', 'event-transmitters']);
const url = readUrl(option.get('url'));
if (isLocal(url)) useLocalAws({}); // and no proxy
const forged = await new SignJWT({ email: 'admin' })
  .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
  .setAudience('auth_logout_user_jwt')
  .setIssuer('theissuer')
  .setExpirationTime('60 s')
  .sign(randomBytes(32));

const checks = [
  await check('refuses a request without a token', LOGOUT_USER, {}),
  await check(
    'refuses a forged token',
    { ...LOGOUT_USER, challenge: INVALID_TOKEN },
    { headers: { authorization: `Bearer ${forged}` } },
  ),
];
if (option.has('openid-providers')) {
  checks.push(
    await check('refuses a request without a logout token', BACKCHANNEL_LOGOUT, {}),
    await check(
      'refuses a forged logout token',
      { ...BACKCHANNEL_LOGOUT, body: /^\{"error":"invalid_request",.*:"The logout token is not accepted"\}$/ },
      { body: new URLSearchParams({ logout_token: forged }) },
    ),
  );
}
if (option.has('revocation-issuers')) {
  checks.push(
    await check('refuses a revocation without a token', REVOCATION, {}),
    await check(
      'refuses a revocation with a forged token',
      { ...REVOCATION, challenge: INVALID_TOKEN },
      { headers: { authorization: `Bearer ${forged}` } },
    ),
  );
}
if (option.has('event-transmitters')) {
  checks.push(
    await check('refuses a push without a token', SECURITY_EVENTS, {}),
    await check(
      'refuses a forged security event',
      { ...SECURITY_EVENTS, body: /^\{"err":"invalid_(request|key|issuer|audience)",/ },
      { body: forged },
    ),
  );
}
process.exitCode = checks.every(Boolean) ? 0 : 1;

/** Sends the request, and prints in one line whether it is refused as the contract says, in time. */
async function check(what: string, route: Route, request: RequestInit): Promise<boolean> {
  const start = performance.now();
  try {
    const signal = AbortSignal.timeout(WITHIN_MS);
    const response = await fetch(new URL(route.path, url), { ...request, method: 'POST', signal });
    const faults = faultsOf(response, await response.text(), route);
    const ms = Math.round(performance.now() - start);
    const isRefused = faults.length === 0;
    console.log(isRefused ? `ok    ${what} (${route.status}, ${ms} ms)` : `FAIL  ${what}: ${faults.join(', ')}`);
    return isRefused;
  } catch (error) {
    console.log(`FAIL  ${what}: no answer (${failureOf(error)})${isLocal(url) ? '. Is npm start running?' : ''}`);
    return false;
  }
}

function faultsOf(response: Response, text: string, { status, challenge, body, absent }: Route): string[] {
  if (response.status === 404) return [`status 404, ${absent}`];
  return [
    response.status === status ? [] : `status ${response.status}`,
    challenge.test(challengeOf(response)) ? [] : 'wrong www-authenticate header',
    response.headers.get('cache-control') === 'no-store' ? [] : 'no cache-control: no-store',
    body.test(text) ? [] : `body ${text.slice(0, 80).replace(/\s+/g, ' ')}`,
  ].flat();
}

/** The challenge, also under the name that some AWS gateways give it. */
function challengeOf({ headers }: Response): string {
  return headers.get('www-authenticate') ?? headers.get('x-amzn-remapped-www-authenticate') ?? '';
}
