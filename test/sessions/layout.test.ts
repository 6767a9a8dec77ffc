import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { layoutAttributes, userKeyValue } from '../../lib/sessions/layout.ts';
import { readLayout } from '../../lib/settings/layout.ts';

const BY_KEY = { tableKey: ['pk', 'sk'], userKey: { name: 'pk', type: 'S', value: 'USER#{user_id}' } };
const BY_INDEX = {
  tableKey: ['id'],
  index: 'by-user',
  userKey: { name: 'owner', type: 'N', value: '{user_id}' },
  sortKey: { name: 'created', beginsWith: '' },
  expiry: { name: 'until', unit: 'iso' },
  guard: { name: 'kind', equals: 'session' },
};

test('a layout names every attribute that a request may touch, each once', () => {
  assert.deepEqual(layoutAttributes(readLayout('authjs')), ['pk', 'sk', 'expires']);
  assert.deepEqual(layoutAttributes(readLayout(JSON.stringify(BY_INDEX))), ['id', 'owner', 'created', 'until', 'kind']);
  assert.deepEqual(layoutAttributes(readLayout({ tableKey: ['id'], userKey: { ...BY_KEY.userKey, name: 'id' } })), [
    'id',
  ]);
});

describe('the key of a user', () => {
  test('the key of a user contains the id as it is', () => {
    assert.deepEqual(userKeyValue(readLayout('authjs'), "a#b$&$'"), { S: "USER#a#b$&$'" });
    assert.deepEqual(userKeyValue(readLayout('openauth'), 'user:7'), { S: 'oauth:refresh\u001fuser:7' });
    assert.deepEqual(userKeyValue(readLayout('default'), '{user_id}'), { S: '{user_id}' });
  });

  test('the key of a user contains the id in lower case wherever the layout has {user_id:lower}', () => {
    const value = '{user_id:lower}#{user_id}#{user_id:lower}';
    const layout = readLayout({ ...BY_KEY, userKey: { ...BY_KEY.userKey, value } });
    assert.deepEqual(userKeyValue(layout, 'AbÇ{user_id:lower}$&'), {
      S: 'abç{user_id:lower}$&#AbÇ{user_id:lower}$&#abç{user_id:lower}$&',
    });
  });

  test('the key of a user has at most 2048 bytes when it is text', () => {
    const { length } = 'USER#';
    assert.deepEqual(userKeyValue(readLayout('authjs'), 'x'.repeat(2048 - length)), { S: `USER#${'x'.repeat(2043)}` });
    assert.equal(userKeyValue(readLayout('authjs'), 'x'.repeat(2049 - length)), undefined);
    assert.equal(userKeyValue(readLayout('default'), '€'.repeat(683)), undefined);
  });

  test('the key of a user is a canonical integer of at most 38 digits when it is a number', () => {
    const layout = readLayout(JSON.stringify(BY_INDEX));
    for (const id of ['0', '7', '-7', '9'.repeat(38)]) assert.deepEqual(userKeyValue(layout, id), { N: id });
    for (const id of ['', '007', '+7', '-0', '7.0', '7e1', ' 7', '7\n', '0x7', '٧', 'a', '9'.repeat(39)])
      assert.equal(userKeyValue(layout, id), undefined, id);
  });
});
