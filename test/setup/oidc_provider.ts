// A real OpenID provider, npm oidc-provider, and a browser that logs in and out there.
import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { createServer, type RequestListener } from 'node:http';
import { after } from 'node:test';
import Provider from 'oidc-provider';
import { listen } from '../local/listen.ts';

export const CALLBACK = 'https://app.example/callback';
export const VERIFIER = 'v'.repeat(43);

/** Where the browser is, and what it shows. */
type Page = { url: URL; text: string };
export type Browser = (address: string, form?: Record<string, string>) => Promise<Page>;

/** Starts the provider with one application, and its own login and consent pages: any name that is entered is an account. */
export async function startOidcProvider(application: object, configuration: object): Promise<Provider> {
  let listener: RequestListener = () => {};
  const { url, close } = await listen(createServer((request, response) => listener(request, response)));
  after(close);
  const client = { client_id: 'app', client_secret: 'secret', redirect_uris: [CALLBACK], ...application };
  const provider = new Provider(url, { clients: [client], cookies: { keys: ['a test'] }, ...configuration });
  listener = provider.callback();
  return provider;
}

/** A browser, as far as a login needs one: it keeps cookies, and follows redirects until one leads to the application. */
export function openBrowser(): Browser {
  const cookies = new Map<string, string>();
  const open: Browser = async (address, form) => {
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
    const url = new URL(answer.headers.get('location') ?? '', address);
    if (url.href.startsWith(CALLBACK) || !answer.headers.has('location')) return { url, text: await answer.text() };
    return open(url.href);
  };
  return open;
}

/** Where the application sends the browser for a login. */
export function authorizationUrl({ issuer }: Provider, prompt: string): string {
  return `${issuer}/auth?${new URLSearchParams({
    client_id: 'app',
    response_type: 'code',
    redirect_uri: CALLBACK,
    scope: 'openid offline_access',
    prompt,
    code_challenge: hash('sha256', VERIFIER, 'base64url'),
    code_challenge_method: 'S256',
  })}`;
}

/** Logs in at the provider and consents; returns the code that the application gets. */
export async function authorize(browser: Browser, provider: Provider, account: string): Promise<string> {
  const login = await browser(authorizationUrl(provider, 'consent'));
  const consent = await browser(login.url.href, { prompt: 'login', login: account, password: 'any' });
  const callback = await browser(consent.url.href, { prompt: 'consent' });
  return callback.url.searchParams.get('code') ?? assert.fail(`${callback.url}`);
}

/** Logs out at the provider, which notifies the applications before it answers. */
export async function logOut(browser: Browser, { issuer }: Provider): Promise<void> {
  const { text } = await browser(`${issuer}/session/end`);
  const [, xsrf = assert.fail(text)] = text.match(/name="xsrf" value="(\w+)"/) ?? [];
  await browser(`${issuer}/session/end/confirm`, { xsrf, logout: 'yes' });
}
