// How a token is read: strictly, before any library sees it. Signatures here are valid, unless a test says otherwise.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { assertAccepted, assertRefused } from '../setup/answers.ts';
import { startRecords } from '../setup/records.ts';
import { newClaims, newRecord, signParts, signText } from '../setup/tokens.ts';

const record = newRecord();
const { startWith } = await startRecords();
const send = await startWith(record);
const now = Math.floor(Date.now() / 1000);

const HEADER = '{"alg":"HS256","typ":"JWT"}';
const PAYLOAD = JSON.stringify(newClaims());
const encode = (text: string | Buffer): string => Buffer.from(text).toString('base64url');
const signEncoded = (first: string, second: string) => signParts(record.secret_key, first, second);
const signTexts = (header: string, payload: string) => signText(record.secret_key, header, payload);
const good = signTexts(HEADER, PAYLOAD);
const [first = '', second = '', third = ''] = good.split('.');

/** The part with an unused bit of its last character set: other text for the same bytes. */
function withStrayBits(part: string): string {
  const bytes = Buffer.from(part, 'base64url');
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  const stray = part.slice(0, -1) + alphabet[alphabet.indexOf(part.slice(-1)) + 1];
  assert.deepEqual(Buffer.from(stray, 'base64url'), bytes);
  return stray;
}

describe('the parts of a token', () => {
  test('a token of three parts in canonical base64url is accepted', async () => assertAccepted(await send(good)));

  const payload = PAYLOAD.padEnd(Math.ceil(PAYLOAD.length / 3) * 3 + 1); // of a length that leaves bits unused
  const malformed: Record<string, string> = {
    'no parts at all': '',
    'one part': first,
    'two parts': `${first}.${second}`,
    'four parts': `${good}.`,
    'five parts': `${good}.${second}.${third}`,
    'thousands of parts': '.'.repeat(6000),
    'a padded header': signEncoded(`${encode(`${HEADER} `)}=`, second),
    'a padded payload': signEncoded(first, `${encode(payload)}==`),
    'a padded signature': `${good}=`,
    'a space in the payload': signEncoded(first, `${second.slice(0, 4)} ${second.slice(4)}`),
    'a line feed in the header': signEncoded(`${first.slice(0, 4)}\n${first.slice(4)}`, second),
    'a tab before it': `\t${good}`,
    'a line feed after it': `${good}\n`,
    'a no-break space after it': `${good}\u00a0`,
    'a payload in base64 with + and /': signEncoded(
      first,
      Buffer.from(`{"a":"\u07fe\u07ff",${PAYLOAD.slice(1)}`).toString('base64'),
    ),
    'stray bits in the payload': signEncoded(first, withStrayBits(encode(payload))),
    'stray bits in the signature': `${first}.${second}.${withStrayBits(third)}`,
    'one character too many in the payload': signEncoded(
      first,
      `${encode(PAYLOAD.padEnd(Math.ceil(PAYLOAD.length / 3) * 3))}A`,
    ),
    'fullwidth dots': good.replaceAll('.', '\uff0e'),
    'quotes around it': `"${good}"`,
    'a second token after a comma': `${good},${good}`,
  };
  for (const [name, token] of Object.entries(malformed)) {
    test(`a token with ${name} is refused`, async () => assertRefused(await send(token), 'malformed'));
  }

  test('a token of 8 KiB is accepted, and a larger one is refused', async () => {
    const padded = (size: number) => signTexts(HEADER, `${PAYLOAD.slice(0, -1)},"pad":"${'x'.repeat(size)}"}`);
    let size = 5900;
    while (padded(size + 1).length <= 8192) size++;
    assert.equal(padded(size).length, 8192);
    assertAccepted(await send(padded(size)));
    assertRefused(await send(padded(size + 1)), 'malformed');
  });
});

