// From an address to the application's own user id. test/layouts/authjs.test.ts shows the same with Auth.js.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, test } from 'node:test';
import { refuse } from '../faults/faults.ts';
import { assertBadRequest, assertDone, assertError, assertFault } from '../setup/answers.ts';
import { account, newOrganisation, revocationToken, revoke, startOrganisations } from '../setup/revocation.ts';
import { startProxiedAws } from '../setup/route.ts';
import { CAEP, newTransmitter, pushToken, securityEventToken, startTransmitters } from '../setup/security_event.ts';
import { allItems, createTable, type Item, putItems } from '../setup/tables.ts';

const KEYS = {
  tableKey: ['pk', 'sk'],
  userKey: { name: 'pk', type: 'S', value: 'u/{user_id}' },
  sortKey: { name: 'sk', beginsWith: 'session/' },
};
/** The users' addresses, as this template writes them, in an index of the table. */
const emailAs = (value: string) => ({ index: 'by-email', partitionKey: { name: 'address', value } });
const LAYOUT = { ...KEYS, email: emailAs('mail:{email}') };

const { dynamodb } = await startProxiedAws();
const okta = newOrganisation({ email_domains: ['Example.com', 'example.org'] });
const start = (layout: object, more = {}) =>
  startOrganisations([okta], { SESSION_LAYOUT: JSON.stringify(layout), USER_ID_PATTERN: '[a-z0-9-]+', ...more });
const { table, lambda } = await start(LAYOUT);

const revokeBy = async (email: unknown, by = lambda, remainingMs?: number) =>
  revoke(by, await revocationToken(okta), { sub_id: { format: 'email', email } }, {}, remainingMs);

const session = (user: string): Item => ({ pk: { S: `u/${user}` }, sk: { S: `session/${randomUUID()}` } });
const profile = (user: string, address: string): Item => ({
  pk: { S: `u/${user}` },
  sk: { S: 'profile' },
  address: { S: address },
});

/** A new user with that address and two sessions. */
async function signUp(address: string, to = table): Promise<string> {
  const user = randomUUID();
  await putItems(to, [session(user), session(user), profile(user, `mail:${address}`)]);
  return user;
}

async function left(user: string, of = table): Promise<number> {
  const items = await allItems(of);
  return items.filter(({ pk, sk }) => pk?.S === `u/${user}` && sk?.S?.startsWith('session/')).length;
}

describe('address', () => {
  test('an address logs its user out, with one Query more, and keeps the profile', async () => {
    const [ann, bob] = [await signUp('ann@example.com'), await signUp('bob@example.com')];
    const requests = await dynamodb.requests(table, async () =>
      assertDone(await revokeBy('ann@example.com'), { user_id: ann, sessions_ended: 2 }),
    );
    assert.deepEqual(requests, ['Query', 'Query', 'BatchWriteItem']);
    assert.deepEqual([await left(ann), await left(bob)], [0, 2]);
  });

  test('an address is looked up as it was sent, and in lower case', async () => {
    const [cy, di] = [await signUp('Cy@Example.com'), await signUp('di@example.com')];
    assertDone(await revokeBy('Cy@Example.com'), { user_id: cy });
    assertDone(await revokeBy('DI@EXAMPLE.COM'), { user_id: di });
    assertError(await revokeBy('cy@example.com'), 404, 'no_account'); // nobody knows how it was written
  });

  test('an address that has two users, by its two spellings, is a 500, and nobody is logged out', async () => {
    const [one, two] = [await signUp('Eve@example.com'), await signUp('eve@example.com')];
    const answer = await revokeBy('Eve@example.com');
    assertFault(answer, 500, 'account_invalid');
    assert.equal(answer.audit.fault, 'one address is linked to several users');
    assert.deepEqual([await left(one), await left(two)], [2, 2]);
  });

  test('where keys are in lower case, {email:lower} takes one Query', async () => {
    const { table: lower, lambda: by } = await start({ ...KEYS, email: emailAs('mail:{email:lower}') });
    const fay = await signUp('fay@example.com', lower);
    const requests = await dynamodb.requests(lower, async () =>
      assertDone(await revokeBy('FAY@example.com', by), { user_id: fay, sessions_ended: 2 }),
    );
    assert.deepEqual(requests, ['Query', 'Query', 'BatchWriteItem']);
  });

  test('the Query for an address reads only the user’s key', async () => {
    const [sent] = await dynamodb.capture(() => revokeBy('gus@example.com'));
    const { ProjectionExpression, ExpressionAttributeNames, Select } = JSON.parse(sent?.body ?? '');
    assert.deepEqual([Select, ExpressionAttributeNames[ProjectionExpression]], ['SPECIFIC_ATTRIBUTES', 'pk']);
  });

  for (const domain of ['EXAMPLE.COM', 'example.org', 'eXample.Org']) {
    test(`an address in ${domain} is looked up, since the record has that domain`, async () => {
      assertError(await revokeBy(`nobody@${domain}`), 404, 'no_account');
    });
  }

  test('a letter whose lower case is another letter, U+212A, names nobody', async () => {
    const kim = await signUp('kip@example.com');
    assertError(await revokeBy('\u212aip@example.com'), 404, 'user_id');
    assert.equal(await left(kim), 2);
  });

  const strange = [
    'hal@e\u212aample.com',
    'hal@example\u3002com',
    'hal@example.net',
    'hal@sub.example.com',
    'hal@example.com.',
    'hal@evil@example.com',
    'hal@example.com@evil',
    '@example.com',
    'example.com',
    'hal@',
    '',
    7,
    null,
    ['hal@example.com'],
  ];
  for (const email of strange) {
    test(`a 400 is returned without a look-up for the address ${JSON.stringify(email)}`, async () => {
      const requests = await dynamodb.requests(table, async () => assertBadRequest(await revokeBy(email), 'subject'));
      assert.deepEqual(requests, []);
    });
  }

  test('a 404 is returned for an address that no key can hold', async () => {
    for (const local of ['x'.repeat(2048), '\ud800'])
      assertError(await revokeBy(`${local}@example.com`), 404, 'user_id');
  });

  test('a 503 is returned, and nobody logged out, when the Query for an address fails', async () => {
    const ida = await signUp('ida@example.com');
    dynamodb.inject('Query', 'mail:ida@example.com', refuse(500, 'InternalServerError'));
    const failed = await revokeBy('ida@example.com');
    assertFault(failed, 503, 'aws_unavailable');
    assert.deepEqual([failed.audit.subject, failed.audit.user_id], ['ida@example.com', undefined]);
    assert.equal(await left(ida), 2);
    dynamodb.clearFaults('mail:ida@example.com');
    dynamodb.inject('Query', 'mail:ida@example.com', refuse(400, 'ThrottlingException'), 2);
    assertDone(await revokeBy('ida@example.com'), { user_id: ida });
  });
});

