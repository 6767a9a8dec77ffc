// An OpenID provider, npm oidc-provider, whose adapter keeps everything in DynamoDB, together with the account.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tableReport } from '../local/table_report.ts';
import {
  authorizationUrl,
  authorize,
  CALLBACK,
  openBrowser,
  startOidcProvider,
  VERIFIER,
} from '../setup/oidc_provider.ts';
import { startAws, startLogout } from '../setup/route.ts';
import { allItems } from '../setup/tables.ts';
import { exceptOf, layoutOf } from './guide.ts';
import { createOidcAdapter } from './oidc_adapter.ts';

await startAws();
const { table, Adapter } = await createOidcAdapter();
const logout = await startLogout(table, layoutOf('oidc-provider'));
const grants = { grant_types: ['authorization_code', 'refresh_token'] };
const provider = await startOidcProvider(grants, { adapter: Adapter });

async function fetchTokens(form: Record<string, string>): Promise<Record<string, string>> {
  const body = new URLSearchParams(form);
  const headers = { authorization: `Basic ${btoa('app:secret')}` };
  return (await fetch(`${provider.issuer}/token`, { method: 'POST', headers, body })).json();
}

/**
 * Logs in, consents, and has the application fetch tokens; returns functions that show whether each is still valid, and
 * one for the keys to keep.
 */
async function logIn(account: string) {
  const browser = openBrowser();
  const tokens = await fetchTokens({
    grant_type: 'authorization_code',
    code: await authorize(browser, provider, account),
    redirect_uri: CALLBACK,
    code_verifier: VERIFIER,
  });
  const { access_token = assert.fail(JSON.stringify(tokens)), refresh_token = assert.fail() } = tokens;
  return {
    keys: async () => {
      const { grantId, sessionUid } = (await provider.AccessToken.find(access_token)) ?? assert.fail();
      const { jti } = (await provider.Session.findByUid(sessionUid)) ?? assert.fail();
      return exceptOf('oidc-provider', jti, grantId, access_token, refresh_token);
    },
    access: async () =>
      (await fetch(`${provider.issuer}/me`, { headers: { authorization: `Bearer ${access_token}` } })).status,
    session: async () => {
      const { url } = await browser(authorizationUrl(provider, 'none'));
      return url.searchParams.get('error') ?? 'code';
    },
    refresh: async () => (await fetchTokens({ grant_type: 'refresh_token', refresh_token })).error ?? 'tokens',
  };
}

test('one logout ends session, grant and tokens of an oidc-provider account, and none of another account', async () => {
  const [ann, phone, bob] = [await logIn('ann'), await logIn('ann'), await logIn('anna')];
  assert.deepEqual([await ann.access(), await ann.session()], [200, 'code']);
  assert.equal((await logout('ann')).json.result, true);
  for (const { access, session, refresh } of [ann, phone])
    assert.deepEqual([await access(), await session(), await refresh()], [401, 'login_required', 'invalid_grant']);
  assert.deepEqual([await bob.access(), await bob.session(), await bob.refresh()], [200, 'code', 'tokens']);
  assert.deepEqual(
    (await allItems(table)).filter((item) => JSON.stringify(item).includes('"S":"ann"')),
    [],
  );
  assert.equal((await logout('ann')).json.result, false);
});

test('session, grant and tokens of oidc-provider stay valid that a logout is to keep, and no others', async () => {
  const [mine, phone, tablet] = [await logIn('kim'), await logIn('kim'), await logIn('kim')];
  const { json, audit } = await logout('kim', { except: await mine.keys() });
  assert.deepEqual([json.result, audit.sessions_kept], [true, 4]);
  for (const { access, session, refresh } of [phone, tablet])
    assert.deepEqual([await access(), await session(), await refresh()], [401, 'login_required', 'invalid_grant']);
  assert.deepEqual([await mine.access(), await mine.session(), await mine.refresh()], [200, 'code', 'tokens']);
});

test('an oidc-provider account can log in again right after a logout', async () => {
  await logIn('zoe');
  assert.equal((await logout('zoe')).json.result, true);
  const zoe = await logIn('zoe');
  assert.deepEqual([await zoe.access(), await zoe.session(), await zoe.refresh()], [200, 'code', 'tokens']);
});

test('npm run table knows a table of oidc-provider', async () => {
  await logIn('tab');
  const report = await tableReport(table, '--user', 'tab');
  assert.deepEqual([report.fits, report.layout], [true, 'oidc-provider']);
  assert.ok(report.sessions && report.sessions.live > 0);
});