describe('header', () => {
  const accepted = {
    'without typ': '{"alg":"HS256"}',
    'with typ jwt': '{"alg":"HS256","typ":"jwt"}',
    'with typ at+jwt': '{"alg":"HS256","typ":"at+jwt"}',
    'with an unknown kid': '{"alg":"HS256","kid":"../../dev/null"}',
    'with whitespace': ' {\n"alg" : "HS256" }\t',
  };
  for (const [name, header] of Object.entries(accepted)) {
    test(`a token header ${name} is accepted`, async () => assertAccepted(await send(signTexts(header, PAYLOAD))));
  }

  const malformed = [
    '',
    'alg',
    'null',
    '"HS256"',
    '7',
    '[{"alg":"HS256"}]',
    '{"alg":"HS256"}x',
    '{"alg":"HS256"',
    "{'alg':'HS256'}",
    '\ufeff{"alg":"HS256"}',
    '{"alg":"none","alg":"HS256"}',
    '{"alg":"HS256","\\u0061lg":"HS256"}',
    '{"alg":"HS256","x":{"y":1,"y":1}}',
    '{"alg":"HS256","":1,"":1}',
    '{"alg":"HS256","__proto__":1,"__proto__":2}',
    '{"alg":"HS256","crit":[]}',
    '{"alg":"HS256","crit":["exp"],"exp":1}',
    '{"alg":"HS256","crit":null}',
    '{"alg":"HS256","b64":true}',
    '{"alg":"HS256","b64":false,"crit":["b64"]}',
    '{"alg":"HS256","typ":7}',
    '{"alg":"HS256","typ":null}',
    '{"alg":"HS256","typ":{}}',
    '{"alg":"HS256","kid":7}',
    '{"alg":"HS256","kid":null}',
  ];
  for (const header of malformed) {
    test(`a token header is refused when it is ${JSON.stringify(header).replace('\ufeff', 'BOM ')}`, async () =>
      assertRefused(await send(signTexts(header, PAYLOAD)), 'malformed'));
  }

  test('a token header whose bytes are not UTF-8 is refused', async () => {
    const latin1 = Buffer.from('{"alg":"HS256","x":"ü"}', 'latin1');
    assertRefused(await send(signEncoded(encode(latin1), second)), 'malformed');
    assertRefused(await send(signEncoded(encode(Buffer.from(HEADER, 'utf16le')), second)), 'malformed');
  });

  for (const alg of [undefined, null, '', 'none', 'None', 'hs256', 'HS256 ', 'HS384', 'RS256', ['HS256'], {}, 256]) {
    test(`a token header with alg ${JSON.stringify(alg)} is refused`, async () =>
      assertRefused(await send(signTexts(JSON.stringify({ alg }), PAYLOAD)), 'algorithm'));
  }
});

describe('payload', () => {
  const withMember = (member: string) => signTexts(HEADER, `${PAYLOAD.slice(0, -1)},${member}}`);
  const replaced = (name: string, json: string | undefined) =>
    signTexts(
      HEADER,
      JSON.stringify(newClaims({ [name]: undefined })).replace(/}$/, json ? `,"${name}":${json}}` : '}'),
    );

  for (const member of [
    '"__proto__":{"exp":1}',
    '"a":{"b":1},"c":{"b":1}',
    '"a":":,\\"b\\":"',
    '"a":"\\u0022","b":1',
    '"a":"\\u003a\\\\"',
    '"deep":[[[{"a":[]}]]]',
  ]) {
    test(`a token payload with ${member} is accepted`, async () => assertAccepted(await send(withMember(member))));
  }

  for (const member of [
    '"exp":9',
    '"iss":"theissuer"',
    '"\\u0061ud":"x"',
    '"x":{"a":1,"a":2}',
    '"x":[{"a":1,"a":1}]',
  ]) {
    test(`a token payload that repeats a member is refused: ${member}`, async () =>
      assertRefused(await send(withMember(member)), 'malformed'));
  }

  for (const [what, payload] of Object.entries({
    empty: '',
    null: 'null',
    'an empty list': '[]',
    'a list that holds the claims': `[${PAYLOAD}]`,
    'a string that holds the claims': JSON.stringify(PAYLOAD),
    'a number': '7',
    'followed by a letter': `${PAYLOAD}x`,
    'preceded by a byte order mark': `\ufeff${PAYLOAD}`,
  })) {
    test(`a token is refused when its payload, which must be a JSON object, is ${what}`, async () =>
      assertRefused(await send(signTexts(HEADER, payload)), 'malformed'));
  }

  const wrongTypes: Record<string, (string | undefined)[]> = {
    exp: [undefined, 'null', `"${now + 60}"`, '1e309', '-1e309', 'true', '[]', '{}'],
    nbf: ['null', '"0"', '-1e309', '1e309', 'true', '[]'],
    iat: ['null', '"0"', '1e309', '-1e309', 'false'],
    aud: [undefined, 'null', '7', '{}', '["auth_logout_user_jwt",7]', '[["auth_logout_user_jwt"]]', 'true'],
    iss: [undefined, 'null', '7', '["theissuer"]'],
    sub: ['7', 'null', '{}'],
    jti: ['7', 'null', '[]'],
  };
  for (const [name, values] of Object.entries(wrongTypes)) {
    for (const json of values) {
      const shown = json?.replace(`${now + 60}`, 'now + 60') ?? 'missing';
      test(`a token is refused when its ${name} is ${shown}`, async () =>
        assertRefused(await send(replaced(name, json)), 'claims'));
    }
  }

  test('a token whose exp is written with a fraction or an exponent is accepted', async () => {
    assertAccepted(await send(replaced('exp', `${now + 60}.25`)));
    assertAccepted(await send(replaced('exp', `${(now + 60) / 1000}e3`)));
  });
});