test('a security event of authentik, which names an address and has no typ, logs its user out', async () => {
  const authentik = newTransmitter({ email_domains: 'example.com' });
  const SESSION_LAYOUT = JSON.stringify(LAYOUT);
  const settings = { SESSIONS_TABLE: table, SESSION_LAYOUT, USER_ID_PATTERN: '[a-z0-9-]+' };
  const { lambda: receiver } = await startTransmitters([authentik], settings);
  const about = (email: string) => {
    const sub_id = { format: 'email', email };
    return securityEventToken(authentik, { [`${CAEP}/session-revoked`]: {} }, { sub_id }, { typ: undefined });
  };
  const mia = await signUp('mia@example.com');
  assertDone(await pushToken(receiver, await about('mia@example.com')), { user_id: mia, sessions_ended: 2 });
  assertDone(await pushToken(receiver, await about('nobody@example.com')), { outcome: 'no_account' });
});

describe('stores', () => {
  test('every store that has email is asked, and two that name different users are a 500', async () => {
    const second = await createTable(LAYOUT);
    const MORE_STORES = JSON.stringify([{ table: second, layout: LAYOUT }]);
    const { lambda: by } = await start(LAYOUT, { SESSIONS_TABLE: table, MORE_STORES });
    const kim = await signUp('kim@example.com', second);
    assertDone(await revokeBy('kim@example.com', by), { user_id: kim, sessions_ended: 2 });
    await signUp('kim@example.com');
    assertFault(await revokeBy('kim@example.com', by), 500, 'account_invalid');
  });

  test('users in a table of their own are found by its key', async () => {
    const users = await createTable({ tableKey: ['mail'], userKey: { name: 'mail', type: 'S', value: '{user_id}' } });
    const email = {
      table: users,
      partitionKey: { name: 'mail', value: '{email}' },
      userId: { name: 'id', value: '{user_id}' },
    };
    const { table: sessions, lambda: by } = await start({ ...KEYS, email });
    await putItems(users, [{ mail: { S: 'leo@example.com' }, id: { S: 'leo' }, password: { S: 'x' } }]);
    await putItems(sessions, [session('leo')]);
    assertDone(await revokeBy('leo@example.com', by), { user_id: 'leo', sessions_ended: 1 });
  });

  test('a 500 that names the record is returned when email_domains is there and no layout has email', async () => {
    const { lambda: by } = await start(KEYS);
    for (const sub_id of [{ format: 'email', email: 'a@example.com' }, account('a')]) {
      const answer = await revoke(by, await revocationToken(okta), { sub_id });
      assertFault(answer, 500, 'record_invalid');
      assert.equal(answer.audit.fault, 'validator record test_okta: email_domains needs a layout that has email');
    }
  });
});
