// The records of issuers of revocations and of transmitters of events: what only they hold.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { assertDone, assertFault } from '../setup/answers.ts';
import { account, newOrganisation, revocationToken, revoke, startOrganisations } from '../setup/revocation.ts';
import { startAws } from '../setup/route.ts';
import {
  account as atTransmitter,
  newTransmitter,
  pushToken,
  RISC,
  securityEventToken,
  startTransmitters,
} from '../setup/security_event.ts';

type Members = Record<string, unknown>;

await startAws();

/** Sends a revocation of user 7 with these members in the record. */
async function revokeBy(members: Members) {
  const okta = newOrganisation(members);
  const { lambda } = await startOrganisations([okta]);
  return revoke(lambda, await revocationToken(okta), { sub_id: account('7') });
}

/** Pushes an event about user 7 with these members in the record. */
async function pushBy(members: Members) {
  const transmitter = newTransmitter(members);
  const { lambda } = await startTransmitters([transmitter]);
  const events = { [`${RISC}/account-disabled`]: { subject: atTransmitter('7') } };
  return pushToken(lambda, await securityEventToken(transmitter, events));
}

describe('an issuer of revocations', () => {
  const faults: [what: string, members: Members, fault: RegExp][] = [
    ['no client_id', { client_id: undefined }, /: client_id is missing$/],
    ['a blank client_id', { client_id: ' ' }, /: client_id has an entry that is blank or not text$/],
    [
      'an empty list of email_domains',
      { email_domains: [] },
      /: email_domains must name at least one, or be left out$/,
    ],
    ['an address in email_domains', { email_domains: 'a@b.c' }, /: email_domains must be what stands after the @/],
    ['a dot at the end of email_domains', { email_domains: 'b.c.' }, /: email_domains must be what stands after the @/],
    ['no comma in email_domains', { email_domains: 'b.c d.e' }, /: email_domains must be what stands after the @/],
    ['a space at the end of user_id', { user_id: '{sub} ' }, /: user_id begins or ends with whitespace: remove it$/],
    ['a wildcard in email_domains', { email_domains: '*.b.c' }, /: email_domains must be .*, without a wildcard$/],
    ['a number as subject_issuers', { subject_issuers: 7 }, /: subject_issuers must be text or a list of texts$/],
    ['events', { events: 'x' }, /: events is for the record of a transmitter of events only: remove it$/],
    ['allowed_emails', { allowed_emails: 'a@b' }, /: allowed_emails is for the record of a caller only: remove it$/],
    ['a misspelled field', { email_domain: 'b.c' }, /: email_domain is not a field of a record/],
    [
      'user_id beside account_provider',
      { user_id: '{sub}', account_provider: 'okta' },
      /: user_id and account_provider both say who the user is: remove one of them$/,
    ],
  ];
  for (const [what, members, fault] of faults) {
    test(`a record with ${what} is refused, and the audit record names the field`, async () => {
      const answer = await revokeBy(members);
      assertFault(answer, 500, 'record_invalid');
      assert.match(String(answer.audit.fault), fault);
    });
  }
});

test('one record serves several clients of an issuer, which share its keys and our address', async () => {
  for (const client_id of ['0oa1client, 0oa2other', ['0oa2other', '0oa1client']])
    assertDone(await revokeBy({ client_id }), { outcome: 'no_live_session' });
});

describe('a transmitter of events', () => {
  const faults: [what: string, members: Members, fault: RegExp][] = [
    ['client_id', { client_id: 'x' }, /: client_id is for the record of an issuer of revocations only: remove it$/],
    ['an empty list of events', { events: [] }, /: events must name at least one, or be left out$/],
    ['the last part of a name as events', { events: 'session-revoked' }, /: events must have whole names of events/],
    ['no comma in events', { events: 'https://a.b https://c.d' }, /: events must have whole names of events/],
    [
      'events with a blank entry',
      { events: 'https://a.b,,https://c.d' },
      /: events has an entry that is blank or not text$/,
    ],
    ['a number as tenant', { tenant: 7 }, /: tenant must be text or a list of texts$/],
    ['user_id_claim', { user_id_claim: 'sub' }, /: user_id_claim is for the record of a caller only: remove it$/],
  ];
  for (const [what, members, fault] of faults) {
    test(`a record with ${what} is refused, and the audit record names the field`, async () => {
      const answer = await pushBy(members);
      assertFault(answer, 500, 'record_invalid');
      assert.match(String(answer.audit.fault), fault);
    });
  }

  test('a record may have its lists as text, as JSON text and as lists, as consoles write them', async () => {
    const event = `${RISC}/account-disabled`;
    for (const events of [event, `https://a.b, ${event}`, JSON.stringify([event]), [event]])
      assertDone(await pushBy({ events }), { outcome: 'no_live_session' });
    assertDone(await pushBy({ events: ['https://a.b'] }), { outcome: 'event_ignored', fault: event });
  });
});
