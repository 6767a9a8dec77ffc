// The network on the way to AWS, below HTTP: TLS, DNS, and answers that are not HTTP. A failure there is retried, then
// answered with a 503, whatever its name; a 500 is for our own faults only.

import assert from 'node:assert/strict';
import dns from 'node:dns';
import { once } from 'node:events';
import { connect, createServer, getDefaultAutoSelectFamilyAttemptTimeout, type Socket } from 'node:net';
import { after, afterEach, describe, mock, test } from 'node:test';
import { createServer as createTlsServer, setDefaultCACertificates, type TLSSocket } from 'node:tls';
import { assertFault } from '../setup/answers.ts';
import { newCertificate } from '../setup/certificate.ts';
import { startKeyServer } from '../setup/key_server.ts';
import { startFunction, startProxiedAws, startRoute } from '../setup/route.ts';
import { createTable, newSessions, putItems, sessionsLeft } from '../setup/tables.ts';
import { keyPair, newClaims, newPublicRecord, signToken } from '../setup/tokens.ts';

/** A way to a service of AWS. `meet` ends the open connections, and has this many new ones meet the fault. */
type Way<Fault> = { url: string; meet: (fault: Fault, times: number) => void };

const ALWAYS = Number.POSITIVE_INFINITY;
const { dynamodb, secretsManager } = await startProxiedAws();
const table = await createTable('default');
const certificate = await newCertificate();
setDefaultCACertificates([certificate.cert]);
let users = 9_500_000;

/** A TLS server in front of the service. A fault gets the connection before a byte is read. */
async function startTls(service: { url: string }): Promise<Way<(socket: Socket) => void>> {
  const open = new Set<Socket>();
  let next = { fault: (_: Socket) => {}, times: 0 };
  const tls = createTlsServer(certificate, (socket) => {
    const upstream = connect({ port: Number(new URL(service.url).port), host: '127.0.0.1', noDelay: true });
    socket.pipe(upstream).pipe(socket);
    for (const end of [socket, upstream]) end.on('error', () => upstream.destroy());
  });
  const server = createServer({ noDelay: true }, (socket) => {
    open.add(socket.on('error', () => {}).once('close', () => open.delete(socket)));
    if (next.times-- > 0) next.fault(socket);
    else tls.emit('connection', socket);
  });
  const drop = () => open.forEach((socket) => void socket.destroy());
  await once(server.listen(0, '127.0.0.1'), 'listening');
  after(() => {
    server.close();
    drop();
  });
  const address = server.address();
  return {
    url: `https://127.0.0.1:${typeof address === 'object' ? address?.port : assert.fail()}`,
    meet: (fault, times) => {
      next = { fault, times };
      drop();
    },
  };
}

/** Answers the ClientHello with these bytes, and ends the connection. */
function answers(bytes: Buffer | string): (socket: Socket) => void {
  return (socket) => void socket.once('data', () => socket.end(bytes));
}

/** Completes the handshake with this certificate, then passes the connection to `answer`. */
function afterHandshake(answer: (socket: TLSSocket) => unknown, by = certificate): (socket: Socket) => void {
  return (socket) =>
    void createTlsServer(by, (tls) => void tls.once('data', () => answer(tls))).emit('connection', socket);
}

const tlsFaults = {
  'TLS ends with the alert internal_error': answers(Buffer.from('15030300020250', 'hex')),
  'TLS ends with an alert that has no name': answers(Buffer.from('150303000202fe', 'hex')),
  'TLS gets an answer in plain HTTP': answers('HTTP/1.1 400 Bad Request\r\n\r\n'),
  'the connection ends before TLS gets an answer': answers(''),
  'the certificate is not the one we trust': afterHandshake(() => {}, await newCertificate()),
  'the answer is not HTTP': afterHandshake((socket) => socket.end('220 ready\r\n')),
  'a header of the answer is garbled': afterHandshake((socket) => socket.end('HTTP/1.1 200 OK\r\na\0b: c\r\n\r\n')),
  'the length of the answer is not a number': afterHandshake((socket) =>
    socket.end('HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n'),
  ),
  'the head of the answer is too large': afterHandshake((socket) =>
    socket.end(`HTTP/1.1 200 OK\r\na: ${'x'.repeat(100_000)}\r\n\r\n`),
  ),
  'a chunk of the body is garbled': afterHandshake((socket) =>
    socket.end('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nno size\r\n'),
  ),
};
const tls = { dynamodb: await startTls(dynamodb), secretsManager: await startTls(secretsManager) };
for (const [name, fault] of Object.entries(tlsFaults)) testFault(name, fault, tls);

