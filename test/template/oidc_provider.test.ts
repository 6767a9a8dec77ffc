// A real OpenID provider, npm oidc-provider, tells the packaged function over HTTP that a user has logged out.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { after, test } from 'node:test';
import { hangUp } from '../faults/faults.ts';
import { listen } from '../local/listen.ts';
import { formEvent } from '../setup/events.ts';
import { packagedFile } from '../setup/function.ts';
import { auditLines, coldStart } from '../setup/lambda.ts';
import { authorize, logOut, openBrowser, startOidcProvider } from '../setup/oidc_provider.ts';
import { packageService } from '../setup/package.ts';
import { startProxiedAws } from '../setup/route.ts';
import { createTable, newSessions, putItems, sessionsLeft } from '../setup/tables.ts';
import { keyPair, newPublicRecord, storeRecord } from '../setup/tokens.ts';

const { archives } = await packageService({ openidProviders: 'any' });
const { dynamodb } = await startProxiedAws();
const table = await createTable('default');

const provider = await startOidcProvider(
  {
    backchannel_logout_uri: 'https://app.example/auth/backchannel_logout',
    backchannel_logout_session_required: true,
  },
  {
    jwks: { keys: [keyPair('RS256').privateKey.export({ format: 'jwk' })] },
    features: { backchannelLogout: { enabled: true } },
    // To the API of this test, without the check that refuses loopback, and without the timeout of 2.5 s.
    fetch: (address: URL, { dispatcher: _, signal: __, ...request }: RequestInit & { dispatcher?: unknown }) =>
      fetch(new URL(new URL(address).pathname, api.url), request),
  },
);
/** What happened to each logout token, as the provider sees it. */
const outcomes: string[] = [];
provider.on('backchannel.success', (_ctx, _client, accountId) => outcomes.push(`success ${accountId}`));
provider.on('backchannel.error', (_ctx, { message }, _client, accountId) =>
  outcomes.push(`error ${accountId}: ${message}`),
);

const record = newPublicRecord({
  public_key_algorithm: 'RS256',
  public_key_jwks: await (await fetch(`${provider.issuer}/jwks`)).json(),
  audience: 'app',
  issuer: provider.issuer,
});
const lambda = await coldStart(
  { SESSIONS_TABLE: table, OPENID_PROVIDER_SECRET_IDS: await storeRecord(record) },
  'backchannel_logout',
  packagedFile('backchannel_logout', archives.backchannel_logout ?? assert.fail()),
);
const api = await listen(
  createServer(async (request, response) => {
    const headers = Object.entries(request.headers).map(([name, value]) => [name, String(value)]);
    const answer = await lambda.send(formEvent(await text(request), Object.fromEntries(headers)));
    response.writeHead(answer.status, Object.entries(answer.headers).flat().map(String)).end(answer.text);
  }),
);
after(api.close);

test('a user who logs out at an OpenID provider has no session left, and another user’s sessions survive', async () => {
  await putItems(table, [...newSessions('1', 30), ...newSessions('2', 3)]);
  const [browser, another] = [openBrowser(), openBrowser()];
  await authorize(browser, provider, '1');
  await authorize(another, provider, '2');
  const [audit] = await auditLines(() => logOut(browser, provider));
  assert.deepEqual(outcomes.splice(0), ['success 1']);
  assert.deepEqual([await sessionsLeft(table, '1'), await sessionsLeft(table, '2')], [0, 3]);
  assert.partialDeepStrictEqual(audit, { outcome: 'logged_out', user_id: '1', sessions_ended: 30 });
});

for (const [operation, user] of [
  ['Query', '3'],
  ['BatchWriteItem', '4'],
] as const) {
  test(`an OpenID provider sees a failure, not a success, while DynamoDB hangs up on every ${operation}`, async () => {
    await putItems(table, newSessions(user, 3));
    const browser = openBrowser();
    dynamodb.inject(operation, user, hangUp);
    await authorize(browser, provider, user);
    await auditLines(() => logOut(browser, provider));
    assert.equal(outcomes.length, 1);
    assert.match(String(outcomes.pop()), new RegExp(`^error ${user}: .*, got: 503 Service Unavailable$`));
    assert.equal(await sessionsLeft(table, user), 3);

    dynamodb.clearFaults(user);
    await authorize(browser, provider, user);
    await auditLines(() => logOut(browser, provider));
    assert.deepEqual(outcomes.splice(0), [`success ${user}`]);
    assert.equal(await sessionsLeft(table, user), 0);
  });
}
