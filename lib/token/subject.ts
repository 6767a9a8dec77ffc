// Whom a token means: by the `sub` that a provider gives its users, or by an address.
import { ServiceError } from '../errors.ts';
import { isObject } from '../json.ts';
import type { ValidatorRecord } from '../validator/record.ts';

export type Subject = { sub: string } | { email: string };

/**
 * Checks a `sub` before it becomes a user id. Throws USER_ID_NOT_ACCEPTED unless the record's `sub_pattern`, if there is
 * one, matches all of it: else `sub` could begin like the ids of another provider's users.
 */
export function checkSub(sub: string, { subPattern }: ValidatorRecord): void {
  if (subPattern && !subPattern.test(sub)) throw new ServiceError('USER_ID_NOT_ACCEPTED', 'sub');
}

/**
 * Reads a subject identifier (RFC 9493 §3): `iss_sub` by an issuer of the record, or `email` in one of its domains.
 * Throws INVALID_REQUEST for any other, USER_ID_NOT_ACCEPTED as checkSub does.
 */
export function readSubject(identifier: unknown, record: ValidatorRecord): Subject {
  const { format, iss, sub, email } = isObject(identifier) ? identifier : {};
  if (format === 'iss_sub' && isIssuer(iss, record) && typeof sub === 'string' && sub !== '') {
    checkSub(sub, record);
    return { sub };
  }
  if (format === 'email' && typeof email === 'string' && isInDomain(email, record)) return { email };
  throw new ServiceError('INVALID_REQUEST', 'subject');
}

function isIssuer(iss: unknown, { issuer, subjectIssuers }: ValidatorRecord): boolean {
  return [issuer, ...subjectIssuers].some((known) => known === iss);
}

function isInDomain(email: string, { emailDomains = [] }: ValidatorRecord): boolean {
  const [local, domain = '', ...more] = email.split('@');
  return local !== '' && more.length === 0 && emailDomains.includes(domain.toLowerCase());
}
