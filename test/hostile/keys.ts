import { type KeyPair, keyPair, newPublicRecord, newRecord } from '../setup/tokens.ts';
import { SECRET } from './token.ts';

/** Key pairs whose public half a validator record holds. */
export const trusted = {
  rsa: keyPair('RS256', 'rsa-1'),
  ec: keyPair('ES256', 'ec-1'),
  ed: keyPair('EdDSA', 'ed-1'),
};

/** Key pairs that nobody trusts. */
export const foreign = {
  rsa: keyPair('RS256', 'foreign'),
  ec: keyPair('ES256', 'foreign'),
  ed: keyPair('EdDSA', 'foreign'),
};

/** One validator record for each trusted key pair. */
export const publicKeyRecords = [
  publicKeyRecord('RS256', trusted.rsa),
  publicKeyRecord('ES256', trusted.ec),
  publicKeyRecord('EdDSA', trusted.ed),
];

/** The key of the record that binds a token to one user by this claim. */
export function boundKey(claim: string): string {
  return `${SECRET} bound by ${claim}`;
}

/** One validator record for each such claim: three that tokens have, and three that every object inherits. */
export const boundRecords = ['sub', 'uid', 'UID', '__proto__', 'constructor', 'toString'].map((claim) =>
  newRecord({ secret_key: boundKey(claim), user_id_claim: claim }),
);

function publicKeyRecord(alg: string, { jwk }: KeyPair) {
  return newPublicRecord({ public_key_algorithm: alg, public_key_jwks: { keys: [jwk] } });
}
