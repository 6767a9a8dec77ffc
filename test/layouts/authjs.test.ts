// @auth/dynamodb-adapter itself writes the users and their sessions, and reads back what is left of them.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, test } from 'node:test';
import { DynamoDBAdapter } from '@auth/dynamodb-adapter';
import { DynamoDB } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocument } from '@aws-sdk/lib-dynamodb';
import { tableReport } from '../local/table_report.ts';
import { assertDone, assertError } from '../setup/answers.ts';
import { deliver, startProviders } from '../setup/provider.ts';
import { account, newOrganisation, revocationToken, revoke, startOrganisations } from '../setup/revocation.ts';
import { startAws, startLogout } from '../setup/route.ts';
import { createTable } from '../setup/tables.ts';
import { newLogoutClaims, newProvider, signLogoutToken } from '../setup/tokens.ts';
import { exceptOf } from './guide.ts';

await startAws();
const tableName = await createTable('authjs', { projection: 'ALL' });
const logout = await startLogout(tableName, 'authjs', { USER_ID_PATTERN: '' }); // the default, for the ids that Auth.js makes

const adapter = DynamoDBAdapter(DynamoDBDocument.from(new DynamoDB()), { tableName });
const { createUser, getUserByEmail, linkAccount, unlinkAccount, getUserByAccount } = adapter;
const { createSession, getSessionAndUser, createVerificationToken, useVerificationToken } = adapter;
assert.ok(createUser && getUserByEmail && linkAccount && unlinkAccount && getUserByAccount);
assert.ok(createSession && getSessionAndUser && createVerificationToken && useVerificationToken);

/** A user with an account, a verification token and that many sessions. */
const signUp = async (name: string, sessions: number, expires = new Date(Date.now() + 3_600_123)) => {
  const email = `${name}@example.com`;
  const { id: userId } = await createUser({ id: '', email, emailVerified: null });
  await linkAccount({ userId, type: 'oauth', provider: 'github', providerAccountId: name });
  await createVerificationToken({ identifier: email, token: name, expires });
  const tokens = Array.from({ length: sessions }, () => randomUUID());
  for (const sessionToken of tokens) await createSession({ sessionToken, userId, expires });
  return { name, email, userId, tokens };
};

const validSessions = async ({ tokens }: { tokens: string[] }) =>
  (await Promise.all(tokens.map((token) => getSessionAndUser(token)))).filter((found) => found !== null).length;

test('Auth.js finds no session of a user after a logout; users, accounts and other sessions stay', async () => {
  const [ann, bob, eve] = [await signUp('ann', 2), await signUp('bob', 30), await signUp('eve', 1)];
  assert.equal(await validSessions(bob), 30);
  assert.equal((await logout(bob.userId)).json.result, true);
  assert.deepEqual(await Promise.all([ann, bob, eve].map(validSessions)), [2, 0, 1]);
  for (const { name, email, userId } of [ann, bob, eve]) {
    assert.equal((await getUserByEmail(email))?.id, userId);
    assert.equal((await getUserByAccount({ provider: 'github', providerAccountId: name }))?.id, userId);
    assert.equal((await useVerificationToken({ identifier: email, token: name }))?.token, name);
  }
  assert.equal((await logout(bob.userId)).json.result, false);
});

test('a logout that keeps an Auth.js session ends all others of that user', async () => {
  const { userId, tokens } = await signUp('ivy', 30);
  const [mine = assert.fail(), ...others] = tokens;
  const { json, audit } = await logout(userId, { except: exceptOf('authjs', mine) });
  assert.deepEqual([json.result, audit.sessions_kept], [true, 1]);
  assert.equal((await getSessionAndUser(mine))?.user.id, userId);
  assert.equal(await validSessions({ tokens: others }), 0);
});

test('a user of Auth.js can log in again right after a logout', async () => {
  const { userId } = await signUp('zoe', 1);
  await logout(userId);
  const sessionToken = randomUUID();
  await createSession({ sessionToken, userId, expires: new Date(Date.now() + 3_600_000) });
  assert.equal((await getSessionAndUser(sessionToken))?.user.id, userId);
});

test('a logout answers false when all sessions of an Auth.js user have expired', async () => {
  const { userId } = await signUp('old', 2, new Date(Date.now() - 1500));
  assert.equal((await logout(userId)).json.result, false);
});

