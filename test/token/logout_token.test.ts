// What a logout token must contain, and what real providers send: docs/openid-providers.md describes each of them.

import { describe, test } from 'node:test';
import { refuse } from '../faults/faults.ts';
import { CLIENT_ID, ISSUER, LOGOUT_EVENT } from '../local/senders.ts';
import { assertDone, assertFault, assertRefused } from '../setup/answers.ts';
import { deliver, startProviders } from '../setup/provider.ts';
import { startProxiedAws } from '../setup/route.ts';
import { newSessions, putItems } from '../setup/tables.ts';
import {
  keyPair,
  newLogoutClaims,
  newProvider,
  newRecord,
  signLogoutToken,
  signText,
  signToken,
} from '../setup/tokens.ts';

const { dynamodb } = await startProxiedAws();
const provider = newProvider();
const { table, lambda } = await startProviders([provider]);
const now = Math.floor(Date.now() / 1000);

const sign = (claims: Record<string, unknown>, header = {}) =>
  signLogoutToken(provider, newLogoutClaims('7', claims), header);

describe('a logout token', () => {
  for (const typ of [
    undefined,
    'JWT',
    'jwt',
    'logout+jwt',
    'LOGOUT+JWT',
    'application/logout+jwt',
    'Application/JWT',
  ]) {
    test(`a logout token ${typ ? `with typ ${typ}` : 'without typ'} is accepted`, async () =>
      assertDone(await deliver(lambda, await sign({}, { typ }))));
  }
  for (const typ of ['', 'at+jwt', 'secevent+jwt', 'global-token-revocation+jwt', 'logout', 'logout+jwt;x=y', 'JWS']) {
    test(`a logout token with typ "${typ}" is refused`, async () =>
      assertRefused(await deliver(lambda, await sign({}, { typ })), 'wrong_kind'));
  }

  for (const event of [{}, { more: 1 }]) {
    test(`a logout token whose logout event is ${JSON.stringify(event)} is accepted`, async () =>
      assertDone(await deliver(lambda, await sign({ events: { [LOGOUT_EVENT]: event, 'urn:other': true } }))));
  }
  const noEvents = [undefined, null, {}, [], '', LOGOUT_EVENT, [LOGOUT_EVENT], true, { 'urn:other': {} }];
  const noEvent = [null, [], [{}], '', '{}', true, 1].map((event) => ({ [LOGOUT_EVENT]: event }));
  for (const events of [...noEvents, ...noEvent, { [LOGOUT_EVENT.toUpperCase()]: {} }]) {
    test(`a logout token with events ${JSON.stringify(events) ?? 'missing'} is refused`, async () =>
      assertRefused(await deliver(lambda, await sign({ events })), 'no_logout_event'));
  }
  test('a logout token whose logout event is inside __proto__ is refused', async () => {
    const claims = JSON.stringify({ ...newLogoutClaims('7'), events: 0 });
    const { secret_key, ...record } = newRecord({ issuer: ISSUER, audience: CLIENT_ID });
    const { lambda: shared } = await startProviders([{ ...provider, record: { ...record, secret_key } }]);
    const withEvents = (events: string) =>
      signText(secret_key, '{"alg":"HS256"}', claims.replace('"events":0', `"events":${events}`));
    assertDone(await deliver(shared, await withEvents(`{"${LOGOUT_EVENT}":{}}`)));
    assertRefused(await deliver(shared, await withEvents(`{"__proto__":{"${LOGOUT_EVENT}":{}}}`)), 'no_logout_event');
  });

  for (const nonce of ['n', '', null, 0, false]) {
    test(`a logout token with nonce ${JSON.stringify(nonce)} is refused`, async () =>
      assertRefused(await deliver(lambda, await sign({ nonce })), 'nonce'));
  }

  for (const name of ['iss', 'aud', 'iat', 'exp', 'jti', 'sub']) {
    for (const value of [undefined, null, ...(name === 'jti' || name === 'sub' ? ['', 7, ['7'], {}] : ['', {}])]) {
      const reason = value === '' && name === 'iss' ? 'issuer' : value === '' && name === 'aud' ? 'audience' : 'claims';
      test(`a logout token with ${name} ${JSON.stringify(value) ?? 'missing'} is refused`, async () =>
        assertRefused(await deliver(lambda, await sign({ [name]: value })), reason));
    }
  }

  test('a logout token with sid but without sub is refused, and the audit record says why', async () => {
    assertRefused(await deliver(lambda, await sign({ sub: undefined, sid: 'one' })), 'sid_only');
  });

  const times: [what: string, claims: Record<string, number>, reason: string | undefined][] = [
    ['exp a minute ago', { exp: now - 60 }, 'expired'],
    ['exp in 5 min', { exp: now + 300 }, undefined],
    ['exp in 6 min', { exp: now + 360 }, 'too_long_lived'],
    ['iat 4 min ago', { iat: now - 240 }, undefined],
    ['iat 6 min ago', { iat: now - 360 }, 'too_long_lived'],
    ['iat in a minute', { iat: now + 60 }, 'not_yet_valid'],
    ['nbf in a minute', { nbf: now + 60 }, 'not_yet_valid'],
  ];
  for (const [what, claims, reason] of times) {
    test(`a logout token with ${what} is ${reason ? `refused as ${reason}` : 'accepted'}`, async () => {
      const delivery = await deliver(lambda, await sign(claims));
      reason ? assertRefused(delivery, reason) : assertDone(delivery);
    });
  }
});

