// From a provider's `sub` to the application's own user id. test/layouts/authjs.test.ts shows the same with Auth.js.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, test } from 'node:test';
import { answer, empty, passOn, refuse, trickle } from '../faults/faults.ts';
import { assertDone, assertFault } from '../setup/answers.ts';
import { deliver, startProviders } from '../setup/provider.ts';
import { startProxiedAws } from '../setup/route.ts';
import { allItems, createTable, type Item, putItems } from '../setup/tables.ts';
import { newLogoutClaims, newProvider, signLogoutToken } from '../setup/tokens.ts';

const ACCOUNT = {
  index: 'by-account',
  partitionKey: { name: 'account', value: 'acct/{provider}' },
  sortKey: { name: 'account_id', value: '{sub}@{provider}' },
};
const LAYOUT = {
  tableKey: ['pk', 'sk'],
  userKey: { name: 'pk', type: 'S', value: 'u/{user_id}/s' },
  sortKey: { name: 'sk', beginsWith: 'session/' },
  account: ACCOUNT,
};

const { dynamodb } = await startProxiedAws();
const provider = newProvider({ account_provider: 'kc' });
const start = (layout: object, more = {}) =>
  startProviders([provider], { SESSION_LAYOUT: JSON.stringify(layout), USER_ID_PATTERN: '[a-z0-9-]+', ...more });
const { table, lambda } = await start(LAYOUT);

const logout = async (sub: string, by = lambda, remainingMs?: number) =>
  deliver(by, await signLogoutToken(provider, newLogoutClaims(sub)), remainingMs);

const session = (user: string): Item => ({ pk: { S: `u/${user}/s` }, sk: { S: `session/${randomUUID()}` } });
const link = (user: string, sub: string, name = 'kc'): Item => ({
  pk: { S: `u/${user}/s` },
  sk: { S: `account/${name}/${sub}` },
  account: { S: `acct/${name}` },
  account_id: { S: `${sub}@${name}` },
});

/** A new user with two sessions, linked to the provider's account `sub`. */
async function signUp(sub: string): Promise<string> {
  const user = randomUUID();
  await putItems(table, [session(user), session(user), link(user, sub)]);
  return user;
}

/** How many sessions of the user are left. */
async function left(user: string): Promise<number> {
  const items = await allItems(table);
  return items.filter(({ pk, sk }) => pk?.S === `u/${user}/s` && sk?.S?.startsWith('session/')).length;
}

