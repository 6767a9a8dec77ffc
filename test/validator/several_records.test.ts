// Several validator records: each caller has its own, and none gets in the way of another.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { DeleteSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { reset } from '../faults/faults.ts';
import { assertAccepted, assertFault, assertRefused } from '../setup/answers.ts';
import { type Send, startRecords } from '../setup/records.ts';
import { junkToken, newClaims, newRecord, signToken, storeRecord, tokenOf } from '../setup/tokens.ts';

const { startWithSecrets, secrets } = await startRecords();
const aws = new SecretsManagerClient();

describe('several records', () => {
  async function callers(...records: unknown[]): Promise<{ secretIds: string[]; send: Send }> {
    const secretIds = await Promise.all(records.map((record) => storeRecord(record)));
    return { secretIds, send: await startWithSecrets(secretIds) };
  }
  const one = newRecord({ name: 'one' });
  const two = newRecord({ name: 'two', secret_algorithm: 'HS512' });
  const three = newRecord({ name: 'three', audience: 'c' });

  test('each of several callers is accepted by its own record, and the audit record names it', async () => {
    const { send } = await callers(one, two, three);
    assertAccepted(await send(await tokenOf(one)), { validator: 'one' });
    assertAccepted(await send(await signToken(two.secret_key, newClaims(), { alg: 'HS512' })), { validator: 'two' });
    const token = await signToken(three.secret_key, newClaims({ aud: 'c' }));
    const answer = await send(token);
    assertAccepted(answer, { validator: 'three' });
    assert.equal(answer.audit.fault, undefined);
  });

  test('the first of several records that verifies the token decides', async () => {
    const twin = { ...one, name: 'twin', allowed_emails: ['nobody'] };
    const token = await tokenOf(one);
    assertAccepted(await (await callers(two, one, twin)).send(token), { validator: 'one' });
    assert.equal((await (await callers(two, twin, one)).send(token)).status, 403);
  });

  test('a token that no record verifies is refused for the reason of the record that came closest', async () => {
    const { send } = await callers(two, one, three);
    assertRefused(await send(await junkToken()), 'signature');
    assertRefused(await send(await tokenOf(three)), 'audience');
    assertRefused(await send(await signToken(one.secret_key, newClaims({ exp: 1 }))), 'expired');
  });

  test('a broken record does not stop the other records, and the audit record names it', async () => {
    const { secretIds, send } = await callers({ ...two, secret_key: 'short' }, one);
    assertAccepted(await send(await tokenOf(one)), {
      validator: 'one',
      fault: `validator record ${secretIds[0]}: secret_key is shorter than the 64 bytes of HS512: use a longer one, or set allow_short_key while you migrate`,
    });
    assertFault(await send(await junkToken()), 500, 'record_invalid');
  });

  test('a 500, not a 401, is returned when the token may be meant for a broken record', async () => {
    const { send } = await callers(one, '{}');
    assertFault(await send(await signToken(one.secret_key, newClaims({ exp: 1 }))), 500, 'record_invalid');
  });

  test('a record that is missing or cannot be read does not stop the other records', async () => {
    const [missing = '', down = '', good = ''] = await Promise.all(
      [one, two, three].map((record) => storeRecord(record)),
    );
    await aws.send(new DeleteSecretCommand({ SecretId: missing }));
    secrets.inject('GetSecretValue', down, reset);
    const send = await startWithSecrets([missing, down, good]);
    const token = await signToken(three.secret_key, newClaims({ aud: 'c' }));
    assertAccepted(await send(token), { validator: 'three' });
  });

  test('each of several records is reloaded at most once in 30 s, and rotated on its own', async () => {
    const { secretIds, send } = await callers(one, three);
    assertAccepted(await send(await tokenOf(one)));
    const fresh = newRecord({ name: 'fresh', audience: 'c' });
    await storeRecord(fresh, secretIds[1]);
    const token = await signToken(fresh.secret_key, newClaims({ aud: 'c' }));
    assertAccepted(await send(token), { validator: 'fresh', key_stage: 'current' });
    const old = await signToken(three.secret_key, newClaims({ aud: 'c' }));
    assertAccepted(await send(old), { validator: 'fresh', key_stage: 'previous' });
    for (const secretId of secretIds) {
      const flood = async () => {
        for (let n = 0; n < 50; n++) assertRefused(await send(await junkToken()), 'signature');
      };
      assert.deepEqual(await secrets.requests(secretId, flood), []);
    }
  });
});