describe('another token of the same provider', () => {
  const exp = now + 120;
  const others: [what: string, claims: Record<string, unknown>, typ: string, reason: string][] = [
    [
      'an ID token',
      { sub: '7', iat: now, exp, jti: 'i', nonce: 'n', email: 'a@example.com' },
      'JWT',
      'no_logout_event',
    ],
    ['an ID token without a nonce', { sub: '7', iat: now, exp, jti: 'i' }, 'jwt', 'no_logout_event'],
    [
      'an access token',
      { sub: '7', iat: now, exp, jti: 'a', client_id: CLIENT_ID, scope: 'openid' },
      'at+jwt',
      'wrong_kind',
    ],
    [
      'a security event token',
      { sub: '7', iat: now, exp, jti: 's', events: { 'urn:other': {} } },
      'secevent+jwt',
      'wrong_kind',
    ],
  ];
  for (const [what, claims, typ, reason] of others) {
    test(`${what} is refused as a logout token, though the provider itself signed it`, async () => {
      const token = await signLogoutToken(provider, { iss: ISSUER, aud: CLIENT_ID, ...claims }, { typ });
      assertRefused(await deliver(lambda, token), reason);
    });
  }

  test('a caller’s token is refused as a logout token, and so is a wrong algorithm, kid or signature', async () => {
    assertRefused(await deliver(lambda, await signToken(newRecord().secret_key)), 'algorithm');
    const { privateKey } = newProvider({}, 'PS256');
    assertRefused(
      await deliver(lambda, await signLogoutToken({ ...provider, alg: 'PS256', privateKey }, newLogoutClaims('7'))),
      'algorithm',
    );
    const claims = newLogoutClaims('7');
    assertRefused(await deliver(lambda, await signLogoutToken(provider, claims, { kid: 'unknown' })), 'unknown_key');
    const foreign = { ...provider, privateKey: keyPair(provider.alg, 'foreign').privateKey };
    assertRefused(await deliver(lambda, await signLogoutToken(foreign, claims)), 'signature');
    const [header = '', payload = ''] = (await signLogoutToken(provider, claims)).split('.');
    assertRefused(await deliver(lambda, `${header}.${payload}.${'A'.repeat(342)}`), 'signature');
    assertRefused(await deliver(lambda, `${header}.${payload}.AA.${payload}.AA`), 'malformed'); // a JWE has five parts
  });
});

