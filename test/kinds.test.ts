// Each kind of token at each route. The records of all four have the same keys, issuer and audience, which no operator
// should give them: only what a token says of itself tells the kinds apart.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, test } from 'node:test';
import { formEvent, gatewayEvent, pushEvent } from './setup/events.ts';
import { FUNCTIONS, type FunctionName } from './setup/lambda.ts';
import { startAws, startFunction } from './setup/route.ts';
import { CAEP } from './setup/security_event.ts';
import { createTable, newSessions, putItems, sessionsLeft } from './setup/tables.ts';
import { newLogoutClaims, newProvider, signToken } from './setup/tokens.ts';

type Kind = { typ: string | undefined; claims: Record<string, unknown>; own: FunctionName };

await startAws();
const SESSIONS_TABLE = await createTable('default');
const USER = '7';
const ISSUER = 'https://id.example.com';
const AUDIENCE = 'https://api.example.com/auth/global_token_revocation';
// The client has the user's id too, so that every sub fits every route.
const shared = newProvider({ issuer: ISSUER, audience: AUDIENCE, name: 'shared' });
const subject = { format: 'iss_sub', iss: ISSUER, sub: USER };
const events = { [`${CAEP}/session-revoked`]: { subject } };

/** The claims that any of the tokens may have. */
const common = () => {
  const iat = Math.floor(Date.now() / 1000);
  return { iss: ISSUER, aud: AUDIENCE, sub: USER, email: 'ann@example.com', iat, exp: iat + 60, jti: randomUUID() };
};
const KINDS: Record<string, Kind> = {
  'a caller’s token': { typ: 'JWT', claims: {}, own: 'logout_user' },
  'an ID token, which a caller’s record would trust': {
    typ: 'JWT',
    claims: { nonce: 'n', auth_time: 1 },
    own: 'logout_user',
  },
  'an access token, which a caller may have': { typ: 'at+jwt', claims: { scope: 'openid' }, own: 'logout_user' },
  'a logout token': {
    typ: 'logout+jwt',
    claims: { events: newLogoutClaims(USER).events },
    own: 'backchannel_logout',
  },
  'a logout token of an old provider': {
    typ: 'JWT',
    claims: { events: newLogoutClaims(USER).events },
    own: 'backchannel_logout',
  },
  'a revocation token': { typ: 'global-token-revocation+jwt', claims: {}, own: 'global_token_revocation' },
  'a security event token': { typ: 'secevent+jwt', claims: { events }, own: 'security_events' },
  'a security event token without a type': { typ: undefined, claims: { events }, own: 'security_events' },
};

/** How each route is asked to log the user out with the token. */
const REQUESTS: Record<FunctionName, (token: string) => unknown> = {
  logout_user: (token) => gatewayEvent({ userId: USER, token }),
  backchannel_logout: (token) => formEvent(`logout_token=${token}`),
  global_token_revocation: (token) =>
    pushEvent(
      FUNCTIONS.global_token_revocation.path,
      { authorization: `Bearer ${token}` },
      JSON.stringify({ sub_id: subject }),
    ),
  security_events: (token) => pushEvent(FUNCTIONS.security_events.path, {}, token),
};
const REFUSED: Record<FunctionName, number> = {
  logout_user: 401,
  backchannel_logout: 400,
  global_token_revocation: 401,
  security_events: 400,
};

const NAMES = Object.values(KINDS)
  .map(({ own }) => own)
  .filter((name, n, all) => all.indexOf(name) === n);
for (const name of NAMES) {
  describe(name, async () => {
    const client = name === 'global_token_revocation' && { client_id: USER };
    const { lambda } = await startFunction(name, [{ ...shared.record, ...client }], { SESSIONS_TABLE });
    for (const [kind, { typ, claims, own }] of Object.entries(KINDS)) {
      const isOwn = own === name;
      test(`${kind} is ${isOwn ? 'accepted' : 'refused, and no session ends'}`, async () => {
        await putItems(SESSIONS_TABLE, newSessions(USER, 1));
        const before = await sessionsLeft(SESSIONS_TABLE, USER);
        const header = { alg: shared.alg, kid: 'provider', typ };
        const token = await signToken(shared.privateKey, { ...common(), ...claims }, header);
        const { status, audit } = await lambda.send(REQUESTS[name](token));
        if (isOwn) assert.deepEqual([Math.floor(status / 100), audit.outcome], [2, 'logged_out']);
        else assert.deepEqual([status, audit.outcome], [REFUSED[name], 'unauthenticated']);
        assert.equal(await sessionsLeft(SESSIONS_TABLE, USER), isOwn ? 0 : before);
      });
    }
  });
}