type Lookup = () => { error: Error } | { addresses: dns.LookupAddress[] };
const lookups = new Map<string, { lookup: Lookup; times: number }>();
const { lookup: systemLookup } = dns;

// Node calls dns.lookup for each connection to a name, so the names of this test need no DNS.
mock.method(dns, 'lookup', (name: string, options: dns.LookupAllOptions, done: (...answer: unknown[]) => void) => {
  const next = lookups.get(name);
  if (!next) return systemLookup(name, options, done);
  const answer = next.times-- > 0 ? next.lookup() : { addresses: [{ address: '127.0.0.1', family: 4 }] };
  setImmediate(() => ('error' in answer ? done(answer.error) : done(null, answer.addresses)));
});

/** The service at a name that has to be looked up. */
function named(name: string, { url, closeIdle }: { url: string; closeIdle: () => void }): Way<Lookup> {
  lookups.set(name, { lookup: () => ({ addresses: [] }), times: 0 });
  return {
    url: url.replace('127.0.0.1', name),
    meet: (lookup, times) => {
      lookups.set(name, { lookup, times });
      closeIdle();
    },
  };
}

function lookupFails(code: string, syscall = 'getaddrinfo'): Lookup {
  return () => ({ error: Object.assign(new Error(`${syscall} ${code}`), { code, syscall, errno: -1 }) });
}

const dnsFaults: Record<string, Lookup> = {
  ...Object.fromEntries(
    ['EMFILE', 'EBUSY', 'EAI_FAIL', 'EAI_AGAIN', 'ENOTFOUND', 'ENOMEM', 'EUNHEARDOF'].map((code) => [
      `dns.lookup fails with ${code}`,
      lookupFails(code),
    ]),
  ),
  'none of several addresses answers': () => ({
    addresses: ['127.0.0.2', '127.0.0.3'].map((address) => ({ address, family: 4 })),
  }),
};
const names = { dynamodb: named('dynamodb.test', dynamodb), secretsManager: named('secrets.test', secretsManager) };
for (const [name, fault] of Object.entries(dnsFaults)) testFault(name, fault, names);

function testFault<Fault>(name: string, fault: Fault, to: { dynamodb: Way<Fault>; secretsManager: Way<Fault> }): void {
  const environment = {
    SESSIONS_TABLE: table,
    AWS_ENDPOINT_URL_DYNAMODB: to.dynamodb.url,
    AWS_ENDPOINT_URL_SECRETS_MANAGER: to.secretsManager.url,
  };

  const clearFaults = () => {
    to.dynamodb.meet(fault, 0);
    to.secretsManager.meet(fault, 0);
  };

  describe(name, () => {
    afterEach(clearFaults);

    test(`true is returned when ${name} twice before DynamoDB is reached`, async () => {
      const [{ logout }, user] = [await startRoute(environment), await newUser()];
      to.dynamodb.meet(fault, 2);
      assert.equal((await logout(user)).json.result, true);
      assert.equal(await sessionsLeft(table, user), 0);
    });

    test(`a 503 is returned until DynamoDB can be reached, then true, when ${name}`, async () => {
      const [{ logout }, user] = [await startRoute(environment), await newUser()];
      to.dynamodb.meet(fault, ALWAYS);
      assertFault(await logout(user), 503, 'aws_unavailable');
      clearFaults();
      assert.equal((await logout(user)).json.result, true);
    });

    test(`true is returned when ${name} twice before Secrets Manager is reached`, async () => {
      const [{ logout }, user] = [
        await startRoute(environment, () => to.secretsManager.meet(fault, 2)),
        await newUser(),
      ];
      assert.equal((await logout(user)).json.result, true);
    });

    test(`a 503 is returned until Secrets Manager can be reached, then true, when ${name}`, async () => {
      const [{ logout }, user] = [
        await startRoute(environment, () => to.secretsManager.meet(fault, ALWAYS)),
        await newUser(),
      ];
      assertFault(await logout(user), 503, 'aws_unavailable');
      clearFaults();
      assert.equal((await inTwoSeconds(() => logout(user))).json.result, true);
    });

    test(`the cached record stays in use, audited as stale, when Secrets Manager is called and ${name}`, async () => {
      const { logout } = await startRoute({ ...environment, VALIDATOR_MAX_AGE_SECONDS: '0' });
      const user = await newUser();
      to.secretsManager.meet(fault, ALWAYS);
      const { json, audit } = await logout(user);
      assert.deepEqual([json.result, audit.reason, audit.stale_record], [true, undefined, 1]);
    });
  });
}

