// The guide's hook for Python, on boto3 itself: .ci/run installs it.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { layoutOf } from '../layouts/guide.ts';
import { startAws, startLogout } from '../setup/route.ts';
import { allItems, createTable } from '../setup/tables.ts';

const { AWS_ENDPOINT_URL_DYNAMODB: endpoint = assert.fail() } = await startAws();
process.env.AWS_DEFAULT_REGION = 'us-east-1'; // boto3 has its own name for it

/** Has Python save sessions through boto3 with the hook, one after the other: `id` or `id user`. */
async function save(library: string, table: string, sessions: string[]): Promise<void> {
  const python = promisify(execFile)('/usr/bin/python3', ['test/boto3/stores.py', library, table, endpoint]);
  python.child.stdin?.end(sessions.join('\n'));
  await python;
}

for (const library of ['Flask-Session', 'cachelib']) {
  test(`a logout finds each session that ${library} saves through the hook for boto3, and no other`, async () => {
    const layout = layoutOf(library);
    const table = await createTable(layout);
    const logout = await startLogout(table, layout);
    const users = async () => (await allItems(table)).map(({ userId }) => userId?.S ?? 'nobody').sort();
    await save(library, table, ['a', 'a 7', 'b 7', 'b 7', 'c 77', 'd']);
    assert.deepEqual(await users(), ['7', '7', '77', 'nobody']);

    assert.equal((await logout('7')).json.result, true);
    assert.deepEqual(await users(), ['77', 'nobody']);
    assert.equal((await logout('7')).json.result, false);
  });
}
