// The validator record, field by field: what each one does, and how a wrong one is refused.

import assert from 'node:assert/strict';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { describe, test } from 'node:test';
import { PutSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { assertAccepted, assertFault, assertForbidden, assertRefused } from '../setup/answers.ts';
import { pass, startRecords } from '../setup/records.ts';
import { keyPair, newClaims, newPublicRecord, newRecord, signToken, storeRecord } from '../setup/tokens.ts';

const { startWith, startWithSecrets } = await startRecords();
const RETRY = 2; // seconds: so long a failure is remembered
const now = Math.floor(Date.now() / 1000);

describe('secret', () => {
  for (const [alg, bytes] of [
    ['HS256', 32],
    ['HS384', 48],
    ['HS512', 64],
  ] as const) {
    const record = newRecord({ secret_algorithm: alg, secret_key: randomBytes(bytes / 2).toString('hex') });
    const key = record.secret_key;

    test(`a shared key of ${bytes} bytes is accepted for ${alg}, and for no other algorithm`, async () => {
      const send = await startWith(record);
      assertAccepted(await send(await signToken(key, newClaims(), { alg })), { alg, short_key: false });
      for (const other of ['HS256', 'HS384', 'HS512'].filter((name) => name !== alg)) {
        assertRefused(await send(await signToken(key, newClaims(), { alg: other })), 'algorithm');
      }
    });

    test(`a shared key of ${bytes - 1} bytes is refused for ${alg} unless allow_short_key is true`, async () => {
      const short = { ...record, secret_key: key.slice(1) };
      const token = await signToken(short.secret_key, newClaims(), { alg });
      assertFault(await (await startWith(short))(token), 500, 'record_invalid');
      assertAccepted(await (await startWith({ ...short, allow_short_key: true }))(token), { short_key: true });
    });
  }

  test('the length of a shared key is counted in bytes, not in characters', async () => {
    const key = 'ü'.repeat(16);
    assertAccepted(await (await startWith(newRecord({ secret_key: key })))(await signToken(key)));
  });
});

describe('public_key', () => {
  for (const alg of ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA']) {
    test(`public_key_jwks accepts ${alg} tokens, and refuses those signed with another key`, async () => {
      const { jwk, privateKey } = keyPair(alg);
      const send = await startWith(newPublicRecord({ public_key_algorithm: alg, public_key_jwks: { keys: [jwk] } }));
      assertAccepted(await send(await signToken(privateKey, newClaims(), { alg })), { alg, short_key: false });
      const foreign = keyPair(alg, 'foreign');
      assertRefused(await send(await signToken(foreign.privateKey, newClaims(), { alg })), 'signature');
    });
  }
});

describe('audience', () => {
  const record = newRecord();
  const cases: [unknown, unknown, boolean][] = [
    ['a', 'a', true],
    ['a', ['x', 'a'], true],
    [' a , b ', 'b', true],
    [['a', ' b '], 'b', true],
    ['a,b', 'a,b', false],
    ['a,b', ' b', false],
    ['a', 'A', false],
    ['a', 'ab', false],
    ['a', '', false],
    ['a', [], false],
  ];
  for (const [audience, aud, accepted] of cases) {
    test(`audience ${show(audience)} ${accepted ? 'accepts' : 'refuses'} aud ${show(aud)}`, async () => {
      const send = await startWith({ ...record, audience });
      const answer = await send(await signToken(record.secret_key, newClaims({ aud })));
      accepted ? assertAccepted(answer) : assertRefused(answer, 'audience');
    });
  }
});

describe('issuer', () => {
  const record = newRecord({ issuer: 'https://issuer.example' });
  for (const [iss, accepted] of [
    ['https://issuer.example', true],
    ['https://issuer.example/', false],
    ['HTTPS://issuer.example', false],
    ['', false],
  ] as const) {
    test(`issuer "${record.issuer}" ${accepted ? 'accepts' : 'refuses'} iss "${iss}"`, async () => {
      const answer = await (await startWith(record))(await signToken(record.secret_key, newClaims({ iss })));
      accepted ? assertAccepted(answer) : assertRefused(answer, 'issuer');
    });
  }
});

test('an issuer may contain quotes and brackets after its first character', async () => {
  const record = newRecord({ issuer: 'urn:["the issuer"]' });
  assertAccepted(
    await (await startWith(record))(await signToken(record.secret_key, newClaims({ iss: record.issuer }))),
  );
});

describe('allowed_emails', () => {
  const record = newRecord({ allowed_emails: ['admin@example.com', 'ops@example.com'] });

  test('a caller whose email is in allowed_emails is let in', async () => {
    const token = await signToken(record.secret_key, newClaims({ email: 'ops@example.com' }));
    assertAccepted(await (await startWith(record))(token), { actor: 'ops@example.com' });
  });

  for (const email of ['Ops@example.com', 'ops@example.com ', '', undefined, null, 7, ['ops@example.com'], { a: 1 }]) {
    test(`a 403 with insufficient_scope is returned for email ${show(email)}, not in allowed_emails`, async () => {
      const answer = await (await startWith(record))(await signToken(record.secret_key, newClaims({ email })));
      assert.equal(answer.status, 403);
      assert.equal(answer.headers['www-authenticate'], 'Bearer realm="auth_logout_user", error="insufficient_scope"');
      assert.equal(answer.audit.reason, 'email_not_allowed');
    });
  }

  for (const email_verified of [true, 'true']) {
    test(`a caller whose email_verified is ${show(email_verified)} is let in`, async () => {
      const token = await signToken(record.secret_key, newClaims({ email: 'ops@example.com', email_verified }));
      assertAccepted(await (await startWith(record))(token));
    });
  }

  for (const email_verified of [false, 'false', null, '', 'True', 'yes', 0, 1, ['true'], {}]) {
    test(`a caller whose email_verified is ${show(email_verified)} is no member of allowed_emails`, async () => {
      const token = await signToken(record.secret_key, newClaims({ email: 'ops@example.com', email_verified }));
      assertForbidden(await (await startWith(record))(token), 'email_not_verified');
    });
  }

  test('email_verified does not matter without allowed_emails, nor for an email that is not in it', async () => {
    const claims = newClaims({ email: 'nobody', email_verified: false });
    const anybody = newRecord();
    assertAccepted(await (await startWith(anybody))(await signToken(anybody.secret_key, claims)));
    assertForbidden(await (await startWith(record))(await signToken(record.secret_key, claims)), 'email_not_allowed');
  });

  test('allowed_emails may name an address with two @', async () => {
    const record = newRecord({ allowed_emails: 'ann@ad@example.com' });
    const token = await signToken(record.secret_key, newClaims({ email: 'ann@ad@example.com' }));
    assertAccepted(await (await startWith(record))(token));
  });

  test('a 401 is returned for a token that fails verification, before allowed_emails is checked', async () => {
    const token = await signToken(newRecord().secret_key, newClaims({ email: 'nobody' }));
    assertRefused(await (await startWith(record))(token), 'signature');
  });

  test('allowed_emails lets nobody in when it is an empty list', async () => {
    const nobody = newRecord({ allowed_emails: [] });
    assert.equal((await (await startWith(nobody))(await signToken(nobody.secret_key))).status, 403);
  });
});

describe('a record whose values are all text', () => {
  test('a record whose values are all text, as the console and Terraform make them, is read as intended', async () => {
    const record = newRecord({
      secret_key: 'a key of 24 bytes or so.',
      allow_short_key: ' True',
      audience: '["a", " b "]',
      allowed_emails: ' ["ops@example.com"] ',
      max_token_age_seconds: '60',
      previous_key_grace_seconds: ' 0.25 ',
    });
    const send = await startWith(`\ufeff${JSON.stringify(record)}`);
    const sign = (claims: Record<string, unknown>) =>
      signToken(record.secret_key, newClaims({ aud: 'b', email: 'ops@example.com', ...claims }));
    assertAccepted(await send(await sign({})), { short_key: true });
    assertRefused(await send(await sign({ aud: '["a"' })), 'audience');
    assertRefused(await send(await sign({ exp: now + 66 })), 'too_long_lived');
    assert.equal((await send(await sign({ email: '["ops@example.com"]' }))).status, 403);
    assertFault(
      await (await startWith({ ...record, allow_short_key: ' false' }))(await sign({})),
      500,
      'record_invalid',
    );
  });

  test('allowed_emails lets nobody in when it is an empty list as text', async () => {
    const nobody = newRecord({ allowed_emails: '[]' });
    assert.equal((await (await startWith(nobody))(await signToken(nobody.secret_key))).status, 403);
  });

  test('public_key_jwks may be a key set as text, even with a byte order mark before it', async () => {
    const { jwk, privateKey } = keyPair('ES256');
    const public_key_jwks = `\ufeff${JSON.stringify({ keys: [jwk] })}`;
    const send = await startWith(newPublicRecord({ public_key_algorithm: 'ES256', public_key_jwks }));
    assertAccepted(await send(await signToken(privateKey, newClaims(), { alg: 'ES256' })));
  });
});

test('a byte order mark inside a secret key is part of the key', async () => {
  const record = newRecord({ secret_key: `${newRecord().secret_key}\ufeff!` });
  assertAccepted(await (await startWith(record))(await signToken(record.secret_key)));
});

test('a record may have a description, and Odoo fields that mean nothing here', async () => {
  const record = newRecord({
    description: 'of the shop',
    user_id_strategy: 'static',
    static_user_id: [2, 'Mitchell Admin'],
    partner_id_strategy: false,
    partner_id_required: false,
    next_validator_id: false,
    cookie_enabled: false,
    cookie_name: 'authorization',
    cookie_max_age: 86_400,
    id: 1,
    display_name: 'validator',
    create_uid: [2, 'Mitchell Admin'],
    create_date: '2026-11-22 09:00:00',
    write_date: '2026-11-22 09:00:00',
    __last_update: '2026-11-22 09:00:00',
  });
  assertAccepted(await (await startWith(record))(await signToken(record.secret_key)));
});

describe('max_token_age_seconds', () => {
  const LEEWAY = 5;
  for (const [name, members, max] of [
    ['which is 86400 by default', {}, 86_400],
    ['set to 60', { max_token_age_seconds: 60 }, 60],
  ] as const) {
    const record = newRecord(members);
    const sign = (claims: Record<string, unknown>) => signToken(record.secret_key, newClaims(claims));

    test(`max_token_age_seconds, ${name}, caps the time until exp`, async () => {
      const send = await startWith(record);
      assertAccepted(await send(await sign({ exp: now + max + LEEWAY })));
      assertRefused(await send(await sign({ exp: now + max + LEEWAY + 1 })), 'too_long_lived');
    });

    test(`max_token_age_seconds, ${name}, caps the time since iat`, async () => {
      const send = await startWith(record);
      assertAccepted(await send(await sign({ iat: now - max - LEEWAY + 1 })));
      assertRefused(await send(await sign({ iat: now - max - LEEWAY - 1 })), 'too_long_lived');
    });
  }
});

describe('a wrong record', async () => {
  const key = randomBytes(48).toString('base64url');
  const { privateKey, jwk } = keyPair('ES256');
  const privateJwk = privateKey.export({ format: 'jwk' });
  const random = { KEY: key, '31 BYTES': key.slice(0, 31), X: jwk.x, Y: jwk.y, D: privateJwk.d };
  const shown = (value: unknown) => show(value, random);
  const secretId = await storeRecord(newRecord());
  const send = await startWithSecrets([secretId], { VALIDATOR_MAX_AGE_SECONDS: '0' });

  for (const [text, fault] of [
    ['', 'is not'],
    [' \n', 'is not'],
    [`{"secret_key":"${key}"`, 'is not'],
    [`["${key}"]`, 'must be'],
    [`"${key}"`, 'must be'],
    ['7', 'must be'],
    ['null', 'must be'],
    ['\ufeff[]', 'must be'],
  ]) {
    test(`a 500 is returned, and the log names the secret, when its text is ${shown(text)}`, async () =>
      assertNamed(`the secret ${fault}`, text));
  }
  test('a 500 is returned, and the log names the secret, when its value is binary', async () => {
    const SecretBinary = Buffer.from(JSON.stringify(newRecord({ secret_key: key })));
    await new SecretsManagerClient().send(new PutSecretValueCommand({ SecretId: secretId, SecretBinary }));
    await assertNamed('the secret is binary: store');
  });

  const wrongWithSecret: Record<string, unknown[]> = {
    name: [undefined, ' ', 7],
    signature_type: [undefined, 'none', 'SECRET'],
    secret_algorithm: [null, 'none', 'HS257', 'hs256', 'RS256'],
    secret_key: [undefined, '', ' '.repeat(32), 12345678901234, [key], key.slice(0, 31)],
    allow_short_key: ['yes', '', 1, ['true'], 'not true', 'false?'],
    audience: [
      undefined,
      '',
      'a,,b',
      [],
      '[]',
      7,
      ['a', 7],
      '[7]',
      '["a"',
      "['a']",
      '{"a":1}',
      '"a"',
      ['["a"]'],
      'a\nb',
    ],
    issuer: [undefined, ' ', ['theissuer'], '"theissuer"', '["theissuer"]', 'theissuer\n'],
    allowed_emails: [
      true,
      [null],
      '',
      '["a@b.example"',
      '"a@b.example"',
      'a@b.example;ops@b.example',
      'a@b.example c@b.example',
    ],
    max_token_age_seconds: [-1, '-1', '', 'one hour', '1h', 'Infinity', [60]],
    previous_key_grace_seconds: [-1, '1e3', 'null', true],
    allowed_email: ['a@b.example', null],
    Audience: ['a'],
    'issuer ': ['theissuer'],
    cookie: ['a'],
    description2: ['a'],
    short_description: ['a'],
  };
  for (const [field, values] of Object.entries(wrongWithSecret)) {
    for (const value of values) {
      const record = newRecord({ secret_key: key, [field]: value });
      test(`a 500 is returned, and the log names the field but no value, when ${field} is ${shown(value)}`, async () =>
        assertNamed(field, record));
    }
  }

  const wrongWithPublicKey: Record<string, unknown[]> = {
    public_key_algorithm: [undefined, 'HS256', 'none', 'ES256K', 'XES256', 'es256'],
    public_key_jwk_uri: [
      undefined,
      'http://issuer.example/jwks',
      'file:///etc/passwd',
      'issuer.example',
      `https://user:${key}@issuer.example/jwks`,
    ],
    public_key_jwks: [
      {},
      '{}',
      '-----BEGIN PUBLIC KEY-----',
      { keys: [] },
      { keys: [null, 7] },
      { keys: [{ ...jwk, alg: 'ES384' }] },
      { keys: [{ ...jwk, use: 'enc' }] },
      { keys: [{ ...jwk, key_ops: ['sign'] }] },
      { keys: [{ ...jwk, x: jwk.y, y: jwk.x }] },
      { keys: [privateJwk] },
      { keys: [{ kty: 'oct', k: key }] },
    ],
  };
  for (const [field, values] of Object.entries(wrongWithPublicKey)) {
    for (const value of values) {
      const record = newPublicRecord({ public_key_algorithm: 'ES256', [field]: value });
      test(`a 500 is returned, and the log names the field but no value, when ${field} is ${shown(value)}`, async () =>
        assertNamed(field, record));
    }
  }

  test('a 500 is returned, and the log says that public_key_jwks is not JSON, when its text is cut off', async () => {
    const record = newPublicRecord({ public_key_algorithm: 'ES256', public_key_jwks: '{"keys":[' });
    await assertNamed('public_key_jwks is not', record);
  });

  for (const name of [
    key,
    randomBytes(16).toString('hex'),
    randomBytes(8).toString('hex'),
    'correct horse battery staple',
    'the key of the shop',
    'open_sesame',
    'hunter2',
    'sesame',
    '!?#logout_api_secretkey!?#',
    'name\nof the shop',
    `issuer${'-'.repeat(40)}`,
    '',
    '_',
  ]) {
    const shownName = /^[0-9a-f]+$/.test(name) ? `${name.length} hexadecimal digits` : shown(name);
    test(`a 500 is returned, and the log does not quote the name of a field, when it is ${shownName}`, async () => {
      await assertNamed('one of its names is', { ...newRecord(), [name]: '' });
      const twice = JSON.stringify({ ...newRecord(), [name]: '' }).replace(/}$/, `,${JSON.stringify(name)}:""}`);
      await assertNamed('one of its names stands twice: remove one of', twice);
    });
  }

  for (const name of [
    'allowed-emails',
    'allowed emails',
    'allowed.emails',
    'allowedEmails',
    'ALLOWED_EMAILS',
    'AllowedEmails',
    'allow_emails',
    'allowed_mails',
    'alowed_email',
    'issuer_',
    'Iss.uer',
    'secret-key',
    'secretkey',
    'SecretKey',
    'public_key_jwks_uri',
    'max_token_age_second',
    'nam',
    'cookies',
  ]) {
    test(`a 500 is returned, and the log quotes the name of a field that is like another, when it is ${name}`, async () =>
      assertNamed(`${name} is not a field of a record:`, { ...newRecord(), [name]: '' }));
  }

  const twice: Record<string, (record: Record<string, unknown>) => string> = {
    allowed_emails: (record) => `{"allowed_emails":["a@b.example"],${inner(record)},"allowed_emails":null}`,
    issuer: (record) => `{${inner(record)},"issuer":"another"}`,
    secret_key: (record) => `{${inner(record)},"secret_key":${JSON.stringify(key.slice(1))}}`,
    name: (record) => `{${inner(record)},"n\\u0061me":"another"}`,
    description: (record) => `{"description":"a",${inner(record)},"description":"a"}`,
    'issuer ': (record) => `{${inner(record)},"issuer ":1,"issuer ":2}`,
    audience: (record) => `\ufeff{${inner(record)}, "audience" \n: "b"}`,
  };
  for (const [name, write] of Object.entries(twice)) {
    test(`a 500 is returned, and the log names the field, when ${name} stands twice`, async () =>
      assertNamed(`${name} stands twice: remove one of`, write(newRecord())));
  }

  const keys = (members: string) => `{"keys":[{${members},"x":"${jwk.x}","y":"${jwk.y}"}]}`;
  const twiceInside: [name: string, set: string][] = [
    ['keys', '{"keys":[],"keys":[]}'],
    ['kty', keys('"kty":"EC","crv":"P-256","kty":"EC"')],
    ['crv', keys('"kty":"EC","crv":"P-384","crv":"P-256"')],
    ['x', keys('"kty":"EC","crv":"P-256","x":"AA"')],
    ['kid', keys('"kty":"EC","crv":"P-256","kid":"a","k\\u0069d":"b"')],
    ['x5t#S256', keys('"kty":"EC","crv":"P-256","x5t#S256":"a","x5t#S256":"b"')],
    ['a', keys('"kty":"EC","crv":"P-256","more":[{"b":[{"a":1,"a":1}]}]')],
    ['one of its names', keys(`"kty":"EC","crv":"P-256","${key}":1,"${key}":1`)],
  ];
  for (const [name, set] of twiceInside) {
    const record = newPublicRecord({ public_key_algorithm: 'ES256' });
    test(`a 500 is returned, and the log names the member, when ${name} stands twice in public_key_jwks`, async () => {
      await assertNamed(
        `${name} stands twice in public_key_jwks: remove one of`,
        `{${inner(record)},"public_key_jwks":${set}}`,
      );
      await assertNamed(`${name} stands twice in public_key_jwks: remove one of`, { ...record, public_key_jwks: set });
    });
  }

  test('a name may stand in several objects of a record, and as a value', async () => {
    const ours = { ...jwk, name: 'issuer', kid: 'a', more: [{ kty: 'a' }, { kty: ':' }, '"kty":1,"kty":2'] };
    const record = newPublicRecord({ public_key_algorithm: 'ES256', public_key_jwks: { keys: [ours, jwk, jwk] } });
    await storeRecord({ ...record, description: 'issuer', issuer: 'name' }, secretId);
    pass(RETRY);
    assertAccepted(await send(await signToken(privateKey, newClaims({ iss: 'name' }), { alg: 'ES256', kid: 'a' })));
  });

  test('a 500 is returned, and the log names public_key_jwks, when it holds an RSA key of 1024 bits', async () => {
    const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 1024 });
    const public_key_jwks = { keys: [publicKey.export({ format: 'jwk' })] };
    const record = newPublicRecord({ public_key_algorithm: 'RS256', public_key_jwks });
    await assertNamed('public_key_jwks', record);
  });

  async function assertNamed(field: string, record?: unknown): Promise<void> {
    if (record !== undefined) await storeRecord(record, secretId);
    pass(RETRY);
    const answer = await send(await signToken(key));
    assertFault(answer, 500, 'record_invalid');
    assert.match(String(answer.audit.fault), new RegExp(`^validator record ${secretId}: ${field} [a-z]`));
    for (const value of [key.slice(0, 12), String(jwk.x), 'passwd', 'none', 'HS257', 'ES256K', '12345678901234']) {
      assert.ok(!JSON.stringify([answer.audit, answer.text]).includes(value), value);
    }
  }
});

/** The members of the record as JSON, without the braces. */
function inner(record: Record<string, unknown>): string {
  return JSON.stringify(record).slice(1, -1);
}

/** The value for a test's name, in which the random parts go by names of their own. */
function show(value: unknown, random: Record<string, string | undefined> = {}): string {
  const text = `${JSON.stringify(value)}`.replace('\ufeff', 'BOM ');
  return Object.entries(random).reduce((shown, [name, part = '']) => shown.replaceAll(part, name), text);
}