describe('account_provider', () => {
  test('account_provider logs out the user of a linked account, with one more Query, and keeps the link', async () => {
    const [ann, bob] = [await signUp('ann'), await signUp('bob')];
    const requests = await dynamodb.requests(table, async () =>
      assertDone(await logout('ann'), { user_id: ann, actor: 'ann', sessions_ended: 2 }),
    );
    assert.deepEqual(requests, ['Query', 'Query', 'BatchWriteItem']);
    assert.deepEqual([await left(ann), await left(bob)], [0, 2]);
    assertDone(await logout('ann'), { outcome: 'no_live_session', user_id: ann });
  });

  test('a 200 is returned after one Query, and nobody is logged out, when no user is linked to the sub', async () => {
    const eve = await signUp('eve');
    for (const sub of ['ev', 'eve2', 'Eve', 'EVE', ' eve', 'eve@kc', '{sub}', '{provider}', '$&', '*', eve]) {
      const requests = await dynamodb.requests(table, async () =>
        assertDone(await logout(sub), { outcome: 'no_account', sessions_ended: 0, passes: 0 }),
      );
      assert.deepEqual(requests, ['Query'], sub);
    }
    assert.equal(await left(eve), 2);
  });

  test('account_provider takes sub literally, whatever characters it contains', async () => {
    for (const sub of ['$&', '{provider}', '{sub}', 'a b|c@d', 'ü', '%2F']) {
      const user = await signUp(sub);
      assertDone(await logout(sub), { user_id: user, sessions_ended: 2 });
    }
  });

  test('a user who has the sub only at another provider is not logged out', async () => {
    const user = randomUUID();
    await putItems(table, [session(user), link(user, 'zoe', 'another')]);
    assertDone(await logout('zoe'), { outcome: 'no_account' });
    assert.equal(await left(user), 1);
  });

  test('the Query for an account reads only the user’s key: the item may hold the provider’s tokens', async () => {
    const sent = await dynamodb.capture(async () => assertDone(await logout('nobody'), { outcome: 'no_account' }));
    const { ProjectionExpression, ExpressionAttributeNames, Select } = JSON.parse(sent[0]?.body ?? '');
    assert.deepEqual([Select, ExpressionAttributeNames[ProjectionExpression]], ['SPECIFIC_ATTRIBUTES', 'pk']);
    assert.deepEqual(Object.values(ExpressionAttributeNames), ['account', 'account_id', 'pk']);
  });

  test('a 400 is returned for a sub that a key of the account index cannot hold', async () => {
    assertDone(await logout('x'.repeat(1021)), { outcome: 'no_account' });
    for (const sub of ['x'.repeat(1022), '\ud800']) {
      const { status, audit } = await logout(sub);
      assert.deepEqual([status, audit.outcome, audit.reason], [400, 'user_id_not_accepted', 'user_id']);
    }
  });

  test('a 400 is returned when the account is linked to a user id that USER_ID_PATTERN refuses', async () => {
    await putItems(table, [link('UPPER', 'upper')]);
    const { status, audit } = await logout('upper');
    assert.deepEqual([status, audit.outcome, audit.actor], [400, 'user_id_not_accepted', 'upper']);
  });

  test('a 500 is returned, and nobody logged out, when an account is linked to several users or to none', async () => {
    const [one, two] = [await signUp('both'), await signUp('both')];
    const several = await logout('both');
    assertFault(several, 500, 'account_invalid');
    assert.equal(several.audit.fault, 'one account is linked to several users');
    assert.deepEqual([await left(one), await left(two)], [2, 2]);
    for (const [n, pk] of ['team/7/s', 'u/7', 'u//s', 'u/s'].entries()) {
      await putItems(table, [{ ...link('7', `odd${n}`), pk: { S: pk } }]);
      const delivery = await logout(`odd${n}`);
      assertFault(delivery, 500, 'account_invalid');
      assert.equal(delivery.audit.fault, 'pk of the linked item is not the key of a user');
    }
  });

  test('a 503 is returned only after retries when the Query for an account is throttled or fails', async () => {
    const user = await signUp('tim');
    dynamodb.inject('Query', 'tim@kc', refuse(400, 'ThrottlingException'), 2);
    dynamodb.inject('Query', 'tim@kc', refuse(500, 'InternalServerError'), 1);
    assertDone(await logout('tim'), { user_id: user, sessions_ended: 2 });
    dynamodb.inject('Query', 'tim@kc', refuse(500, 'InternalServerError'));
    const unavailable = await logout('tim');
    assertFault(unavailable, 503, 'aws_unavailable');
    assert.equal(unavailable.audit.sessions_left, 1);
    dynamodb.clearFaults('tim@kc');
    dynamodb.inject('Query', 'tim@kc', refuse(400, 'ThrottlingException'));
    assertFault(await logout('tim', lambda, 3000), 503, 'deadline');
  });

  test('a 503 is returned at the deadline when the answer to the Query for an account never ends', async () => {
    dynamodb.inject('Query', 'endless@kc', trickle);
    assertFault(await logout('endless', lambda, 2500), 503, 'deadline');
  });

  test('a 500, not a 200, is returned when the answer to the Query for an account has no list of items', async () => {
    dynamodb.inject('Query', 'void@kc', empty, 1);
    assertFault(await logout('void'), 500, 'unexpected');
  });

  test('a 500, not a 200, is returned when the answer to the Query for an account is an empty page of several', async () => {
    const page = { Items: [], LastEvaluatedKey: { pk: { S: 'x' } } };
    dynamodb.inject('Query', 'paged@kc', answer(200, JSON.stringify(page)), 1);
    assertFault(await logout('paged'), 500, 'unexpected');
  });

  test('a 500 is returned when the table has no account index', async () => {
    const SESSIONS_TABLE = await createTable({ ...LAYOUT, account: undefined });
    const { lambda: bare } = await start(LAYOUT, { SESSIONS_TABLE });
    assertFault(await logout('ann', bare), 500, 'aws_refused');
  });
});

