// A partition takes 1 000 deletes a second, however many are sent to it.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { partition, refuse } from '../faults/faults.ts';
import { assertFault } from '../setup/answers.ts';
import { startProxiedAws, startRoute } from '../setup/route.ts';
import { newSessions, putItems, sessionsLeft } from '../setup/tables.ts';

const { dynamodb } = await startProxiedAws();
const { table, logout } = await startRoute();

describe('a partition that takes 1 000 deletes a second', { concurrency: true }, () => {
  test('3 000 sessions end in one call, with few throttles, if a partition takes 1 000 deletes a second', async () => {
    await putItems(table, newSessions('3000', 3000));
    dynamodb.inject('BatchWriteItem', '3000', partition(1000));
    const requests = await dynamodb.requests('3000', async () => {
      assert.equal((await logout('3000')).json.result, true);
    });
    assert.equal(await sessionsLeft(table, '3000'), 0);
    const batches = requests.filter((operation) => operation === 'BatchWriteItem').length;
    assert.ok(
      batches >= 120 && batches < 480,
      `${batches} batches, where 120 is the minimum and a constant concurrency sends thousands`,
    );
  });

  test('each call that is too short for all of a user’s sessions ends some, until one answers true', async () => {
    await putItems(table, newSessions('100000', 2500));
    dynamodb.inject('BatchWriteItem', '100000', partition(1000));
    const logoutBriefly = () => logout('100000', { remainingMs: 3000 });
    let left = 2500;
    for (let answer = await logoutBriefly(); answer.status !== 200; answer = await logoutBriefly()) {
      assertFault(answer, 503);
      const before = left;
      left = await sessionsLeft(table, '100000');
      assert.ok(left < before, `${left} of ${before} are left`);
    }
    assert.ok(left < 2500, 'the first call was too short');
    assert.equal(await sessionsLeft(table, '100000'), 0);
  });
});

test('a request that fails is sent three times, and not a fourth', async () => {
  dynamodb.inject('Query', '2', refuse(500, 'InternalServerError'));
  const requests = await dynamodb.requests('2', async () => assertFault(await logout('2'), 503));
  assert.deepEqual(requests, ['Query', 'Query', 'Query']);
});

test('a request that is throttled comes again less and less often while nothing succeeds', async () => {
  await putItems(table, newSessions('1', 1));
  const throttle = refuse(400, 'ProvisionedThroughputExceededException');
  dynamodb.inject('BatchWriteItem', '1', throttle);
  const requests = await dynamodb.requests('1', async () => assertFault(await logout('1', { remainingMs: 4500 }), 503));
  const deletes = requests.filter((operation) => operation === 'BatchWriteItem').length - 1; // one put the session there
  assert.ok(deletes >= 3 && deletes <= 15, `${deletes} in three seconds: a constant pause would send a hundred`);
});
