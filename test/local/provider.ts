import { randomUUID } from 'node:crypto';
import { CreateSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';

const ALG = 'ES256'; // an RSA key is slow to make, and its signature is long to copy
export const ISSUER = 'https://id.example.com';
export const CLIENT_ID = 'web';
export const LOGOUT_EVENT = 'http://schemas.openid.net/event/backchannel-logout';
const TOKEN_SECONDS = 3600; // a provider's token lives for minutes; this one is copied by hand

/** The record that `npm start` names as `openidProviders`. */
export const PROVIDER_SECRET_ID = 'auth-logout-user-dev-provider';

/** Stores the record of an OpenID provider whose key pair is made now, in memory. Returns a function that signs its logout tokens. */
export async function seedProvider(Name: string): Promise<(sub: string) => Promise<string>> {
  const { publicKey, privateKey } = await generateKeyPair(ALG);
  const record = {
    name: 'local_provider',
    signature_type: 'public_key',
    public_key_algorithm: ALG,
    public_key_jwks: { keys: [await exportJWK(publicKey)] },
    audience: CLIENT_ID,
    issuer: ISSUER,
    max_token_age_seconds: TOKEN_SECONDS,
  };
  const SecretString = JSON.stringify(record);
  await new SecretsManagerClient().send(new CreateSecretCommand({ Name, SecretString }));
  return (sub) =>
    new SignJWT({ sub, events: { [LOGOUT_EVENT]: {} } })
      .setProtectedHeader({ alg: ALG, typ: 'logout+jwt' })
      .setIssuer(ISSUER)
      .setAudience(CLIENT_ID)
      .setJti(randomUUID())
      .setIssuedAt()
      .setExpirationTime(`${TOKEN_SECONDS} s`)
      .sign(privateKey);
}