describe('a linked account', () => {
  test('an account may be linked to a user whose id is a number', async () => {
    const userKey = { name: 'owner', type: 'N', value: '{user_id}' };
    const numbers = await start({ ...LAYOUT, tableKey: ['owner', 'sk'], userKey });
    const sk = { S: 'session/1' };
    const { account, account_id } = link('7', 'seven');
    const linked = {
      owner: { N: '7' },
      sk: { S: 'link' },
      ...(account && { account }),
      ...(account_id && { account_id }),
    };
    await putItems(numbers.table, [{ owner: { N: '7' }, sk }, { owner: { N: '70' }, sk }, linked]);
    assertDone(await logout('seven', numbers.lambda), { user_id: '7', sessions_ended: 1 });
  });

  test('an account may be linked in another table, by its own key, in an attribute of its own', async () => {
    const accounts = await createTable({
      tableKey: ['acct'],
      userKey: { name: 'acct', type: 'S', value: '{user_id}' },
    });
    const account = {
      table: accounts,
      partitionKey: { name: 'acct', value: '{provider}/{sub}' },
      userId: { name: 'owner', value: 'user:{user_id}' },
    };
    const { lambda: by, table: sessions } = await start({ ...LAYOUT, account });
    await putItems(accounts, [{ acct: { S: 'kc/max' }, owner: { S: 'user:m1' } }]);
    await putItems(sessions, [session('m1'), session('m2')]);
    assertDone(await logout('max', by), { user_id: 'm1', sessions_ended: 1 });
    assertDone(await logout('ma', by), { outcome: 'no_account' });
  });

  test('a user whose account is linked in one of several stores is logged out in all of them', async () => {
    const user = await signUp('sue');
    const byUserId = { tableKey: ['user_id', 'sid'], userKey: { name: 'user_id', type: 'S', value: '{user_id}' } };
    const both = await start(byUserId, { MORE_STORES: JSON.stringify([{ table, layout: LAYOUT }]) });
    await putItems(both.table, [{ user_id: { S: user }, sid: { S: '1' } }]);
    assertDone(await logout('sue', both.lambda), { user_id: user, sessions_ended: 3 });
    assert.deepEqual([await left(user), (await allItems(both.table)).length], [0, 0]);
  });
});

describe('look-ups in several stores', async () => {
  const second = await createTable(LAYOUT);
  const more = { MORE_STORES: JSON.stringify([{ table: second, layout: LAYOUT }]) };
  const { lambda: by, table: first } = await start(LAYOUT, more);

  test('every store that has account is asked, and a user who is linked in the second one is logged out', async () => {
    await putItems(first, [session('s2')]);
    await putItems(second, [session('s2'), link('s2', 'in-second')]);
    assertDone(await logout('in-second', by), { user_id: 's2', sessions_ended: 2 });
  });

  test('two stores that name the same user are no contradiction', async () => {
    await putItems(first, [session('same'), link('same', 'in-both')]);
    await putItems(second, [link('same', 'in-both')]);
    assertDone(await logout('in-both', by), { user_id: 'same', sessions_ended: 1 });
  });

  test('a 500 is returned, and nobody logged out, when two stores name different users', async () => {
    await putItems(first, [session('d1'), link('d1', 'contested')]);
    await putItems(second, [session('d2'), link('d2', 'contested')]);
    const contested = await logout('contested', by);
    assertFault(contested, 500, 'account_invalid');
    const sessions = [...(await allItems(first)), ...(await allItems(second))].filter(({ sk }) =>
      sk?.S?.startsWith('session/'),
    );
    assert.equal(sessions.length, 2);
  });

  test('a 200 without anybody logged out is returned only when no store has the account', async () => {
    assertDone(await logout('nobody-at-all', by), { outcome: 'no_account' });
    dynamodb.inject('Query', 'half@kc', (exchange) =>
      exchange.body.includes(second) ? refuse(500, 'InternalServerError')(exchange) : passOn(exchange),
    );
    assertFault(await logout('half', by), 503, 'aws_unavailable');
  });
});

test('the account table of a Better Auth adapter finds the user: its own key, and an attribute for the user', async () => {
  // As @ebratz/dynamodb-better-auth writes it (src/helpers/key-builder.ts of 0.1.6).
  const sessions = {
    tableKey: ['token'],
    index: 'userId-index',
    userKey: { name: 'userId', type: 'S', value: '{user_id}' },
    expiry: { name: 'expiresAt', unit: 'iso' },
  };
  const accounts = await createTable({
    tableKey: ['providerId', 'accountId'],
    userKey: { name: 'providerId', type: 'S', value: '{user_id}' },
  });
  const account = {
    table: accounts,
    partitionKey: { name: 'providerId', value: '{provider}' },
    sortKey: { name: 'accountId', value: '{sub}' },
    userId: { name: 'userId', value: '{user_id}' },
  };
  const linked = (accountId: string, userId: string): Item => ({
    providerId: { S: 'kc' },
    accountId: { S: accountId },
    id: { S: randomUUID() },
    userId: { S: userId },
    accessToken: { S: 'a token' },
  });
  const { lambda: by, table } = await start({ ...sessions, account });
  await putItems(accounts, [linked('a-1', 'user-1'), linked('a-2', 'user-2')]);
  const inAnHour = { S: new Date(Date.now() + 3_600_000).toISOString() };
  const begin = (userId: string): Item => ({ token: { S: randomUUID() }, userId: { S: userId }, expiresAt: inAnHour });
  await putItems(table, [begin('user-1'), begin('user-1'), begin('user-2')]);
  assertDone(await logout('a-1', by), { user_id: 'user-1', sessions_ended: 2 });
  assert.deepEqual(
    (await allItems(table)).map(({ userId }) => userId?.S),
    ['user-2'],
  );
});
