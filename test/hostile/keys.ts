import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { PUBLISHED_RECORD } from '../local/seed.ts';

type KeyPair = { publicKey: KeyObject; privateKey: KeyObject };

/** Key pairs whose public half a validator record holds. */
export const trusted = newKeyPairs();

/** Key pairs that nobody trusts. */
export const foreign = newKeyPairs();

/** One validator record for each trusted key pair; its `kid` is its name. */
export const publicKeyRecords = [
  publicKeyRecord('rsa-1', 'RS256', trusted.rsa),
  publicKeyRecord('ec-1', 'ES256', trusted.ec),
  publicKeyRecord('ed-1', 'EdDSA', trusted.ed),
];

/** The key of the records that bind a token to one user by this claim. */
export function boundKey(claim: string): string {
  return `${PUBLISHED_RECORD.secret_key} ${claim}`;
}

/** One validator record for each such claim: three that tokens have, and three that every object seems to have. */
export const boundRecords = ['sub', 'uid', 'UID', '__proto__', 'constructor', 'toString'].map((claim) => ({
  ...PUBLISHED_RECORD,
  name: `bound by ${claim}`,
  secret_key: boundKey(claim),
  user_id_claim: claim,
}));

function newKeyPairs() {
  return {
    rsa: generateKeyPairSync('rsa', { modulusLength: 2048 }),
    ec: generateKeyPairSync('ec', { namedCurve: 'P-256' }),
    ed: generateKeyPairSync('ed25519'),
  };
}

function publicKeyRecord(kid: string, alg: string, { publicKey }: KeyPair) {
  const { audience, issuer } = PUBLISHED_RECORD;
  const jwk = { ...publicKey.export({ format: 'jwk' }), kid, alg, use: 'sig' };
  return {
    name: kid,
    signature_type: 'public_key',
    public_key_algorithm: alg,
    public_key_jwks: { keys: [jwk] },
    audience,
    issuer,
  };
}
