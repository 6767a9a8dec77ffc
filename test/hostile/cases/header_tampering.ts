import { base64url } from 'jose';
import { newClaims, signParts, signToken } from '../../setup/tokens.ts';
import { accepted, refused } from '../case.ts';
import { foreign } from '../keys.ts';
import { header, mac, rawHeader, SECRET, unsigned } from '../token.ts';

const HS256 = { alg: 'HS256', typ: 'JWT' };
const UNENCODED = { ...HS256, b64: false, crit: ['b64'] };
const noKey = mac('');
const attacker = mac('attacker');

const { rsa, ec } = foreign;

/** A header that chooses the algorithm, brings or names a key, or asks for extensions. */
export const headerTampering = [
  refused(401, 'alg-none-spelling-1', 'alg None, no signature (CVE-2015-9235, CVE-2022-23540).', {
    token: () => header({ alg: 'None', typ: 'JWT' }, unsigned),
  }),
  refused(401, 'alg-none-spelling-3', 'alg nOnE, no signature (CVE-2015-9235, CVE-2022-23540).', {
    token: () => header({ alg: 'nOnE', typ: 'JWT' }, unsigned),
  }),
  refused(401, 'alg-none-with-valid-mac', 'alg none, and a valid HS256 MAC.', { token: () => header({ alg: 'none' }) }),
  refused(401, 'alg-missing', 'No alg at all.', { token: () => header({ typ: 'JWT' }) }),
  refused(401, 'alg-null', 'alg is null.', { token: () => header({ ...HS256, alg: null }) }),
  refused(401, 'alg-array', 'alg is an array that holds HS256.', { token: () => header({ ...HS256, alg: ['HS256'] }) }),
  refused(401, 'alg-object', 'alg is an object.', { token: () => header({ ...HS256, alg: { name: 'HS256' } }) }),
  refused(401, 'alg-number', 'alg is a number.', { token: () => header({ ...HS256, alg: 256 }) }),
  refused(401, 'alg-lowercase', 'alg hs256: names are case-sensitive (RFC 7515 §4.1.1).', {
    token: () => header({ ...HS256, alg: 'hs256' }),
  }),
  refused(401, 'alg-with-newline', 'alg HS256 and a line feed.', { token: () => header({ ...HS256, alg: 'HS256\n' }) }),
  refused(401, 'alg-constructor-name', 'alg constructor.', { token: () => header({ ...HS256, alg: 'constructor' }) }),
  refused(401, 'alg-escaped-duplicate', 'A second alg, spelled with a Unicode escape.', {
    token: () => rawHeader('{"alg":"none","\\u0061lg":"HS256"}'),
  }),

  refused(401, 'crit-unknown', 'crit lists an unknown extension (RFC 7515 §4.1.11, CVE-2025-59420).', {
    token: () => header({ ...HS256, crit: ['urn:example:policy'], 'urn:example:policy': 1 }),
  }),
  refused(401, 'crit-not-array', 'crit is a string.', { token: () => header({ ...HS256, crit: 'b64' }) }),
  refused(401, 'crit-null-entry', 'crit holds null.', { token: () => header({ ...HS256, crit: [null] }) }),
  refused(401, 'crit-empty', 'crit is empty.', { token: () => header({ ...HS256, crit: [] }) }),
  refused(401, 'crit-null', 'crit is null.', { token: () => header({ ...HS256, crit: null }) }),
  refused(401, 'b64-false-unencoded', 'Unencoded payload, correctly signed: not allowed in a JWT (RFC 7797 §7).', {
    token: () => signParts(SECRET, base64url.encode(JSON.stringify(UNENCODED)), JSON.stringify(newClaims())),
    gateway: [400],
  }),
  refused(401, 'b64-false-encoded', 'b64 false, but the payload is encoded.', { token: () => header(UNENCODED) }),
  refused(401, 'b64-true', 'b64 true, though it changes nothing.', { token: () => header({ ...HS256, b64: true }) }),
  accepted('zip-def-on-jws', 'zip DEF means nothing on a JWS.', { token: () => header({ ...HS256, zip: 'DEF' }) }),
  refused(401, 'typ-number', 'typ is a number.', { token: () => header({ ...HS256, typ: 1 }) }),
  refused(401, 'typ-object', 'typ is an object.', { token: () => header({ ...HS256, typ: {} }) }),
  refused(401, 'typ-null', 'typ is null.', { token: () => header({ ...HS256, typ: null }) }),
  refused(401, 'typ-twice', 'typ twice.', { token: () => rawHeader('{"alg":"HS256","typ":"JWT","typ":"JWT"}') }),
  accepted('typ-lowercase-jwt', 'typ jwt: media types ignore case.', { token: () => header({ ...HS256, typ: 'jwt' }) }),
  accepted('cty-jwt', 'cty JWT on a token that is not nested.', { token: () => header({ ...HS256, cty: 'JWT' }) }),

  accepted('kid-harmless', 'An unknown kid and the right secret: with one key it decides nothing.', {
    token: () => header({ ...HS256, kid: '2026-11' }),
  }),
  refused(401, 'kid-number', 'kid is a number.', { token: () => header({ ...HS256, kid: 1 }) }),
  refused(401, 'kid-injection-path-traversal', 'kid is a path, in the hope of an empty key.', {
    token: () => header({ ...HS256, kid: '../../../../../../dev/null' }, noKey),
  }),
  refused(401, 'kid-injection-sql', 'kid is SQL, in the hope of an empty key.', {
    token: () => header({ ...HS256, kid: "x' UNION SELECT 'attacker' -- " }, noKey),
  }),
  refused(401, 'kid-injection-command', 'kid is a shell command, in the hope of an empty key.', {
    token: () => header({ ...HS256, kid: 'k|/usr/bin/id' }, noKey),
  }),
  refused(401, 'kid-injection-arn', 'kid is the ARN of another secret, in the hope of an empty key.', {
    token: () => header({ ...HS256, kid: 'arn:aws:secretsmanager:us-east-1:000000000000:secret:other' }, noKey),
  }),
  refused(401, 'kid-sql-known-secret', 'kid is SQL that would return the key "attacker", and the MAC uses it.', {
    token: () => header({ ...HS256, kid: "none' UNION SELECT 'attacker" }, attacker),
  }),

  refused(401, 'jwk-embedded-oct', 'The header holds a shared key, and the MAC uses it (CVE-2018-0114).', {
    token: () => header({ ...HS256, jwk: { kty: 'oct', k: base64url.encode('attacker') } }, attacker),
  }),
  refused(401, 'jwk-embedded-rsa', 'The header holds an RSA key, and the signature uses it (CVE-2018-0114).', {
    token: () => signToken(rsa.privateKey, newClaims(), { alg: 'RS256', typ: 'JWT', jwk: rsa.jwk }),
  }),
  refused(401, 'jwk-embedded-ec', 'The header holds a P-256 key, and the signature uses it (CVE-2018-0114).', {
    token: () => signToken(ec.privateKey, newClaims(), { alg: 'ES256', jwk: ec.jwk }),
  }),
  refused(401, 'jku-loopback', 'jku is a loopback address: it must not be fetched (RFC 8725 §3.10).', {
    token: () =>
      signToken(rsa.privateKey, newClaims(), { alg: 'RS256', jku: 'http://127.0.0.1:9/jwks.json', kid: 'a' }),
  }),
  refused(401, 'header-utf8-bom', 'The header begins with a byte order mark.', {
    token: () => rawHeader(`\ufeff${JSON.stringify(HS256)}`),
  }),
  refused(401, 'header-utf16', 'The header is UTF-16.', {
    token: () => rawHeader(Buffer.from(JSON.stringify(HS256), 'utf16le')),
  }),
];
