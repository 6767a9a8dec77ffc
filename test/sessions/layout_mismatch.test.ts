// A layout that does not fit its table: what the audit record says, in our own words.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KNOWN_LAYOUTS } from '../../lib/sessions/known_layouts.ts';
import type { Layout } from '../../lib/sessions/layout.ts';
import { answer } from '../faults/faults.ts';
import { startLogout, startProxiedAws } from '../setup/route.ts';
import { createTable, putItems } from '../setup/tables.ts';

const { dynamodb } = await startProxiedAws();
const BY_INDEX = KNOWN_LAYOUTS['connect-dynamodb'] ?? assert.fail();
const SORTED: Layout = { ...BY_INDEX, tableKey: ['id', 'secretSort'] };
const BY_KEY = KNOWN_LAYOUTS.default ?? assert.fail();
const table = await createTable('connect-dynamodb');
const ofNumbers = await createTable({ ...BY_INDEX, userKey: { ...BY_INDEX.userKey, type: 'N' } });
await putItems(table, [{ id: { S: 'sess:1' }, userId: { S: '7' } }]);

const refused = (message: string) =>
  answer(400, JSON.stringify({ __type: 'com.amazon.coral.validate#ValidationException', message }));

const NO_INDEX = 'ValidationException 400: the table has no index of that name';
const FILLING = 'ValidationException 400: the index is still being filled';
const OTHER_KEY = 'ValidationException 400: a key of the table or index is not the one in the layout';
const OTHER_TABLE_KEY = 'ValidationException 400: a key of the table is not the one in tableKey, or of another type';
const OTHER_TYPE = 'ValidationException 400: a key of the table or index is of another type than in the layout';

for (const [what, layout, fault, where] of [
  ['an index that is missing', { ...BY_INDEX, index: 'secret-index' }, NO_INDEX, table],
  [
    'another attribute in the index',
    { ...BY_INDEX, userKey: { ...BY_INDEX.userKey, name: 'secretOwner' } },
    OTHER_KEY,
    table,
  ],
  ['another partition key of the table', BY_KEY, OTHER_KEY, table],
  ['another key of the table beside its index', SORTED, OTHER_TABLE_KEY, table],
  ['a user key of another type', BY_INDEX, OTHER_TYPE, ofNumbers],
] as const) {
  test(`a layout with ${what} is a 500, and fault says so`, async () => {
    const { status, audit } = await (await startLogout(where, layout))('7');
    assert.deepEqual([status, audit.reason, audit.fault], [500, 'aws_refused', fault]);
    assert.doesNotMatch(JSON.stringify(audit), /secret/);
  });
}

// As AWS words it, which the local DynamoDB never does.
for (const [what, message, fault] of [
  ['an index that is still being filled', 'Cannot read from backfilling global secondary index: secret-index', FILLING],
  ['an index that is missing', 'The table does not have the specified index: secret-index', NO_INDEX],
  [
    'another key of the table',
    'One or more parameter values were invalid: Global secondary index secret-index does not project [secretSort]',
    OTHER_TABLE_KEY,
  ],
  ['an unknown fault', 'One or more parameter values were invalid: secret', 'ValidationException 400'],
] as const) {
  test(`what AWS says of ${what} is in fault, but not in its words`, async () => {
    const itsTable = await createTable('connect-dynamodb');
    dynamodb.inject('Query', itsTable, refused(message));
    const { status, audit } = await (await startLogout(itsTable, BY_INDEX))('7');
    assert.deepEqual([status, audit.reason, audit.fault], [500, 'aws_refused', fault]);
    assert.doesNotMatch(JSON.stringify(audit), /secret/);
  });
}
