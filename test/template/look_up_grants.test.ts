// What an optional route may look up to find its users, besides what it needs to end their sessions.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lookUpGrants } from '../../lib/deploy/grants.ts';
import { readLayout } from '../../lib/settings/layout.ts';
import { readUserIdPattern } from '../../lib/settings/user_id_pattern.ts';

const KEYS = { tableKey: ['pk', 'sk'], userKey: { name: 'pk', type: 'S', value: 'USER#{user_id}' } };
const ACCOUNT = { partitionKey: { name: 'pk', value: 'ACCOUNT#{provider}#{sub}' } };

/** What the grants allow, by Sid: the resource and the attributes. */
function lookUps(layouts: unknown[], names: ('account' | 'email')[], own?: string) {
  const stores = layouts.map((layout, n) => ({
    table: `table${n}`,
    layout: readLayout(layout),
    userIdPattern: readUserIdPattern('.*'),
  }));
  return lookUpGrants(stores, own, names).map(({ Sid, Action, Resource, Condition }) => {
    assert.equal(Action, 'dynamodb:Query');
    assert.deepEqual(Condition?.StringEqualsIfExists, { 'dynamodb:Select': 'SPECIFIC_ATTRIBUTES' });
    return [Sid, Resource, Condition?.['ForAllValues:StringEquals']?.['dynamodb:Attributes']];
  });
}

const inTable = (path: string) => ({
  'Fn::Sub': `arn:\${AWS::Partition}:dynamodb:\${AWS::Region}:\${AWS::AccountId}:table/${path}`,
});

test('a route may look up accounts and addresses by their index, and read only their keys and the user’s', () => {
  assert.deepEqual(lookUps(['authjs'], ['account', 'email']), [
    ['FindAccount', inTable('table0/index/GSI1'), ['GSI1PK', 'GSI1SK', 'pk']],
    ['FindEmail', inTable('table0/index/GSI1'), ['GSI1PK', 'GSI1SK', 'pk']],
  ]);
});

test('a route may look up only what it finds users by', () => {
  assert.deepEqual(lookUps(['authjs'], []), []);
  assert.deepEqual(
    lookUps(['authjs'], ['account']).map(([sid]) => sid),
    ['FindAccount'],
  );
  assert.deepEqual(lookUps(['lucia'], ['account', 'email']), []);
});

test('accounts in the table’s own key, or in another table, are looked up there', () => {
  const elsewhere = { ...ACCOUNT, table: 'accounts', sortKey: { name: 'kind', value: 'x' } };
  const indexed = { ...ACCOUNT, table: 'accounts', index: 'by-sub', userId: { name: 'owner', value: '{user_id}' } };
  const layouts = [ACCOUNT, elsewhere, indexed].map((account) => ({ ...KEYS, account }));
  assert.deepEqual(lookUps(layouts, ['account']), [
    ['FindAccount', inTable('table0'), ['pk']],
    ['FindAccount2', inTable('accounts'), ['pk', 'kind']],
    ['FindAccount3', inTable('accounts/index/by-sub'), ['pk', 'owner']],
  ]);
});

test('accounts in the stack’s own table are looked up in the stack’s resource', () => {
  const [grant] = lookUps([{ ...KEYS, account: ACCOUNT }], ['account'], 'table0');
  assert.deepEqual(grant, ['FindAccount', { 'Fn::GetAtt': ['SessionsTable', 'Arn'] }, ['pk']]);
});

test('an attribute of a look-up that IAM cannot take is refused, and the error says where it stands', () => {
  const bad = { ...KEYS, account: { ...ACCOUNT, userId: { name: '€', value: '{user_id}' } } };
  assert.throws(() => lookUps([bad], ['account']), /^Error: SESSION_LAYOUT: "€" cannot be the name of an attribute/);
  assert.throws(() => lookUps(['lucia', bad], ['account']), /^Error: MORE_STORES: entry 1: "€" cannot be the name/);
});