type Sender = {
  record?: Record<string, unknown>;
  alg?: string;
  claims: Record<string, unknown>;
  header?: Record<string, unknown>;
};
const minutes = (count: number) => ({ iat: now, exp: now + 60 * count });
const SENDERS: Record<string, Sender> = {
  'Keycloak with sid': { claims: { ...minutes(2), sid: 's', typ: 'Logout' } },
  'Keycloak before May 2024 with a second event': {
    claims: { ...minutes(2), events: { [LOGOUT_EVENT]: {}, revoke_offline_access: true } },
    header: { typ: 'JWT' },
  },
  Auth0: { claims: { ...minutes(2), sub: 'auth0|7', sid: 's', trace_id: 't' }, header: { typ: 'logout+jwt' } },
  'Zitadel with a lifetime of 15 min': {
    record: { max_token_age_seconds: 900 },
    claims: { ...minutes(15), sid: 's', aud: [CLIENT_ID, 'project'] },
    header: { typ: 'JWT' },
  },
  'authentik with sub only': { claims: { ...minutes(2), sub: 'a3c4f7' } },
  'authentik with sid': { claims: { ...minutes(2), sub: 'a3c4f7', sid: 's' } },
  'Duende IdentityServer with a lifetime of 5 min': { claims: { ...minutes(5), nbf: now, sid: 's' } },
  'node-oidc-provider': { claims: { ...minutes(2) } },
  'better-auth': { alg: 'EdDSA', claims: { ...minutes(2), sid: 's' } },
  'GOV.UK One Login with ES256 and sub only': {
    alg: 'ES256',
    claims: { ...minutes(2), sub: 'urn:fdc:gov.uk:2022:56P4CMsGh_02YOlWpd8PAOI-2sVlB2nsNU7mcLZYhYw=' },
  },
  'Rauthy with sub only and a lifetime of 30 s': {
    alg: 'EdDSA',
    claims: { iat: now, exp: now + 30 },
    header: { typ: 'JWT' },
  },
};

describe('a logout token of a known provider', () => {
  async function start({ record, alg }: Sender) {
    const sender = newProvider(record, alg);
    return { sender, ...(await startProviders([sender], { USER_ID_PATTERN: '[\\w:|.=-]+' })) };
  }

  for (const [name, sent] of Object.entries(SENDERS)) {
    test(`a logout token from ${name} logs its user out`, async () => {
      const { sender, table, lambda } = await start(sent);
      const claims = newLogoutClaims('7', sent.claims);
      await putItems(table, newSessions(String(claims.sub), 2));
      const delivery = await deliver(lambda, await signLogoutToken(sender, claims, sent.header));
      assertDone(delivery, { sessions_ended: 2, user_id: claims.sub, alg: sender.alg });
    });
  }

  test('a logout token from Zitadel is refused unless the record allows a lifetime of 15 min', async () => {
    assertRefused(await deliver(lambda, await sign(minutes(15))), 'too_long_lived');
  });

  test('a logout token that Zitadel sends again after our 503, with the same jti, logs its user out', async () => {
    const claims = newLogoutClaims('8', { jti: 'again' });
    await putItems(table, newSessions('8', 2));
    dynamodb.inject('BatchWriteItem', '8', refuse(500, 'InternalServerError'));
    assertFault(await deliver(lambda, await signLogoutToken(provider, claims)), 503, 'aws_unavailable');
    dynamodb.clearFaults('8');
    assertDone(await deliver(lambda, await signLogoutToken(provider, claims)), { sessions_ended: 2 });
  });

  test('a logout token from Rauthy with sid only is refused, since sessions cannot be found by sid', async () => {
    const claims = { sub: undefined, sid: 's', iat: now, exp: now + 30 };
    assertRefused(await deliver(lambda, await sign(claims, { typ: 'JWT' })), 'sid_only');
  });

  test('a logout token from Ory Hydra is refused, since it has sid only and no exp', async () => {
    const claims = { sub: undefined, sid: 's', exp: undefined, aud: [CLIENT_ID] };
    assertRefused(await deliver(lambda, await sign(claims, { typ: 'JWT' })), 'claims');
  });
});
