// Every layout that the guide gives, by name or as JSON, on items of its shape, beside those of look-alike users and decoys.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, test } from 'node:test';
import { readAnyLayout } from '../../lib/deploy/library_layouts.ts';
import { KNOWN_LAYOUTS } from '../../lib/sessions/known_layouts.ts';
import type { Layout } from '../../lib/sessions/layout.ts';
import { readLayout } from '../../lib/settings/layout.ts';
import { startAws, startLogout } from '../setup/route.ts';
import { createTable, type Item, keysIn, keysOf, putItems } from '../setup/tables.ts';
import { anchorOf, GUIDE, headings, layouts, section } from './guide.ts';

await startAws();
const LIVE = Date.now() + 3_600_000;
const EXPIRED = Date.now() - 60_000;
const LOOK_ALIKES: [string, string[]][] = [
  ['1', ['12', '11', '01', '1 ', '-1']],
  ['a', ['aa', 'a#b', 'a ', 'ä']],
];

/** A session in this layout; `key` is the value by which its user is found. */
function session({ tableKey, userKey, sortKey, expiry, guard }: Layout, key: string, expiresAt = LIVE): Item {
  const item: Item = Object.fromEntries(tableKey.map((name) => [name, { S: randomUUID() }]));
  if (sortKey) item[sortKey.name] = { S: `${sortKey.beginsWith}${randomUUID()}` };
  if (guard) item[guard.name] = { S: String(guard.equals) };
  if (expiry?.unit === 'iso') item[expiry.name] = { S: new Date(expiresAt).toISOString() };
  if (expiry?.unit === 'seconds') item[expiry.name] = { N: String(expiresAt / 1000) };
  if (expiry?.unit === 'milliseconds') item[expiry.name] = { N: String(expiresAt) };
  return { ...item, [userKey.name]: { S: key } };
}

/** Items that are found with the user's sessions, but are not sessions. */
function decoys(layout: Layout, key: string): Item[] {
  const { sortKey, guard } = layout;
  const items: Item[] = [];
  if (sortKey?.beginsWith)
    items.push({ ...session(layout, key), [sortKey.name]: { S: `X${sortKey.beginsWith}${randomUUID()}` } });
  if (guard) {
    const { [guard.name]: _, ...without } = session(layout, key);
    items.push(without);
    for (const value of [{ S: `${guard.equals}s` }, { S: String(guard.equals).toUpperCase() }, { BOOL: true }])
      items.push({ ...session(layout, key), [guard.name]: value });
  }
  return items;
}

for (const [n, [heading, given]] of layouts.entries()) {
  const title = `${heading} (layout ${n + 1})`;
  describe(title, async () => {
    const layout = readAnyLayout(given);
    const { tableKey, userKey } = layout;
    const table = await createTable(layout);
    const logout = await startLogout(table, layout);
    const folds = userKey.value.includes('{user_id:lower}');
    const keyOf = (id: string) => userKey.value.replace('{user_id:lower}', id.toLowerCase()).replace('{user_id}', id);

    test(`the guide’s layout for ${title} is what the function reads from the JSON that it is given`, () => {
      assert.deepEqual(readLayout(JSON.stringify(layout)), layout);
    });

    for (const [userId, lookAlikes] of LOOK_ALIKES) {
      test(`the guide’s layout for ${title} ends sessions of user ${userId}, not of look-alike users`, async () => {
        const kept = await keysIn(table, tableKey);
        const bystanders = [
          ...lookAlikes.map((other) => session(layout, keyOf(other))),
          ...decoys(layout, keyOf(userId)),
        ];
        const expired = session(layout, keyOf(userId), EXPIRED);
        await putItems(table, [session(layout, keyOf(userId)), session(layout, keyOf(userId)), expired, ...bystanders]);
        assert.equal((await logout(userId)).json.result, true);
        assert.deepEqual(await keysIn(table, tableKey), [...kept, ...keysOf(bystanders, tableKey)].sort());
      });
    }

    const ofCase = folds ? 'finds a user by an id in any case' : 'keeps users apart whose ids differ only in case';
    test(`the guide’s layout for ${title} ${ofCase}`, async () => {
      const kept = await keysIn(table, tableKey);
      const [upper, lower] = [session(layout, keyOf('B')), session(layout, keyOf('b'))];
      const raw = folds ? [session(layout, userKey.value.replace('{user_id:lower}', 'B'))] : [];
      await putItems(table, [upper, lower, ...raw]);
      assert.equal((await logout('B')).json.result, true);
      assert.deepEqual(await keysIn(table, tableKey), [...kept, ...keysOf(folds ? raw : [lower], tableKey)].sort());
    });

    test(`the guide’s layout for ${title} keeps the session whose key is sent, and ends all others`, async () => {
      const kept = await keysIn(table, tableKey);
      const [mine, other] = [session(layout, keyOf('7')), session(layout, keyOf('7'))];
      await putItems(table, [mine, other]);
      const { S: key = assert.fail() } = mine[tableKey[layout.index === null ? 1 : 0] ?? ''] ?? {};
      assert.equal((await logout('7', { except: [key] })).json.result, true);
      assert.deepEqual(await keysIn(table, tableKey), [...kept, ...keysOf([mine], tableKey)].sort());
    });

    const ofExpired = layout.expiry ? 'false when all sessions have expired' : 'true for any session: it has no expiry';
    test(`the guide’s layout for ${title} answers ${ofExpired}`, async () => {
      await putItems(table, [session(layout, keyOf('9'), EXPIRED)]);
      assert.equal((await logout('9')).json.result, layout.expiry === undefined);
    });
  });
}

describe('docs/session-stores.md', () => {
  const anchors = headings.map(anchorOf);
  const withLayout = anchors.filter((_, n) => layouts.some(([heading]) => heading === headings[n]));
  const table = GUIDE.slice(GUIDE.indexOf('## Find yours'), GUIDE.indexOf('## Pitfalls'));
  const linksIn = (text: string) => [...text.matchAll(/\]\(#([^)]*)\)/g)].map(([, anchor = '']) => anchor);

  test('docs/session-stores.md has a section on each known layout', () => {
    for (const name of Object.keys(KNOWN_LAYOUTS))
      assert.equal(headings.filter((heading) => heading.endsWith(`(\`${name}\`)`)).length, 1, name);
  });

  test('docs/session-stores.md links from its table to every layout, and has no broken link', () => {
    assert.deepEqual(
      linksIn(GUIDE).filter((anchor) => !anchors.includes(anchor)),
      [],
    );
    assert.deepEqual(
      withLayout.filter((anchor) => !linksIn(table).includes(anchor)),
      [],
    );
  });

  test('docs/session-stores.md says for each known layout and each of its own what to send to keep a session', () => {
    const known = anchors.filter((_, n) => headings[n]?.endsWith('`)'));
    const told = linksIn(section('Keep the session it comes from'));
    assert.ok(known.length >= Object.keys(KNOWN_LAYOUTS).length);
    assert.deepEqual(
      [...known, ...withLayout].filter((anchor) => !told.includes(anchor)),
      [],
    );
  });

  test('docs/session-stores.md has a layout for every row of its table that says JSON or names one', () => {
    const rows = table.split('\n').filter((row) => {
      const cell = row.split('|')[2] ?? '';
      return /JSON|`|their names/.test(cell) && !cell.includes('](#');
    });
    assert.ok(rows.length >= 20);
    assert.deepEqual(
      rows.filter((row) => !linksIn(row).some((anchor) => withLayout.includes(anchor))),
      [],
    );
  });
});
