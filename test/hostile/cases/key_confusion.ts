import { createHash } from 'node:crypto';
import { base64url } from 'jose';
import { newClaims, signToken } from '../../setup/tokens.ts';
import { accepted, refused } from '../case.ts';
import { foreign, trusted } from '../keys.ts';
import { asSignature, claims, header, jwe, mac, SECRET, unsigned } from '../token.ts';

const { rsa, ec, ed } = trusted;
const rsaPem = rsa.publicKey.export({ type: 'spki', format: 'pem' });
const bytes = (text = '') => base64url.decode(text);

/** The order of P-256's group: r and s of a signature are below it. */
const ORDER = 'ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551';

/** Tokens signed with a key that is not the record's, or not in the way that the record says. */
export const keyConfusion = [
  refused(401, 'hmac-weak-secret', 'The guessable key "secret".', { token: () => claims({}, mac('secret')) }),
  refused(401, 'hmac-weak-changeme', 'The guessable key "changeme".', { token: () => claims({}, mac('changeme')) }),
  refused(401, 'hmac-weak-null', 'The key "null".', { token: () => claims({}, mac('null')) }),
  refused(401, 'hmac-weak-_object_Object_', 'The key "[object Object]".', {
    token: () => claims({}, mac('[object Object]')),
  }),
  refused(401, 'hmac-weak-AWSCURRENT', 'The key "AWSCURRENT".', { token: () => claims({}, mac('AWSCURRENT')) }),
  refused(401, 'hmac-32-zero-bytes', '32 zero bytes, which are the same as the empty key for HMAC.', {
    token: () => claims({}, mac(Buffer.alloc(32))),
  }),
  refused(401, 'secret-base64-decoded', 'The secret decoded as base64.', {
    token: () => claims({}, mac(Buffer.from(SECRET, 'base64'))),
  }),
  refused(401, 'secret-trailing-newline', 'The secret and a line feed, as read from a file.', {
    token: () => claims({}, mac(`${SECRET}\n`)),
  }),
  refused(401, 'secret-quoted', 'The secret in double quotes.', { token: () => claims({}, mac(`"${SECRET}"`)) }),
  refused(401, 'secret-upper', 'The secret in capitals.', { token: () => claims({}, mac(SECRET.toUpperCase())) }),
  refused(401, 'secret-prefix', 'Eight bytes of the secret.', { token: () => claims({}, mac(SECRET.slice(0, 8))) }),
  refused(401, 'secret-sha256', 'SHA-256 of the secret.', {
    token: () => claims({}, mac(createHash('sha256').update(SECRET).digest())),
  }),
  refused(401, 'hmacsize-384-same-secret', 'HS384 with the right secret: not what the record says.', {
    token: () => header({ alg: 'HS384', typ: 'JWT' }, mac(SECRET, 'sha384')),
  }),
  refused(401, 'hmacsize-header-256-mac-512', 'alg HS256, but HMAC-SHA-512.', {
    token: () => claims({}, mac(SECRET, 'sha512')),
  }),
  refused(401, 'hmacsize-header-256-mac-sha1', 'alg HS256, but HMAC-SHA-1.', {
    token: () => claims({}, mac(SECRET, 'sha1')),
  }),

  // HMAC keyed with a public key that the server trusts: CVE-2015-9235, CVE-2022-29217, CVE-2024-54150.
  refused(401, 'confusion-rsa-spkiPem', 'Keyed with the RSA key as SPKI PEM.', {
    token: () => claims({}, mac(rsaPem)),
  }),
  refused(401, 'confusion-rsa-pkcs1Pem', 'Keyed with the RSA key as PKCS #1 PEM.', {
    token: () => claims({}, mac(rsa.publicKey.export({ type: 'pkcs1', format: 'pem' }))),
  }),
  refused(401, 'confusion-rsa-spkiDer', 'Keyed with the RSA key as SPKI DER.', {
    token: () => claims({}, mac(rsa.publicKey.export({ type: 'spki', format: 'der' }))),
  }),
  refused(401, 'confusion-ec-jwkJson', 'Keyed with the P-256 key as a JWK (CVE-2024-33663).', {
    token: () => claims({}, mac(JSON.stringify(ec.jwk))),
  }),
  refused(401, 'confusion-ec-rawPoint', 'Keyed with the P-256 key as an uncompressed point (CVE-2024-33663).', {
    token: () => claims({}, mac(Buffer.concat([Buffer.of(4), bytes(ec.jwk.x), bytes(ec.jwk.y)]))),
  }),
  refused(401, 'confusion-ed25519-raw', 'Keyed with the 32 bytes of the Ed25519 key.', {
    token: () => claims({}, mac(bytes(ed.jwk.x))),
  }),
  refused(
    401,
    'confusion-rsa-spacePem',
    'Keyed with the PEM after a space: key types must not be sniffed (CVE-2026-34950).',
    {
      token: () => claims({}, mac(` ${rsaPem}`)),
    },
  ),
  refused(401, 'confusion-rsa-newlinePem', 'Keyed with the PEM after a line feed (CVE-2026-34950, CVE-2026-48526).', {
    token: () => claims({}, mac(`\n${rsaPem}`)),
  }),
  refused(401, 'confusion-rsa-jwksJson', 'Keyed with the RSA key as a JWK set (CVE-2026-48526).', {
    token: () => claims({}, mac(JSON.stringify({ keys: [rsa.jwk] }))),
  }),

  refused(401, 'foreign-RS384', 'RS384, signed with an untrusted key.', {
    token: () => signToken(foreign.rsa.privateKey, newClaims(), { alg: 'RS384', typ: 'JWT', kid: 'unknown-1' }),
  }),
  refused(401, 'foreign-PS256', 'PS256, signed with an untrusted key.', {
    token: () => signToken(foreign.rsa.privateKey, newClaims(), { alg: 'PS256', typ: 'JWT', kid: 'unknown-1' }),
  }),
  refused(401, 'foreign-ES256', 'ES256, signed with an untrusted key.', {
    token: () => signToken(foreign.ec.privateKey, newClaims(), { alg: 'ES256', typ: 'JWT', kid: 'unknown-1' }),
  }),
  refused(401, 'foreign-with-known-kid-RS256', 'Signed with an untrusted key, under the kid of a trusted one.', {
    token: () => signToken(foreign.rsa.privateKey, newClaims(), { alg: 'RS256', kid: 'rsa-1' }),
  }),
  refused(401, 'foreign-with-known-kid-EdDSA', 'Signed with an untrusted key, under the kid of a trusted one.', {
    token: () => signToken(foreign.ed.privateKey, newClaims(), { alg: 'EdDSA', kid: 'ed-1' }),
  }),
  refused(401, 'es256-zero-rs', 'ES256 with r and s zero (CVE-2022-21449).', {
    token: () => header({ alg: 'ES256', kid: 'ec-1' }, asSignature('00'.repeat(64))),
  }),
  refused(401, 'es256-r-eq-n', 'ES256 with r and s equal to the order of the group.', {
    token: () => header({ alg: 'ES256', kid: 'ec-1' }, asSignature(ORDER.repeat(2))),
  }),
  refused(401, 'eddsa-small-order', 'Ed25519 with a point of small order.', {
    token: () => header({ alg: 'EdDSA', kid: 'ed-1' }, asSignature(`01${'00'.repeat(63)}`)),
  }),
  refused(401, 'rs256-key-used-as-ps256', 'PS256, signed with a key whose record says RS256.', {
    token: () => signToken(rsa.privateKey, newClaims(), { alg: 'PS256', kid: 'rsa-1' }),
  }),
  refused(401, 'kid-of-other-type', 'ES256, signed with the trusted key, under the kid of the RSA key.', {
    token: () => signToken(ec.privateKey, newClaims(), { alg: 'ES256', kid: 'rsa-1' }),
  }),

  // An unknown algorithm, and no signature: CVE-2026-23993.
  refused(401, 'unknown-alg-HS257', 'alg HS257.', { token: () => header({ alg: 'HS257', typ: 'JWT' }, unsigned) }),
  refused(401, 'unknown-alg-RS256x', 'alg RS256x.', { token: () => header({ alg: 'RS256x', typ: 'JWT' }, unsigned) }),
  refused(401, 'unknown-alg-ES256K', 'alg ES256K.', { token: () => header({ alg: 'ES256K', typ: 'JWT' }, unsigned) }),
  refused(401, 'jwe-wrapping-unsigned-jwt', 'An unsigned token, encrypted to the public key (CVE-2026-29000).', {
    token: () =>
      jwe(header({ alg: 'none' }, unsigned), { alg: 'RSA-OAEP-256', cty: 'JWT', kid: 'rsa-1' }, rsa.publicKey),
  }),
  refused(401, 'jwe-wrapping-claims', 'The claims, encrypted under the shared secret (CVE-2023-51774).', {
    token: () => jwe(JSON.stringify(newClaims()), { cty: 'JWT' }),
  }),
];

/** Only where no public key is trusted. */
export const sharedSecretOnly = [
  refused(401, 'jwks-alg-when-hs256-only', 'RS256, signed with a key that only another server trusts.', {
    token: () => signToken(rsa.privateKey, newClaims(), { alg: 'RS256', typ: 'JWT', kid: 'rsa-1' }),
  }),
];

/** Only where the public keys are trusted. */
export const publicKeysKnown = [
  accepted('jwks-valid-RS256', 'RS256, signed with the trusted key.', {
    token: () => signToken(rsa.privateKey, newClaims(), { alg: 'RS256', typ: 'JWT', kid: 'rsa-1' }),
  }),
  accepted('jwks-valid-ES256', 'ES256, signed with the trusted key.', {
    token: () => signToken(ec.privateKey, newClaims(), { alg: 'ES256', typ: 'JWT', kid: 'ec-1' }),
  }),
  accepted('jwks-valid-EdDSA', 'EdDSA, signed with the trusted key.', {
    token: () => signToken(ed.privateKey, newClaims(), { alg: 'EdDSA', typ: 'JWT', kid: 'ed-1' }),
  }),
];
