// Twenty logouts of one user at once, while sessions of this user and of others are being created.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { readLayout } from '../../lib/settings/layout.ts';
import { startAws, startRoute } from '../setup/route.ts';
import { allItems, type Item, putItems } from '../setup/tables.ts';

await startAws();

for (const [name, count] of Object.entries({ default: 30, 'connect-dynamodb': 4 })) {
  const layout = readLayout(name);
  const userName = layout.userKey.name;

  test(`twenty logouts of a user at once all succeed, and end all earlier sessions (layout ${name})`, async () => {
    const { table, logout } = await startRoute({ SESSION_LAYOUT: name });
    const newSession = (userId: string, age: string): Item => ({
      [userName]: { S: userId },
      [layout.tableKey.at(-1) ?? '']: { S: `${age}-${randomUUID()}` },
    });
    const create = async (userId: string, age: string, count: number) =>
      putItems(
        table,
        Array(count)
          .fill(userId)
          .map((id) => newSession(id, age)),
      );
    await Promise.all([create('7', 'old', count), create('71', 'old', 20), create('17', 'old', 20)]);

    let ended = false;
    const creating = async (userId: string) => {
      for (; !ended; await sleep(20)) await create(userId, 'new', 1);
    };
    const creators = [creating('7'), creating('71')];
    const logouts = Array.from({ length: 20 }, () => logout('7'));
    const answers = await Promise.all(logouts).finally(() => {
      ended = true;
    });
    await Promise.all(creators);

    assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]));
    assert.ok(answers.some(({ json }) => json.result === true));
    const items = await allItems(table);
    const old = (userId: string) =>
      items.filter((item) => item[userName]?.S === userId && JSON.stringify(item).includes('"old-')).length;
    assert.deepEqual([old('7'), old('71'), old('17')], [0, 20, 20]);
  });
}
