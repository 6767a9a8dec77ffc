// The libraries of docs/session-stores.md are layouts by name at deploy time: the function gets JSON for those it does
// not know by name.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LIBRARY_LAYOUTS, layoutForFunction, storesForFunction } from '../../lib/deploy/library_layouts.ts';
import { KNOWN_LAYOUTS } from '../../lib/sessions/known_layouts.ts';
import { readSettings } from '../../lib/settings/environment.ts';
import { packageService, propertiesOf } from '../setup/package.ts';

const { template } = await packageService(
  {
    table: 'web-sessions',
    layout: 'laravel',
    records: 'callers',
    moreStores: '[{ "table": "flask", "layout": "flask-session" }, { "table": "next", "layout": "authjs" }]',
  },
  { bundle: false },
);

test('the name of a library becomes the JSON of its layout in the function’s environment, in further stores too', () => {
  const { Environment } = propertiesOf(template, 'LogoutUnderscoreuserLambdaFunction');
  const { Variables }: { Variables: Record<string, string> } = JSON.parse(JSON.stringify(Environment));
  const { stores } = readSettings(Variables, 'VALIDATOR_SECRET_IDS');
  assert.deepEqual(
    stores.map(({ layout }) => layout),
    [LIBRARY_LAYOUTS.laravel, LIBRARY_LAYOUTS['flask-session'], KNOWN_LAYOUTS.authjs],
  );
});

test('the role of the function follows from the layout of the library', () => {
  const role = JSON.stringify(propertiesOf(template, 'LogoutRole'));
  for (const index of ['web-sessions/index/userId-index', 'flask/index/userId-index']) assert.ok(role.includes(index));
});

test('every library of the guide has a name that the function itself does not use for another layout', () => {
  for (const [name, layout] of Object.entries(LIBRARY_LAYOUTS)) {
    assert.ok(!Object.hasOwn(KNOWN_LAYOUTS, name), name);
    assert.deepEqual(JSON.parse(layoutForFunction(name)), layout);
  }
  for (const name of Object.keys(KNOWN_LAYOUTS)) assert.equal(layoutForFunction(name), name);
});

test('a name that no library has stops the deploy with a line that lists all names', () => {
  assert.throws(
    () => layoutForFunction('larval'),
    /no layout is called "larval"; use one of default, .*laravel.*, or a /,
  );
  assert.equal(storesForFunction('none'), 'none');
  assert.throws(() => storesForFunction('[{,}]'), /this is not valid JSON/);
  assert.equal(storesForFunction('{"table":"a"}'), '{"table":"a"}', 'whoever reads it says that it is no list');
});
