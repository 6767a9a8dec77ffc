// The zip that `npm run package` makes: it is small, and works without the parts of the SDK that it leaves out.
import assert from 'node:assert/strict';
import { createHash, createHmac } from 'node:crypto';
import { test } from 'node:test';
import { unzipSync } from 'fflate';
import { gatewayEvent } from '../setup/events.ts';
import { packageService } from '../setup/package.ts';
import type { Sent } from '../setup/proxy.ts';
import { startProxiedAws } from '../setup/route.ts';
import { createTable, newSessions, putItems } from '../setup/tables.ts';
import { newRecord, signToken, storeRecord } from '../setup/tokens.ts';
import { runUnzipped } from '../setup/zip.ts';

const MAX_BYTES = 260_000;
const LAMBDA_CREDENTIALS = {
  AWS_ACCESS_KEY_ID: 'ASIAEXAMPLE',
  AWS_SECRET_ACCESS_KEY: 'wJalrXUtnFEMI/K7MDENG',
  AWS_SESSION_TOKEN: 'IQoJb3JpZ2luX2VjE/token==',
};

process.umask(0o077); // of the packaging process too
const { archives } = await packageService();
const { logout_user: zip = assert.fail() } = archives;
const [[name, bundle] = ['', Buffer.alloc(0)], ...others] = Object.entries(unzipSync(zip));

const aws = await startProxiedAws();
const record = newRecord();
const environment = {
  ...aws.endpoints,
  AWS_REGION: 'us-east-1',
  SESSIONS_TABLE: await createTable('default'),
  VALIDATOR_SECRET_IDS: await storeRecord(record),
};
const event = gatewayEvent({ userId: '2', token: await signToken(record.secret_key) });

test('the package of logout_user is one ES module, small enough to load fast', () => {
  assert.deepEqual([name, others], ['functions/logout_user.mjs', []]);
  assert.ok(bundle.length <= MAX_BYTES, `${bundle.length} bytes`);
});

test('the package is readable by everybody, as Lambda needs it, whatever the umask of who makes it', () => {
  assert.deepEqual(modesIn(zip), { 'functions/logout_user.mjs': '100644' });
});

test('the packaged function signs every request with Lambda’s credentials, including the session token', async () => {
  await putItems(environment.SESSIONS_TABLE, newSessions('2', 1000)); // the last batches use what the first cached
  const sent = await aws.capture(async () => {
    const answer = await runUnzipped(zip, { ...environment, ...LAMBDA_CREDENTIALS }, event);
    assert.equal(answer, '200 {"jsonrpc":"2.0","id":null,"result":true}');
  });
  assert.deepEqual(
    sent.map(({ headers }) => headers['x-amz-target']),
    [
      'secretsmanager.GetSecretValue',
      'DynamoDB_20120810.Query',
      ...Array.from({ length: 40 }, () => 'DynamoDB_20120810.BatchWriteItem'),
    ],
  );
  for (const request of sent) {
    assert.equal(request.headers['x-amz-security-token'], LAMBDA_CREDENTIALS.AWS_SESSION_TOKEN);
    assert.equal(request.headers.authorization, authorizationOf(request));
    assert.equal(request.headers['content-length'], String(Buffer.byteLength(request.body)));
  }
});

test('the packaged function recognizes an expired session by the error of a failed condition', async () => {
  const table = await createTable('connect-dynamodb');
  await putItems(table, [{ id: { S: 'sess:1' }, userId: { S: '2' }, expires: { N: '1' } }]);
  const env = { ...environment, ...LAMBDA_CREDENTIALS, SESSIONS_TABLE: table, SESSION_LAYOUT: 'connect-dynamodb' };
  assert.equal(await runUnzipped(zip, env, event), '200 {"jsonrpc":"2.0","id":null,"result":false}');
});

test('the packaged function answers 500 when the environment has no credentials', async () => {
  assert.match(await runUnzipped(zip, environment, event), /^500 /);
});

/** The authorization header of the request with Lambda's credentials: AWS Signature Version 4. */
function authorizationOf({ headers, body }: Sent): string {
  const service = String(headers['x-amz-target']).startsWith('DynamoDB') ? 'dynamodb' : 'secretsmanager';
  const scope = `${headers['x-amz-date']?.slice(0, 8)}/us-east-1/${service}/aws4_request`;
  const [, signed = ''] = /SignedHeaders=(.*), /.exec(headers.authorization ?? '') ?? [];
  assert.ok(signed.split(';').includes('x-amz-security-token'));
  const lines = signed.split(';').map((name) => `${name}:${headers[name]}\n`);
  const request = ['POST', '/', '', lines.join(''), signed, sha256(body)].join('\n');
  let key = Buffer.from(`AWS4${LAMBDA_CREDENTIALS.AWS_SECRET_ACCESS_KEY}`);
  for (const part of scope.split('/')) key = createHmac('sha256', key).update(part).digest();
  const toSign = ['AWS4-HMAC-SHA256', headers['x-amz-date'], scope, sha256(request)].join('\n');
  const signature = createHmac('sha256', key).update(toSign).digest('hex');
  const credential = `${LAMBDA_CREDENTIALS.AWS_ACCESS_KEY_ID}/${scope}`;
  return `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=${signed}, Signature=${signature}`;
}

function sha256(content: string): string {
  return createHash('sha256').update(content).digest('hex');
}

/** The Unix modes of the files in a zip, in octal: APPNOTE.TXT 4.3.12, central directory header. */
function modesIn(zip: Buffer): Record<string, string> {
  const modes: Record<string, string> = {};
  for (let at = zip.indexOf('PK\x01\x02', 0, 'latin1'); at !== -1; at = zip.indexOf('PK\x01\x02', at + 46, 'latin1')) {
    const name = zip.subarray(at + 46, at + 46 + zip.readUInt16LE(at + 28)).toString();
    modes[name] = (zip.readUInt32LE(at + 38) >>> 16).toString(8);
  }
  return modes;
}
