// Keys, the validator records that hold them, and tokens: of callers, and of OpenID providers.
import { createHmac, generateKeyPairSync, type KeyObject, randomBytes, randomUUID } from 'node:crypto';
import { CreateSecretCommand, PutSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { base64url, type JWK, SignJWT } from 'jose';
import { CLIENT_ID, ISSUER, LOGOUT_EVENT } from '../local/senders.ts';

type Members = Record<string, unknown>;
export type KeyPair = { jwk: JWK; publicKey: KeyObject; privateKey: KeyObject };

const CURVES = new Map([
  ['ES256', 'P-256'],
  ['ES384', 'P-384'],
  ['ES512', 'P-521'],
]);
const pairs = new Map<string, KeyPair>();

/** The key pair of that name for the algorithm, made when first asked for. RSA is slow: its algorithms share a pair. */
export function keyPair(alg: string, name = 'ours'): KeyPair {
  const id = `${/^[RP]S/.test(alg) ? 'RSA' : alg} ${name}`;
  const pair = pairs.get(id) ?? newKeyPair(alg, name);
  pairs.set(id, pair);
  return pair;
}

function newKeyPair(alg: string, kid: string): KeyPair {
  const namedCurve = CURVES.get(alg);
  const { publicKey, privateKey } =
    alg === 'EdDSA'
      ? generateKeyPairSync('ed25519')
      : namedCurve
        ? generateKeyPairSync('ec', { namedCurve })
        : generateKeyPairSync('rsa', { modulusLength: 2048 });
  return { jwk: { kid, ...publicKey.export({ format: 'jwk' }) }, publicKey, privateKey };
}

/** A validator record with a new key of 64 bytes; the members given replace or, when undefined, leave out its own. */
export function newRecord(members: Members = {}): Members & { secret_key: string } {
  return {
    name: 'test_validator',
    signature_type: 'secret',
    secret_algorithm: 'HS256',
    secret_key: randomBytes(48).toString('base64url'),
    audience: 'auth_logout_user_jwt',
    issuer: 'theissuer',
    ...members,
  };
}

/** A validator record that trusts public keys, and has no key to share. */
export function newPublicRecord(members: Members): Members {
  return newRecord({ signature_type: 'public_key', secret_algorithm: undefined, secret_key: undefined, ...members });
}

/** Stores the record as the AWSCURRENT version of a secret, a new one unless it is named; returns the secret's id. */
export async function storeRecord(record: unknown, secretId?: string): Promise<string> {
  const SecretString = typeof record === 'string' ? record : JSON.stringify(record);
  const secrets = new SecretsManagerClient();
  if (secretId !== undefined) {
    await secrets.send(new PutSecretValueCommand({ SecretId: secretId, SecretString }));
    return secretId;
  }
  const Name = `validator-${randomUUID()}`;
  await secrets.send(new CreateSecretCommand({ Name, SecretString }));
  return Name;
}

/** Claims that the default record accepts; members given as undefined are left out. */
export function newClaims(claims: Members = {}): Members {
  const exp = Math.floor(Date.now() / 1000) + 60;
  return { aud: 'auth_logout_user_jwt', iss: 'theissuer', email: 'admin', exp, ...claims };
}

/** A token signed with the key of a record, or with any other key. */
export function signToken(
  key: string | KeyObject,
  claims = newClaims(),
  header: { alg: string } & Members = { alg: 'HS256' },
): Promise<string> {
  const secret = typeof key === 'string' ? new TextEncoder().encode(key) : key;
  return new SignJWT(claims).setProtectedHeader(header).sign(secret);
}

/** A token that the record accepts. */
export function tokenOf({ secret_key }: { secret_key: string }): Promise<string> {
  return signToken(secret_key);
}

/** A token signed with a key that no record has. */
export function junkToken(): Promise<string> {
  return tokenOf(newRecord());
}

/** A token of exactly this header and payload, with their HS256 signature. */
export function signText(key: string, header: string | Uint8Array, payload: string): string {
  return signParts(key, base64url.encode(header), base64url.encode(payload));
}

/** A token of exactly these two encoded parts, with their HS256 signature. */
export function signParts(key: string, header: string, payload: string): string {
  const input = `${header}.${payload}`;
  return `${input}.${createHmac('sha256', key).update(input).digest('base64url')}`;
}

/** An OpenID provider: the validator record that trusts its keys, and a private one of them. */
export type Provider = { record: Members; alg: string; privateKey: KeyObject };

/** A provider whose key set is inline in its record; the members given replace the record's own. */
export function newProvider(members: Members = {}, alg = 'RS256'): Provider {
  const { jwk, privateKey } = keyPair(alg, 'provider');
  const record = {
    name: 'test_provider',
    signature_type: 'public_key',
    public_key_algorithm: alg,
    public_key_jwks: { keys: [jwk] },
    audience: CLIENT_ID,
    issuer: ISSUER,
    ...members,
  };
  return { record, alg, privateKey };
}

/** Claims of a logout token that such a record accepts; members given as undefined are left out. */
export function newLogoutClaims(sub: string, claims: Members = {}): Members {
  const iat = Math.floor(Date.now() / 1000);
  const events = { [LOGOUT_EVENT]: {} };
  return { iss: ISSUER, aud: CLIENT_ID, iat, exp: iat + 120, jti: randomUUID(), sub, events, ...claims };
}

/** A logout token as most providers write it. */
export function signLogoutToken({ alg, privateKey }: Provider, claims: Members, header: Members = {}): Promise<string> {
  return signToken(privateKey, claims, { alg, kid: 'provider', typ: 'logout+jwt', ...header });
}
