// Who else than a caller reports users to `npm start`: an OpenID provider, and with --show others.
import { randomUUID } from 'node:crypto';
import { CreateSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';

const ALG = 'ES256'; // an RSA key is slow to make, and its signature is long to copy
export const ISSUER = 'https://id.example.com';
export const CLIENT_ID = 'web';
export const LOGOUT_EVENT = 'http://schemas.openid.net/event/backchannel-logout';
const SESSION_REVOKED = 'https://schemas.openid.net/secevent/caep/event-type/session-revoked';
const TOKEN_SECONDS = 3600; // a sender's token lives for minutes; this one is copied by hand
const USER = '3';

/** A sender: the parameter that names its record, the status of a request without a token, and a request to copy. */
export type Sender = {
  /** The word after --show; the first sender needs none. */
  shown?: string;
  who: string;
  parameter: string;
  secretId: string;
  path: string;
  unauthenticated: number;
  record: Record<string, unknown>;
  typ: string;
  claims: Record<string, unknown>;
  expires: boolean;
  curl: (url: string, token: string) => string;
};

const subject = { format: 'iss_sub', iss: ISSUER, sub: USER };

export const SENDERS: Sender[] = [
  {
    who: 'an OpenID provider',
    parameter: 'openidProviders',
    secretId: 'auth-logout-user-dev-provider',
    path: 'auth/backchannel_logout',
    unauthenticated: 400,
    record: { name: 'local_provider' },
    typ: 'logout+jwt',
    claims: { sub: USER, events: { [LOGOUT_EVENT]: {} } },
    expires: true,
    curl: (url, token) => `${url} -d 'logout_token=${token}'`,
  },
  {
    shown: 'revocation',
    who: 'Okta',
    parameter: 'revocationIssuers',
    secretId: 'auth-logout-user-dev-issuer',
    path: 'auth/global_token_revocation',
    unauthenticated: 401,
    record: { name: 'local_issuer', client_id: CLIENT_ID },
    typ: 'global-token-revocation+jwt',
    claims: { sub: CLIENT_ID },
    expires: true,
    curl: (url, token) => `${url} -H 'authorization: Bearer ${token}' -d '${JSON.stringify({ sub_id: subject })}'`,
  },
  {
    shown: 'events',
    who: 'a transmitter of security events',
    parameter: 'eventTransmitters',
    secretId: 'auth-logout-user-dev-transmitter',
    path: 'auth/security_events',
    unauthenticated: 400,
    record: { name: 'local_transmitter' },
    typ: 'secevent+jwt',
    claims: { sub_id: subject, events: { [SESSION_REVOKED]: {} } },
    expires: false,
    curl: (url, token) => `${url} -H 'content-type: application/secevent+jwt' -d '${token}'`,
  },
];

/** Stores the sender's record, whose key pair is made now, in memory. Returns its token about user 3. */
export async function seedSender({ record, typ, claims, expires }: Sender, Name: string): Promise<string> {
  const { publicKey, privateKey } = await generateKeyPair(ALG);
  const trusted = {
    signature_type: 'public_key',
    public_key_algorithm: ALG,
    public_key_jwks: { keys: [await exportJWK(publicKey)] },
    audience: CLIENT_ID,
    issuer: ISSUER,
    max_token_age_seconds: TOKEN_SECONDS,
  };
  const SecretString = JSON.stringify({ ...record, ...trusted });
  await new SecretsManagerClient().send(new CreateSecretCommand({ Name, SecretString }));
  const token = new SignJWT(claims)
    .setProtectedHeader({ alg: ALG, typ })
    .setIssuer(ISSUER)
    .setAudience(CLIENT_ID)
    .setJti(randomUUID())
    .setIssuedAt();
  if (expires) token.setExpirationTime(`${TOKEN_SECONDS} s`);
  return token.sign(privateKey);
}
