// The records in docs/, each exactly as it is printed there.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { CALLER, OPENID_PROVIDER, readRecord } from '../../lib/validator/record.ts';

const KEY = 'k'.repeat(32);

for (const [page, kind] of [
  ['docs/validator-records.md', CALLER],
  ['docs/openid-providers.md', OPENID_PROVIDER],
] as const) {
  const records = [...readFileSync(page, 'utf8').matchAll(/```json\n(.*?)```/gs)].map(([, json = '']) => json);

  test(`every record in ${page} is accepted by the function`, async () => {
    assert.ok(records.length >= 2);
    for (const json of records) await readRecord(page, json.replace('"…"', JSON.stringify(KEY)), kind);
  });
}
