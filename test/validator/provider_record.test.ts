// The validator record of an OpenID provider: what it holds besides keys, and what only a caller's record may hold.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { assertDone, assertFault, assertRefused } from '../setup/answers.ts';
import { deliver, startProviders } from '../setup/provider.ts';
import { startAws } from '../setup/route.ts';
import { newLogoutClaims, newProvider, signLogoutToken } from '../setup/tokens.ts';

await startAws();

/** Sends a logout token for user 7, with these members in the record and these claims in the token. */
async function deliverBy(members: Record<string, unknown>, claims: Record<string, unknown> = {}) {
  const provider = newProvider(members);
  const { lambda } = await startProviders([provider], { USER_ID_PATTERN: '.+' });
  return deliver(lambda, await signLogoutToken(provider, newLogoutClaims('7', claims)));
}

for (const [userId, expected] of [
  [undefined, '7'],
  [null, '7'],
  ['{sub}', '7'],
  ['keycloak|{sub}', 'keycloak|7'],
  ['{sub}@{sub}', '7@7'],
  ['{sub}{user_id}', '7{user_id}'],
] as const) {
  test(`sub 7 is user ${expected} when a provider’s record has user_id ${JSON.stringify(userId)}`, async () =>
    assertDone(await deliverBy({ user_id: userId }), { user_id: expected }));
}

for (const [sub_pattern, sub, accepted] of [
  ['[0-9]+', '7', true],
  ['[0-9]+', 'keycloak|7', false],
  ['[0-9]+', '7|keycloak', false],
  ['[0-9]+', '7\n', false],
  ['7|8', '78', false],
  ['[^|]+', 'ü', true],
  ['[^|]+', '|', false],
  [null, '|', true],
] as const) {
  test(`sub ${JSON.stringify(sub)} is ${accepted ? '' : 'not '}accepted by sub_pattern ${sub_pattern}`, async () => {
    const answer = await deliverBy({ sub_pattern, user_id: 'a|{sub}' }, { sub });
    if (accepted) return assertDone(answer, { user_id: `a|${sub}` });
    assert.partialDeepStrictEqual(answer, {
      status: 400,
      text: '{"error":"invalid_request","error_description":"The sub of the logout token is not accepted"}',
      audit: { outcome: 'user_id_not_accepted', reason: 'sub', actor: sub.replace('\n', '\\u{a}'), sessions_left: 0 },
    });
  });
}

test('max_token_age_seconds of an OpenID provider is 300 unless its record says otherwise', async () => {
  const exp = Math.floor(Date.now() / 1000) + 600;
  assertRefused(await deliverBy({}, { exp }), 'too_long_lived');
  assertDone(await deliverBy({ max_token_age_seconds: 900 }, { exp }));
});

describe('a wrong record of an OpenID provider', () => {
  const faults: [string, Record<string, unknown>, RegExp][] = [
    ['a user_id without {sub}', { user_id: 'admin' }, /: user_id must contain \{sub\}/],
    ['a user_id with {sub} in capitals', { user_id: '{SUB}' }, /: user_id must contain \{sub\}/],
    ['a user_id that is not text', { user_id: 7 }, /: user_id must be text that is not blank$/],
    ['a blank account_provider', { account_provider: ' ' }, /: account_provider must be text that is not blank$/],
    [
      'user_id beside account_provider',
      { user_id: '{sub}', account_provider: 'keycloak' },
      /: user_id and account_provider both say who the user is: remove one of them$/,
    ],
    [
      'account_provider where the layout has no accounts',
      { account_provider: 'keycloak' },
      /: account_provider needs a layout that has account$/,
    ],
    ['user_id_claim', { user_id_claim: 'sub' }, /: user_id_claim is for the record of a caller only: remove it$/],
    ['allowed_emails', { allowed_emails: ['a@b'] }, /: allowed_emails is for the record of a caller only: remove it$/],
    ['a sub_pattern that is no pattern', { sub_pattern: '(' }, /: sub_pattern must be a regular expression in Unicode/],
    ['a misspelled field', { userid: '{sub}' }, /: userid is not a field of a record/],
  ];
  for (const [what, members, fault] of faults) {
    test(`a provider’s record with ${what} is refused, and the audit record names the field`, async () => {
      const delivery = await deliverBy(members);
      assertFault(delivery, 500, 'record_invalid');
      assert.match(String(delivery.audit.fault), fault);
    });
  }
});
