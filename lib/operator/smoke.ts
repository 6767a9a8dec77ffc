// `npm run smoke`: are the routes up, and do they keep strangers out? Touches no session and needs no credentials.
import { randomBytes } from 'node:crypto';
import { SignJWT } from 'jose';
import { failureOf, isLocal, readCommand, readUrl } from './command.ts';
import { useLocalAws } from './local_aws.ts';

const WITHIN_MS = 5000;
const USAGE = `Checks a running service from outside, without credentials and without touching a session.

  npm run smoke -- [options]

  --url                 address of the service; default http://localhost:8069, where npm start serves
  --openid-providers    also check the route for OpenID providers (parameter openidProviders)
  --revocation-issuers  also check the route for revocations (parameter revocationIssuers)
  --event-transmitters  also check the route for security events (parameter eventTransmitters)
  --help                this text

Exit code: 0 all is well, 1 something is not, 2 wrong usage.`;

/** A request that must be refused: what it is, how it is sent, and what the answer holds. */
type Attempt = { what: string; request: RequestInit; challenge?: RegExp; body: RegExp };
/** A route, and how it refuses. */
type Route = {
  /** The option that has it checked; the first one always is. */
  option?: string;
  path: string;
  status: number;
  attempts: Attempt[];
  absent: string;
};

const forged = await new SignJWT({ email: 'admin' })
  .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
  .setAudience('auth_logout_user_jwt')
  .setIssuer('theissuer')
  .setExpirationTime('60 s')
  .sign(randomBytes(32));
const bearer = { headers: { authorization: `Bearer ${forged}` } };
const REALM = /^Bearer realm="[^"]+"$/;
const INVALID_TOKEN = /^Bearer realm="[^"]+", error="invalid_token"$/;
const UNAUTHENTICATED = /^\{"jsonrpc":"2\.0","id":null,"error":\{"code":-32001,"message":"Authentication failed"\}\}$/;
const NOT_ACCEPTED = /^\{"error":"invalid_request",.*:"The logout token is not accepted"\}$/;
const notDeployed = (parameter: string) => `the route is not deployed: name records in the parameter ${parameter}`;

const ROUTES: Route[] = [
  {
    path: 'auth/logout_user/0',
    status: 401,
    attempts: [
      { what: 'a request without a token', request: {}, challenge: REALM, body: UNAUTHENTICATED },
      { what: 'a forged token', request: bearer, challenge: INVALID_TOKEN, body: UNAUTHENTICATED },
    ],
    absent: 'is it the address of this service?',
  },
  {
    option: 'openid-providers',
    path: 'auth/backchannel_logout',
    status: 400,
    attempts: [
      { what: 'a request without a logout token', request: {}, body: /^\{"error":"invalid_request",/ },
      {
        what: 'a forged logout token',
        request: { body: new URLSearchParams({ logout_token: forged }) },
        body: NOT_ACCEPTED,
      },
    ],
    absent: notDeployed('openidProviders'),
  },
  {
    option: 'revocation-issuers',
    path: 'auth/global_token_revocation',
    status: 401,
    attempts: [
      { what: 'a revocation without a token', request: {}, challenge: REALM, body: /^\{"error":"invalid_token"\}$/ },
      {
        what: 'a revocation with a forged token',
        request: bearer,
        challenge: INVALID_TOKEN,
        body: /^\{"error":"invalid_token"\}$/,
      },
    ],
    absent: notDeployed('revocationIssuers'),
  },
  {
    option: 'event-transmitters',
    path: 'auth/security_events',
    status: 400,
    attempts: [
      { what: 'a push without a token', request: {}, body: /^\{"err":"invalid_request",/ },
      {
        what: 'a forged security event',
        request: { body: forged },
        body: /^\{"err":"invalid_(request|key|issuer|audience)",/,
      },
    ],
    absent: notDeployed('eventTransmitters'),
  },
];

const flags = ROUTES.flatMap(({ option }) => option ?? []);
const { option: given } = readCommand(USAGE, ['url'], 0, flags);
const url = readUrl(given.get('url'));
if (isLocal(url)) useLocalAws({}); // and no proxy

const checks: boolean[] = [];
for (const route of ROUTES.filter(({ option }) => option === undefined || given.has(option)))
  for (const attempt of route.attempts) checks.push(await check(route, attempt));
process.exitCode = checks.every(Boolean) ? 0 : 1;

/** Sends the request, and prints in one line whether it is refused as the contract says, in time. */
async function check(route: Route, attempt: Attempt): Promise<boolean> {
  const what = `refuses ${attempt.what}`;
  const start = performance.now();
  try {
    const signal = AbortSignal.timeout(WITHIN_MS);
    const response = await fetch(new URL(route.path, url), { ...attempt.request, method: 'POST', signal });
    const faults = faultsOf(response, await response.text(), route, attempt);
    const ms = Math.round(performance.now() - start);
    const isRefused = faults.length === 0;
    console.log(isRefused ? `ok    ${what} (${route.status}, ${ms} ms)` : `FAIL  ${what}: ${faults.join(', ')}`);
    return isRefused;
  } catch (error) {
    console.log(`FAIL  ${what}: no answer (${failureOf(error)})${isLocal(url) ? '. Is npm start running?' : ''}`);
    return false;
  }
}

function faultsOf(response: Response, text: string, route: Route, { challenge = /^$/, body }: Attempt): string[] {
  if (response.status === 404) return [`status 404, ${route.absent}`];
  return [
    response.status === route.status ? [] : `status ${response.status}`,
    challenge.test(challengeOf(response)) ? [] : 'wrong www-authenticate header',
    response.headers.get('cache-control') === 'no-store' ? [] : 'no cache-control: no-store',
    body.test(text) ? [] : `body ${text.slice(0, 80).replace(/\s+/g, ' ')}`,
  ].flat();
}

/** The challenge, also under the name that some AWS gateways give it. */
function challengeOf({ headers }: Response): string {
  return headers.get('www-authenticate') ?? headers.get('x-amzn-remapped-www-authenticate') ?? '';
}