describe('a provider’s logout token', async () => {
  const UUID = '[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}';
  const github = newProvider({ account_provider: 'github' });
  const { lambda } = await startProviders([github], {
    SESSIONS_TABLE: tableName,
    SESSION_LAYOUT: 'authjs',
    USER_ID_PATTERN: UUID,
  });
  const logoutBy = async (sub: string) => deliver(lambda, await signLogoutToken(github, newLogoutClaims(sub)));

  test('a logout token ends the sessions of the Auth.js user who linked its sub, and the account stays', async () => {
    const [kim, kit] = [await signUp('kim', 30), await signUp('kit', 2)];
    assertDone(await logoutBy('kim'), { user_id: kim.userId, actor: 'kim', sessions_ended: 30 });
    assert.deepEqual(await Promise.all([kim, kit].map(validSessions)), [0, 2]);
    assert.equal((await getUserByAccount({ provider: 'github', providerAccountId: 'kim' }))?.id, kim.userId);
    assertDone(await logoutBy('kim'), { outcome: 'no_live_session' });
  });

  test('a logout token logs no Auth.js user out if its sub is linked at another provider, or not at all', async () => {
    const max = await signUp('max', 2);
    await linkAccount({ userId: max.userId, type: 'oidc', provider: 'keycloak', providerAccountId: '42' });
    for (const sub of ['42', 'nobody', max.userId, 'MAX']) assertDone(await logoutBy(sub), { outcome: 'no_account' });
    assert.equal(await validSessions(max), 2);
  });

  test('a logout token no longer logs an Auth.js user out once the account is unlinked', async () => {
    const leo = await signUp('leo', 1);
    await unlinkAccount({ provider: 'github', providerAccountId: 'leo' });
    assertDone(await logoutBy('leo'), { outcome: 'no_account' });
    assert.equal(await validSessions(leo), 1);
  });
});

describe('Okta’s Universal Logout', async () => {
  const okta = newOrganisation({ account_provider: 'github', email_domains: 'example.com' });
  const settings = { SESSIONS_TABLE: tableName, SESSION_LAYOUT: 'authjs' };
  const { lambda } = await startOrganisations([okta], settings);
  const revokeBy = async (sub_id: object) => revoke(lambda, await revocationToken(okta), { sub_id });

  test('a revocation by email ends the sessions of the Auth.js user with that address, and the user stays', async () => {
    const [una, ula] = [await signUp('una', 30), await signUp('ula', 2)];
    assertDone(await revokeBy({ format: 'email', email: una.email }), { user_id: una.userId, sessions_ended: 30 });
    assert.deepEqual(await Promise.all([una, ula].map(validSessions)), [0, 2]);
    assert.equal((await getUserByEmail(una.email))?.id, una.userId);
  });

  test('a revocation by account ends the sessions of the Auth.js user whom the adapter linked', async () => {
    const [uri, udo] = [await signUp('uri', 2), await signUp('udo', 2)];
    assertDone(await revokeBy(account('uri')), { user_id: uri.userId, sessions_ended: 2 });
    assert.deepEqual(await Promise.all([uri, udo].map(validSessions)), [0, 2]);
  });

  test('a revocation answers 404, and logs nobody out, when Auth.js has no such address or account', async () => {
    const ute = await signUp('ute', 2);
    const nobody = [
      { format: 'email', email: 'ut@example.com' },
      account('ut'),
      account(ute.userId),
      account(ute.email),
    ];
    for (const sub_id of nobody) assertError(await revokeBy(sub_id), 404, 'no_account');
    assert.equal(await validSessions(ute), 2);
  });
});

test('npm run table knows a table of Auth.js, whose ids need no pattern', async () => {
  const { userId } = await signUp('tab', 3);
  const report = await tableReport(tableName, '--user', userId);
  assert.deepEqual([report.fits, report.layout], [true, 'authjs']);
  assert.match(report.library ?? '', /Auth\.js.*@auth\/dynamodb-adapter/);
  assert.equal(report.params.userIdPattern, undefined);
  assert.deepEqual(report.sessions, { live: 3, expired: 0 });
});

test('npm run table finds no session in a table of Auth.js whose sessions are JWTs', async () => {
  const jwtTable = await createTable('authjs', { projection: 'ALL' });
  const jwtOnly = DynamoDBAdapter(DynamoDBDocument.from(new DynamoDB()), { tableName: jwtTable });
  await jwtOnly.createUser?.({ id: '', email: 'jwt@example.com', emailVerified: null });
  const { fits, layout, missing } = await tableReport(jwtTable);
  assert.deepEqual([fits, layout], [false, 'authjs']);
  assert.match(missing[0]?.what ?? '', /none of the 1 items seen is one in this layout/);
});
