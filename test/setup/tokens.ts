import { randomBytes, randomUUID, type webcrypto } from 'node:crypto';
import {
  CreateSecretCommand,
  PutSecretValueCommand,
  ResourceExistsException,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { base64url, SignJWT } from 'jose';

/** A validator record with a new key of 64 bytes; the members given replace or, when undefined, leave out its own. */
export function newRecord(members: Record<string, unknown> = {}): Record<string, unknown> & { secret_key: string } {
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

/** Stores the record as the AWSCURRENT version of a secret, a new one unless it is named; returns the secret's id. */
export async function storeRecord(record: unknown, secretId = `validator-${randomUUID()}`): Promise<string> {
  const secrets = new SecretsManagerClient();
  const SecretString = typeof record === 'string' ? record : JSON.stringify(record);
  try {
    await secrets.send(new CreateSecretCommand({ Name: secretId, SecretString }));
  } catch (error) {
    if (!(error instanceof ResourceExistsException)) throw error;
    await secrets.send(new PutSecretValueCommand({ SecretId: secretId, SecretString }));
  }
  return secretId;
}

/** Claims that the default record accepts; members given as undefined are left out. */
export function newClaims(claims: Record<string, unknown> = {}): Record<string, unknown> {
  const exp = Math.floor(Date.now() / 1000) + 60;
  return { aud: 'auth_logout_user_jwt', iss: 'theissuer', email: 'admin', exp, ...claims };
}

/** A token signed with the key of a record, or with any other key. */
export function signToken(
  key: string | webcrypto.CryptoKey,
  claims: Record<string, unknown> = newClaims(),
  header: { alg: string } & Record<string, unknown> = { alg: 'HS256' },
): Promise<string> {
  const secret = typeof key === 'string' ? new TextEncoder().encode(key) : key;
  return new SignJWT(claims).setProtectedHeader(header).sign(secret);
}

/** A token whose header and payload are given as text, with the signature that HS256 gives them. */
export async function signText(key: string, header: string, payload: string): Promise<string> {
  const input = `${base64url.encode(header)}.${base64url.encode(payload)}`;
  const hmac = { name: 'HMAC', hash: 'SHA-256' };
  const cryptoKey = await crypto.subtle.importKey('raw', new TextEncoder().encode(key), hmac, false, ['sign']);
  const signature = await crypto.subtle.sign('HMAC', cryptoKey, new TextEncoder().encode(input));
  return `${input}.${base64url.encode(new Uint8Array(signature))}`;
}
