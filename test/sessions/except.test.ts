// params.except: a logout that keeps the session it comes from, and ends all others.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, test } from 'node:test';
import type { Layout } from '../../lib/sessions/layout.ts';
import { startFunction, startProxiedAws } from '../setup/route.ts';
import { allItems, createTable, type Item, keysIn, keysOf, newSessions, putItems } from '../setup/tables.ts';
import { newClaims, newRecord, signToken } from '../setup/tokens.ts';

const { dynamodb } = await startProxiedAws();
const INVALID = { code: -32602, message: 'Invalid params: an object is expected, with except as documented' };
const JSON_TYPE = { 'content-type': 'application/json' };

type Logout = (
  userId: string,
  except: unknown,
  claims?: object,
) => ReturnType<Awaited<ReturnType<typeof startFunction>>['lambda']['invoke']>;

/** A cold start on the table. Returns its logout. */
async function startLogout(table: string, layout: string | Layout, environment = {}, members = {}): Promise<Logout> {
  const record = newRecord(members);
  const settings = {
    SESSIONS_TABLE: table,
    SESSION_LAYOUT: typeof layout === 'string' ? layout : JSON.stringify(layout),
    USER_ID_PATTERN: '.+',
    ...environment,
  };
  const { lambda } = await startFunction('logout_user', [record], settings);
  return async (userId, except, claims = {}) =>
    lambda.invoke({
      userId,
      token: await signToken(record.secret_key, newClaims({ ...claims })),
      headers: JSON_TYPE,
      body: JSON.stringify({ params: { except } }),
    });
}

const BY_INDEX: Layout = {
  tableKey: ['id'],
  index: 'userId-index',
  userKey: { name: 'userId', type: 'S', value: '{user_id}' },
  expiry: { name: 'expires', unit: 'seconds' },
};
const indexed = (id: string, userId = '1', more: Item = {}): Item => ({
  id: { S: id },
  userId: { S: userId },
  ...more,
});
const sortKeyOf = ({ session_id }: Item) => session_id?.S ?? '';

