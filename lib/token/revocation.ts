// What a revocation token must say: Global Token Revocation (draft-parecki-oauth-global-token-revocation-06).
import { ServiceError } from '../errors.ts';
import { invalidToken } from './decode.ts';
import type { Verified } from './verify.ts';

const TYPE = 'global-token-revocation+jwt';

/**
 * Throws UNAUTHENTICATED unless the verified token is one for revocations: the same keys sign the ID tokens of all users.
 * Throws NOT_ALLOWED when it is another application's: any of the organisation can be pointed at our address.
 */
export function checkRevocation({ typ, claims, version: { record } }: Verified): void {
  const { iat, jti, sub } = claims;
  if (typ !== TYPE || Object.hasOwn(claims, 'events')) throw invalidToken('wrong_kind');
  if (Object.hasOwn(claims, 'nonce')) throw invalidToken('nonce');
  if (iat === undefined || !jti) throw invalidToken('claims');
  if (sub === undefined || !record.clientIds.includes(sub)) throw new ServiceError('NOT_ALLOWED', 'client');
}