describe('the way to a key set', async () => {
  const server = await startKeyServer({ certificate, trusted: false }); // it is trusted already
  const { jwk, privateKey } = keyPair('ES256');
  server.serve({ keys: [jwk] });
  const environment = {
    SESSIONS_TABLE: table,
    AWS_ENDPOINT_URL_DYNAMODB: dynamodb.url,
    AWS_ENDPOINT_URL_SECRETS_MANAGER: secretsManager.url,
  };

  for (const code of ['EAI_AGAIN', 'ENOTFOUND', 'EBUSY']) {
    const label = code.replace('_', '-').toLowerCase();
    const [once, twice] = [`once-${label}.keys.test`, `twice-${label}.keys.test`];
    /** A start that could not look the host of its key set up. */
    const start = async (name: string) => {
      lookups.set(name, { lookup: lookupFails(code), times: ALWAYS });
      const public_key_jwk_uri = server.url.replace('127.0.0.1', name);
      const record = newPublicRecord({ public_key_algorithm: 'ES256', public_key_jwk_uri });
      const { lambda } = await startFunction('logout_user', [record], environment);
      const token = await signToken(privateKey, newClaims(), { alg: 'ES256' });
      return async () => lambda.invoke({ userId: await newUser(), token });
    };

    test(`true is returned when dns.lookup fails with ${code} once for the host of a key set`, async () => {
      const logout = await start(once);
      lookups.set(once, { lookup: lookupFails(code), times: 1 });
      assert.equal((await logout()).json.result, true);
    });

    test(`a 503 is returned when dns.lookup fails with ${code} twice for the host of a key set, then true`, async () => {
      const logout = await start(twice);
      lookups.set(twice, { lookup: lookupFails(code), times: 2 });
      const answer = await logout();
      assertFault(answer, 503, 'jwks_unavailable');
      assert.match(String(answer.audit.fault), new RegExp(`: public_key_jwk_uri cannot be read: ${code}$`));
      assert.equal((await inTwoSeconds(logout)).json.result, true);
    });
  }

  test('an address of a host with several has 600 ms to accept the connection, not Node’s 250', () =>
    assert.equal(getDefaultAutoSelectFamilyAttemptTimeout(), 600));
});

describe('faults of our own', () => {
  const environment = {
    SESSIONS_TABLE: table,
    AWS_ENDPOINT_URL_DYNAMODB: dynamodb.url,
    AWS_ENDPOINT_URL_SECRETS_MANAGER: secretsManager.url,
  };
  const ours: Record<string, [reason: string, name: string, value: string]> = {
    'Node refuses to make the request, with a TypeError': ['unexpected', 'AWS_SESSION_TOKEN', 'a\nb'],
    'there are no credentials': ['aws_refused', 'AWS_ACCESS_KEY_ID', ''],
  };
  for (const [what, [reason, name, value]] of Object.entries(ours)) {
    test(`a 500 is returned, and nothing is sent to DynamoDB, when ${what}`, async () => {
      const [{ logout }, user] = [await startRoute(environment), await newUser()];
      const before = process.env[name];
      process.env[name] = value;
      const requests = await dynamodb.requests(user, async () => {
        const answer = await logout(user);
        assertFault(answer, 500, reason);
        assert.equal(answer.audit.retries, 0);
      });
      if (before === undefined) delete process.env[name];
      else process.env[name] = before;
      assert.deepEqual(requests, []);
    });
  }
});

/** Does the work with the clock two seconds ahead, as `retry-after` says. */
async function inTwoSeconds<T>(work: () => Promise<T>): Promise<T> {
  mock.timers.enable({ apis: ['Date'], now: Date.now() + 2000 });
  try {
    return await work();
  } finally {
    mock.timers.reset();
  }
}

/** A user with three sessions. */
async function newUser(): Promise<string> {
  const user = String(users++);
  await putItems(table, newSessions(user, 3));
  return user;
}
