// The zip that `npm run package` makes: how small it is, what it leaves out of the SDK, and what it still finds.
import assert from 'node:assert/strict';
import { createHash, createHmac } from 'node:crypto';
import { createServer, request as forward, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { after, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import * as sdk from '@aws-sdk/client-dynamodb';
import { type BuildOptions, build } from 'esbuild';
import { LEFT_OUT, leftOut, path, REPLACED } from '../functions/left_out.ts';
import { readLayout } from '../lib/layout.ts';
import { startLocalAws } from './local/aws.ts';
import { gatewayEvent } from './local/lambda.ts';
import { listen } from './local/listen.ts';
import { packageService } from './local/package.ts';
import { createTable, newSessions, putItems } from './local/tables.ts';
import { newRecord, signToken, storeRecord } from './local/tokens.ts';
import { runUnzipped, unzip } from './local/zip.ts';

const MAX_BYTES = 260_000;
const MAX_GZIPPED_BYTES = 80_000;
const LAMBDA_CREDENTIALS = {
  AWS_ACCESS_KEY_ID: 'ASIAEXAMPLE',
  AWS_SECRET_ACCESS_KEY: 'wJalrXUtnFEMI/K7MDENG',
  AWS_SESSION_TOKEN: 'IQoJb3JpZ2luX2VjE/token==',
};

const PLAIN = {
  bundle: true,
  write: false,
  format: 'esm',
  platform: 'node',
  mainFields: ['module', 'main'],
  plugins: [leftOut],
} as const satisfies BuildOptions;

type Sent = { headers: IncomingMessage['headers']; body: string };

const { archives } = await packageService();
const [zip = Buffer.alloc(0)] = archives;
const [[name, bundle] = ['', Buffer.alloc(0)], ...others] = Object.entries(unzip(zip));

const aws = await startLocalAws();
after(() => aws.close());
Object.assign(process.env, aws.environment);
const { AWS_ENDPOINT_URL_DYNAMODB = '', AWS_ENDPOINT_URL_SECRETS_MANAGER = '' } = aws.environment;
const endpoints = { AWS_ENDPOINT_URL_DYNAMODB, AWS_ENDPOINT_URL_SECRETS_MANAGER };
const record = newRecord();
const environment = {
  ...endpoints,
  AWS_REGION: 'us-east-1',
  SESSIONS_TABLE: await createTable(readLayout('default')),
  VALIDATOR_SECRET_IDS: await storeRecord(record),
};
const event = gatewayEvent({ userId: '2', token: await signToken(record.secret_key) });

test('is one CommonJS file, small enough to load fast', () => {
  assert.deepEqual([name, others], ['functions/logout_user.cjs', []]);
  assert.ok(bundle.length <= MAX_BYTES, `${bundle.length} bytes`);
  const gzipped = gzipSync(bundle, { level: 9 }).length;
  assert.ok(gzipped <= MAX_GZIPPED_BYTES, `${gzipped} bytes gzipped`);
});

test('signs every request with the credentials that Lambda hands over, session token and all', async () => {
  await putItems(environment.SESSIONS_TABLE, newSessions('2', 1000)); // the last batches go the way that the first found
  const sent: Sent[] = [];
  const listeners = {
    AWS_ENDPOINT_URL_DYNAMODB: await listenTo(endpoints.AWS_ENDPOINT_URL_DYNAMODB, sent),
    AWS_ENDPOINT_URL_SECRETS_MANAGER: await listenTo(endpoints.AWS_ENDPOINT_URL_SECRETS_MANAGER, sent),
  };
  const answer = await runUnzipped(zip, { ...environment, ...LAMBDA_CREDENTIALS, ...listeners }, event);
  assert.equal(answer, '200 {"jsonrpc":"2.0","id":null,"result":true}');
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
    assert.equal(request.headers['user-agent'], 'auth-logout-user');
    assert.equal(request.headers['content-length'], String(Buffer.byteLength(request.body)));
  }
});

test('tells the errors of AWS apart: that a session is expired is told by a condition that fails', async () => {
  const table = await createTable(readLayout('connect-dynamodb'));
  await putItems(table, [{ id: { S: 'sess:1' }, userId: { S: '2' }, expires: { N: '1' } }]);
  const env = { ...environment, ...LAMBDA_CREDENTIALS, SESSIONS_TABLE: table, SESSION_LAYOUT: 'connect-dynamodb' };
  assert.equal(await runUnzipped(zip, env, event), '200 {"jsonrpc":"2.0","id":null,"result":false}');
});

test('answers 500 when no credentials are in the environment', async () => {
  assert.match(await runUnzipped(zip, environment, event), /^500 /);
});

test('answers 500 when the environment names a file of AWS settings, which it does not read', async () => {
  const env = { ...environment, ...LAMBDA_CREDENTIALS, AWS_CONFIG_FILE: '/opt/config' };
  assert.match(await runUnzipped(zip, env, event), /^500 /);
});

for (const { module, exports, reason, made } of LEFT_OUT) {
  test(`has nothing but a refusal in the place of ${module}`, async () => {
    const message = `${module} is left out of the package: ${reason}`;
    const left = await replaced(`export { ${exports} } from './node_modules/${module}'`);
    if (made === 'plugin') {
      for (const name of exports) assert.equal(left[name]().applyToStack(), undefined);
    } else {
      assert.ok(bundle.includes(message));
      for (const name of exports) assert.throws(() => (made ? new left[name]().get : left[name]()), { message });
    }
  });
}

test('has found each module of the SDK that is to be left out or replaced', async () => {
  const { metafile } = await build({ ...PLAIN, entryPoints: ['functions/logout_user.ts'], metafile: true });
  const modules = Object.keys(metafile.inputs).map((file) => `/${file}`);
  for (const { module } of [...LEFT_OUT, ...REPLACED]) {
    assert.ok(
      modules.some((file) => path(module).test(file)),
      module,
    );
  }
});

test('has errors with the names of the SDK, and what they say of a repetition', async () => {
  const own: Record<string, unknown> = { ...sdk };
  const errors = "'./node_modules/@aws-sdk/client-dynamodb/dist-es/models/errors.js'";
  const made = Object.entries(await replaced(`export * from ${errors}`));
  assert.ok(made.length > 30);
  for (const [name, Made] of made) assert.deepEqual(told(Made), told(own[name]), name);
});

test('has nothing of what it replaces', () => {
  for (const [what, telltale] of Object.entries({
    'files of settings': 'Not found in config files',
    'error classes': 'com.amazonaws.dynamodb#TableNotFoundException',
    'a table of hexadecimal numbers': '{length:256},',
    manifests: 'AWS SDK for JavaScript Dynamodb Client',
    'the SDK as user agent': 'x-amz-user-agent',
    'members bound to paths and headers': 'getHttpBindingLocation',
    'addresses remembered': 'this.parameters',
  })) {
    assert.ok(!bundle.includes(telltale), what);
  }
});

test('has its arrow functions in parentheses, so that V8 reads each only once', () => {
  assert.match(bundle.toString(), /[=,]\((async )?\w+=>/);
  assert.doesNotMatch(bundle.toString(), /[=,](async )?\w+=>/);
});

/** Bundles the code as the package has it, and loads it. */
async function replaced(contents: string) {
  const { outputFiles } = await build({ ...PLAIN, stdin: { contents, resolveDir: process.cwd() } });
  return await import(`data:text/javascript,${encodeURIComponent(outputFiles[0]?.text ?? '')}`);
}

function told(ErrorOfSdk: unknown): unknown[] {
  assert.ok(typeof ErrorOfSdk === 'function');
  const error = Reflect.construct(ErrorOfSdk, [{ $metadata: {}, message: '' }]);
  return [error.name, error.$retryable, error instanceof ErrorOfSdk, error instanceof Error];
}

/** Stands before a service: passes on what is sent to it, and keeps it. */
async function listenTo(service: string, sent: Sent[]): Promise<string> {
  const server = createServer(async (request, response) => {
    const { headers } = request;
    const body = await text(request);
    sent.push({ headers, body });
    const passedOn = forward(service, { method: 'POST', headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 0, answer.headers);
      answer.pipe(response);
    });
    passedOn.end(body);
  });
  const { url, close } = await listen(server);
  after(close);
  return url;
}

/** The authorization header that Lambda's credentials give the request: AWS Signature Version 4. */
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
