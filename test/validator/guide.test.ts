// The records in docs/, each exactly as it is printed there.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { readRecord } from '../../lib/validator/record.ts';
import {
  CALLER,
  EVENT_TRANSMITTER,
  OPENID_PROVIDER,
  REVOCATION_ISSUER,
  type RecordKind,
} from '../../lib/validator/record_kind.ts';

const KEY = 'k'.repeat(32);
const REPORTING = 'docs/openid-providers.md';

/** The records under these headings of the second level; under all of them if none is named. */
function recordsIn(page: string, headings: string[] = []): string[] {
  const sections = readFileSync(page, 'utf8')
    .split(/^## /m)
    .filter((section) => headings.length === 0 || headings.includes(section.split('\n')[0] ?? ''));
  assert.ok(headings.length === 0 || sections.length === headings.length);
  return sections.flatMap((section) => [...section.matchAll(/```json\n(.*?)```/gs)].map(([, json = '']) => json));
}

const RECORDS: [whose: string, records: string[], kind: RecordKind][] = [
  ['callers', recordsIn('docs/validator-records.md'), CALLER],
  [
    'OpenID providers',
    recordsIn(REPORTING, ['OpenID providers', 'User ids', 'Users with ids of their own']),
    OPENID_PROVIDER,
  ],
  ['issuers of revocations', recordsIn(REPORTING, ['Okta', 'By email']), REVOCATION_ISSUER],
  ['transmitters of events', recordsIn(REPORTING, ['Google', 'Other transmitters']), EVENT_TRANSMITTER],
];

for (const [whose, records, kind] of RECORDS) {
  test(`every record in docs/ of ${whose} is accepted by the function`, async () => {
    assert.ok(records.length >= 2);
    for (const json of records) await readRecord('docs', json.replace('"…"', JSON.stringify(KEY)), kind);
  });
}

test('every record of the page for those who report users is tested', () => {
  const tested = RECORDS.flatMap(([, records]) => records);
  assert.deepEqual(
    recordsIn(REPORTING).filter((json) => !tested.includes(json)),
    [],
  );
});
