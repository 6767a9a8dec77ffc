// Whom a token means: by the `sub` that a provider gives its users, or by an address.
import { ServiceError } from '../errors.ts';
import { isObject } from '../json.ts';
import type { ValidatorRecord } from '../validator/record.ts';

export type Subject = { sub: string } | { email: string };

const MAX_SUB = 2048; // no key can hold more, and no pattern should take its time for it

/**
 * Checks a `sub` before it becomes a user id. Throws USER_ID_NOT_ACCEPTED unless the record's `sub_pattern`, if there is
 * one, matches all of it: else `sub` could begin like the ids of another provider's users.
 */
export function checkSub(sub: string, { subPattern }: ValidatorRecord): void {
  const isAccepted = sub.length <= MAX_SUB && (!subPattern || subPattern.test(sub));
  if (!isAccepted) throw new ServiceError('USER_ID_NOT_ACCEPTED', 'sub');
}

/**
 * Reads a subject identifier (RFC 9493 §3): `iss_sub` by an issuer of the record, or `email` in one of its domains.
 * Throws INVALID_REQUEST for any other, USER_ID_NOT_ACCEPTED as checkSub does.
 */
export function readSubject(identifier: unknown, record: ValidatorRecord): Subject {
  const { format, iss, sub, email } = isObject(identifier) ? identifier : {};
  if (format === 'iss_sub') {
    if (!isIssuer(iss, record)) throw notTaken('its issuer is neither issuer of the record nor in subject_issuers');
    if (typeof sub !== 'string' || sub === '') throw notTaken('its sub is not text');
    checkSub(sub, record);
    return { sub };
  }
  if (format === 'email') {
    const { emailDomains } = record;
    if (!emailDomains) throw notTaken('it is an address, and the record has no email_domains');
    if (typeof email !== 'string' || !isInDomain(email, emailDomains))
      throw notTaken('its address is not in email_domains');
    return { email };
  }
  throw notTaken('its format is neither iss_sub nor email');
}

function notTaken(why: string): ServiceError {
  return new ServiceError('INVALID_REQUEST', 'subject', `the subject is not taken: ${why}`);
}

function isIssuer(iss: unknown, { issuer, subjectIssuers }: ValidatorRecord): boolean {
  return [issuer, ...subjectIssuers].some((known) => known === iss);
}

function isInDomain(email: string, emailDomains: string[]): boolean {
  const [local, domain = '', ...more] = email.split('@');
  // Both ways: the lower case of U+212A is k, which is another letter.
  const isKnown = emailDomains.some(
    (known) => domain.toLowerCase() === known && domain.toUpperCase() === known.toUpperCase(),
  );
  return local !== '' && more.length === 0 && isKnown;
}
