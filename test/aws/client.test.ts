// How the clients of AWS are set up, as far as it shows.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newDynamoDB, newSecretsManager } from '../../lib/aws/client.ts';
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
