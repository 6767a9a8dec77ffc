// An OpenID provider, npm oidc-provider, whose adapter keeps everything in DynamoDB, and says whose it is.
import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { createServer, type RequestListener } from 'node:http';
import { after, test } from 'node:test';
import Provider from 'oidc-provider';
import { listen } from '../local/listen.ts';
import { allItems } from '../setup/tables.ts';
import { layoutOf } from './guide.ts';
import { createOidcAdapter } from './oidc_adapter.ts';
import { startRoute } from './route.ts';

const CALLBACK = 'https://app.example/callback';
const VERIFIER = 'v'.repeat(43);

const { route } = await startRoute();
const { table, Adapter } = await createOidcAdapter();
const logout = await route(table, layoutOf('oidc-provider'));
const provider = await startProvider();

/** Starts the provider with its own pages for login and consent: whatever name is entered is the account. */
async function startProvider(): Promise<string> {
  let listener: RequestListener = () => {};
  const { url, close } = await listen(createServer((request, response) => listener(request, response)));
  after(close);
  const client = {
    client_id: 'app',
    client_secret: 'secret',
    redirect_uris: [CALLBACK],
    grant_types: ['authorization_code', 'refresh_token'],
  };
  const configuration = { adapter: Adapter, clients: [client], cookies: { keys: ['a test'] } };
  listener = new Provider(url, configuration).callback();
  return url;
}

/** A browser, as far as a login needs one: it keeps cookies, and follows redirects until one leads to the application. */
function openBrowser() {
  const cookies = new Map<string, string>();
  const open = async (address: string, form?: Record<string, string>): Promise<URL> => {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const body = form && new URLSearchParams(form);
    const answer = await fetch(address, {
      headers: { cookie },
      redirect: 'manual',
      ...(body && { method: 'POST', body }),
    });
    for (const line of answer.headers.getSetCookie()) {
      const [, name = '', value = ''] = line.match(/^([^=]+)=([^;]*)/) ?? [];
      cookies.set(name, value);
    }
    const location = answer.headers.get('location');
    if (location?.startsWith(CALLBACK)) return new URL(location);
    return location ? open(new URL(location, provider).href) : new URL(address);
  };
  return open;
}

const authorize = (prompt: string) =>
  `${provider}/auth?${new URLSearchParams({
    client_id: 'app',
    response_type: 'code',
    redirect_uri: CALLBACK,
    scope: 'openid offline_access',
    prompt,
    code_challenge: hash('sha256', VERIFIER, 'base64url'),
    code_challenge_method: 'S256',
  })}`;

async function fetchTokens(form: Record<string, string>): Promise<Record<string, string>> {
  const body = new URLSearchParams(form);
  const headers = { authorization: `Basic ${btoa('app:secret')}` };
  return (await fetch(`${provider}/token`, { method: 'POST', headers, body })).json();
}

/** Logs in, consents, and has the application fetch tokens; returns what tells whether each of them is still good. */
async function logIn(account: string) {
  const browser = openBrowser();
  const login = await browser(authorize('consent'));
  const consent = await browser(login.href, { prompt: 'login', login: account, password: 'any' });
  const callback = await browser(consent.href, { prompt: 'consent' });
  const code = callback.searchParams.get('code') ?? assert.fail(`${callback}`);
  const tokens = await fetchTokens({
    grant_type: 'authorization_code',
    code,
    redirect_uri: CALLBACK,
    code_verifier: VERIFIER,
  });
  const { access_token = assert.fail(JSON.stringify(tokens)), refresh_token = assert.fail() } = tokens;
  return {
    access: async () =>
      (await fetch(`${provider}/me`, { headers: { authorization: `Bearer ${access_token}` } })).status,
    session: async () => (await browser(authorize('none'))).searchParams.get('error') ?? 'code',
    refresh: async () => (await fetchTokens({ grant_type: 'refresh_token', refresh_token })).error ?? 'tokens',
  };
}

test('ends session, grant and tokens of an account in one call, and nothing of another account', async () => {
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

test('an account can log in again right after the logout', async () => {
  await logIn('zoe');
  assert.equal((await logout('zoe')).json.result, true);
  const zoe = await logIn('zoe');
  assert.deepEqual([await zoe.access(), await zoe.session(), await zoe.refresh()], [200, 'code', 'tokens']);
});