describe('a logout that keeps', () => {
  test('all sessions end but the one whose sort key is named, where the user is the table’s partition key', async () => {
    const table = await createTable('default');
    const [mine = assert.fail(), ...others] = newSessions('1', 3);
    const another = newSessions('2', 1);
    await putItems(table, [mine, ...others, ...another]);
    const logout = await startLogout(table, 'default');
    const { json, audit } = await logout('1', sortKeyOf(mine));
    assert.deepEqual([json.result, audit.sessions_ended, audit.sessions_kept], [true, 2, 1]);
    assert.deepEqual(await keysIn(table, ['session_id']), keysOf([mine, ...another], ['session_id']));
  });

  test('all sessions end but those whose partition keys are listed, where an index finds the user', async () => {
    const table = await createTable(BY_INDEX);
    await putItems(
      table,
      ['a', 'b', 'c', 'd'].map((id) => indexed(id)),
    );
    const logout = await startLogout(table, BY_INDEX);
    const { json, audit } = await logout('1', ['a', 'c', 'nothing']);
    assert.deepEqual([json.result, audit.sessions_ended, audit.sessions_kept], [true, 2, 2]);
    assert.deepEqual(await keysIn(table, ['id']), keysOf([indexed('a'), indexed('c')], ['id']));
  });

  test('the partition key counts, and not the sort key, where an index finds the user and the key has two', async () => {
    const layout: Layout = { ...BY_INDEX, tableKey: ['id', 'part'] };
    const table = await createTable(layout);
    await putItems(table, [indexed('a', '1', { part: { S: 'x' } }), indexed('b', '1', { part: { S: 'y' } })]);
    const logout = await startLogout(table, layout);
    await logout('1', ['a', 'y']);
    assert.deepEqual(await keysIn(table, ['id', 'part']), ['[{"S":"a"},{"S":"x"}]']);
  });

  test('a key that is a number is named by its digits', async () => {
    const layout: Layout = {
      tableKey: ['user_id', 'session_id'],
      index: null,
      userKey: { name: 'user_id', type: 'S', value: '{user_id}' },
    };
    const table = await createTable(layout, { types: { session_id: 'N' } });
    await putItems(
      table,
      ['7', '70', '1.5'].map((N) => ({ user_id: { S: '1' }, session_id: { N } })),
    );
    const logout = await startLogout(table, layout);
    await logout('1', ['7', '01.5']);
    assert.deepEqual(await keysIn(table, ['session_id']), ['[{"N":"7"}]']);
  });

  test('what is kept in one of several stores is kept there, and all others end', async () => {
    const [table, second] = [await createTable('default'), await createTable(BY_INDEX)];
    await putItems(table, newSessions('1', 2));
    await putItems(second, [indexed('a'), indexed('b')]);
    const more = { MORE_STORES: JSON.stringify([{ table: second, layout: BY_INDEX }]) };
    const { json, audit } = await (await startLogout(table, 'default', more))('1', 'a');
    assert.deepEqual([json.result, audit.sessions_ended, audit.sessions_kept], [true, 3, 1]);
    assert.deepEqual(await keysIn(second, ['id']), ['[{"S":"a"}]']);
    assert.deepEqual(await allItems(table), []);
  });

  test('the answer is false when the only live session is the one that is kept', async () => {
    const table = await createTable('default');
    const [mine = assert.fail()] = newSessions('1', 1);
    await putItems(table, [mine, ...newSessions('1', 1, { expiresIn: -1 })]);
    const { json, audit } = await (await startLogout(table, 'default'))('1', sortKeyOf(mine));
    assert.deepEqual([json.result, audit.sessions_expired, audit.sessions_kept], [false, 1, 1]);
    assert.deepEqual(await allItems(table), [mine]);
  });

  test('a key is compared as a whole: a prefix, another case and a key of another user keep nothing', async () => {
    const table = await createTable(BY_INDEX);
    await putItems(table, [indexed('Abc'), indexed('theirs', '2')]);
    const logout = await startLogout(table, BY_INDEX);
    const { json, audit } = await logout('1', ['Ab', 'abc', 'Abc ', 'Abcd', 'theirs', '__proto__']);
    assert.deepEqual([json.result, audit.sessions_kept], [true, 0]);
    assert.deepEqual(await keysIn(table, ['id']), ['[{"S":"theirs"}]']);
  });

  test('a session that is named ten times is kept, and counted once', async () => {
    const table = await createTable(BY_INDEX);
    await putItems(table, [indexed('a'), indexed('b')]);
    const logout = await startLogout(table, BY_INDEX);
    const { json, audit } = await logout('1', Array(10).fill('a'));
    assert.deepEqual([json.result, audit.sessions_ended, audit.sessions_kept], [true, 1, 1]);
    assert.deepEqual(await keysIn(table, ['id']), ['[{"S":"a"}]']);
  });

  test('a user may keep his own session with his own token, and no other user’s', async () => {
    const table = await createTable(BY_INDEX);
    await putItems(table, [indexed('a'), indexed('b'), indexed('c', '2')]);
    const logout = await startLogout(table, BY_INDEX, {}, { user_id_claim: 'sub' });
    assert.equal((await logout('1', 'a', { sub: '1' })).json.result, true);
    assert.equal((await logout('2', 'c', { sub: '1' })).status, 403);
    assert.deepEqual(await keysIn(table, ['id']), ['[{"S":"a"}]', '[{"S":"c"}]']);
  });

  for (const [name, layout, items] of [
    ['in the table’s key', 'default', newSessions('1', 2)],
    ['found by an index', BY_INDEX, [indexed('a'), indexed('b')]],
  ] as const) {
    test(`a session that is kept is not settled, and none other is written back (${name})`, async () => {
      const table = await createTable(layout);
      const [mine = assert.fail(), other = assert.fail()] = items;
      await putItems(table, [...items]);
      const operation = layout === 'default' ? 'BatchWriteItem' : 'DeleteItem';
      const subject = layout === 'default' ? sortKeyOf(other) : 'b';
      dynamodb.inject(
        operation,
        subject,
        async ({ forward, relay }) => {
          const answer = await forward();
          dynamodb.clearFaults(subject);
          await putItems(table, [mine, other]);
          await relay(answer);
        },
        1,
      );
      const logout = await startLogout(table, layout, { SETTLE_SECONDS: '0.1' });
      const { audit } = await logout('1', mine.id?.S ?? sortKeyOf(mine));
      assert.deepEqual([audit.sessions_ended, audit.sessions_written_back, audit.sessions_kept], [1, 1, 1]);
      assert.deepEqual(await allItems(table), [mine]);
    });
  }

  test('a logout that keeps a session sends no request more, and one delete less', async () => {
    const table = await createTable(BY_INDEX);
    const logout = await startLogout(table, BY_INDEX);
    const requestsOf = async (except: string[]) => {
      await putItems(
        table,
        ['a', 'b', 'c'].map((id) => indexed(id)),
      );
      return (await dynamodb.requests(table, () => logout('1', except))).sort();
    };
    assert.deepEqual(await requestsOf([]), ['DeleteItem', 'DeleteItem', 'DeleteItem', 'Query', 'Query']);
    assert.deepEqual(await requestsOf(['a']), ['DeleteItem', 'DeleteItem', 'Query', 'Query']);
  });
});

describe('except of another form', () => {
  const odd: Record<string, unknown> = {
    'a list in a list': [['a']],
    'an object': { a: 'b' },
    'an object with __proto__': JSON.parse('{"__proto__":"a"}'),
    'a list with an object': [{}],
    'a number': 7,
    true: true,
    null: null,
    'a list with null': [null],
    'empty text': '',
    'a list with empty text': ['a', ''],
    '11 texts': Array(11).fill('a'),
    '10 000 texts': Array(10_000).fill('a'),
    'a text of 2 049 bytes': `${'é'.repeat(1024)}x`,
  };
  for (const [what, except] of Object.entries(odd)) {
    test(`${what} is refused with 400 before DynamoDB is asked`, async () => {
      const table = await createTable('default');
      const logout = await startLogout(table, 'default');
      const requests = await dynamodb.requests(table, async () => {
        const { status, json, audit } = await logout('1', except);
        assert.deepEqual([status, json.error, audit.outcome], [400, INVALID, 'invalid_params']);
      });
      assert.deepEqual(requests, []);
    });
  }

  test('10 texts of up to 2 048 bytes are accepted, and so is an empty list', async () => {
    const logout = await startLogout(await createTable('default'), 'default');
    const texts = Array.from({ length: 10 }, () => randomUUID() + 'é'.repeat(1006));
    for (const except of [texts, []]) assert.equal((await logout('1', except)).status, 200);
  });
});
