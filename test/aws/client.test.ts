// How the clients of AWS are set up, as far as it shows.
import assert from 'node:assert/strict';
import { createServer, type ServerResponse } from 'node:http';
import { after, test } from 'node:test';
import { ListTablesCommand } from '@aws-sdk/client-dynamodb';
import { newDynamoDB, newSecretsManager } from '../../lib/aws/client.ts';
import { listen } from '../local/listen.ts';
import { startProxiedAws, startRoute } from '../setup/route.ts';

const { capture } = await startProxiedAws();

test('a request to AWS has no user agent and no trace of the function', async () => {
  const lambda = { AWS_LAMBDA_FUNCTION_NAME: 'logout', _X_AMZN_TRACE_ID: 'Root=1-5759e988-bd862e3fe1be46a994272793' };
  const sent = await capture(async () => (await startRoute(lambda)).logout('1'));
  const ours = sent.filter(({ operation }) => ['GetSecretValue', 'Query'].includes(operation));
  assert.equal(ours.length, 2);
  for (const { headers } of ours) {
    assert.ok(headers['content-length']);
    for (const name of ['user-agent', 'x-amz-user-agent', 'x-amzn-trace-id']) assert.ok(!(name in headers), name);
  }
});

for (const value of ['true', 'false']) {
  test(`FIPS and dual-stack endpoints are used when the variables for them are true: ${value}`, async () => {
    Object.assign(process.env, { AWS_USE_FIPS_ENDPOINT: value, AWS_USE_DUALSTACK_ENDPOINT: value });
    for (const { config } of [newDynamoDB(1), newSecretsManager()]) {
      const used = [await config.useFipsEndpoint(), await config.useDualstackEndpoint()];
      assert.deepEqual(used, [value === 'true', value === 'true']);
    }
  });
}

test('a request that we end ourselves closes no connection but its own', async () => {
  let connections = 0;
  let held: ((response: ServerResponse) => void) | undefined;
  const server = createServer((_, response) => {
    if (held) held(response);
    else response.writeHead(200, { 'content-type': 'application/x-amz-json-1.0' }).end('{}');
  }).on('connection', () => connections++);
  const { url, close } = await listen(server);
  after(close);
  const before = process.env.AWS_ENDPOINT_URL_DYNAMODB;
  process.env.AWS_ENDPOINT_URL_DYNAMODB = url;
  const client = newDynamoDB(1);
  const send = (abortSignal?: AbortSignal) => client.send(new ListTablesCommand({}), { abortSignal });
  await Promise.all([send(), send()]);
  assert.equal(connections, 2);

  const ours = new AbortController();
  held = () => ours.abort();
  await assert.rejects(send(ours.signal), { name: 'AbortError' });
  held = undefined;
  await send();
  assert.equal(connections, 2, 'the other connection is used again');
  process.env.AWS_ENDPOINT_URL_DYNAMODB = before;
});
