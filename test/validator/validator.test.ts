// Validator records over time: how often they are read, and what serves when they cannot be. The clock is the test's.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, test } from 'node:test';
import { CreateSecretCommand, DeleteSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { refuse, reset } from '../faults/faults.ts';
import { assertAccepted, assertFault, assertRefused, pass, startJudge } from '../setup/judge.ts';
import { junkToken, newClaims, newRecord, signToken, storeRecord, tokenOf } from '../setup/tokens.ts';

const MAX_AGE = 300; // seconds, by default
const COOLDOWN = 30;
const HOUR = 3600;

const { judgeBy, warm, rotated, secrets, dynamodb, table } = await startJudge();
const aws = new SecretsManagerClient();

describe('requests to Secrets Manager', () => {
  const reads = (secretId: string, work: () => Promise<unknown>) => secrets.requests(secretId, work);

  test('are none for tokens that verify, until the max age', async () => {
    const { record, secretId, judge } = await warm();
    const token = await tokenOf(record);
    const many = async () => {
      for (let n = 0; n < 20; n++) assertAccepted(await judge(token));
    };
    assert.deepEqual(await reads(secretId, many), []);
    pass(MAX_AGE - 245);
    assert.deepEqual(await reads(secretId, many), []);
    pass(245);
    assert.equal((await reads(secretId, async () => assertAccepted(await judge(await tokenOf(record))))).length, 1);
  });

  test('are one for many tokens of the new key that come together', async () => {
    const { fresh, secretId, judge } = await rotated();
    const token = await tokenOf(fresh);
    const together = () => Promise.all(Array.from({ length: 20 }, () => judge(token)));
    const operations = await reads(secretId, async () => {
      for (const verdict of await together()) assertAccepted(verdict);
    });
    assert.deepEqual(operations, ['GetSecretValue']);
  });

  test('are one for a start and many requests together', async () => {
    const record = newRecord();
    const secretId = await storeRecord(record);
    const token = await tokenOf(record);
    const operations = await reads(secretId, async () => {
      const judge = await judgeBy([secretId]);
      for (const verdict of await Promise.all(Array.from({ length: 20 }, () => judge(token)))) assertAccepted(verdict);
    });
    assert.deepEqual(operations, ['GetSecretValue']);
  });

  test('are one for many requests together after a start that found no record', async () => {
    const record = newRecord();
    const secretId = `validator-${randomUUID()}`;
    const judge = await judgeBy([secretId]);
    await aws.send(new CreateSecretCommand({ Name: secretId, SecretString: JSON.stringify(record) }));
    const token = await tokenOf(record);
    const operations = await reads(secretId, async () => {
      for (const verdict of await Promise.all(Array.from({ length: 20 }, () => judge(token)))) assertAccepted(verdict);
    });
    assert.deepEqual(operations, ['GetSecretValue']);
  });

  test('are one reload in 30 s under thousands of junk tokens, and DynamoDB hears nothing of them', async () => {
    const { record, secretId, judge } = await warm();
    pass(1);
    const claims = newClaims();
    const kinds = [
      await junkToken(),
      await signToken(record.secret_key, claims, { alg: 'HS512' }),
      (await tokenOf(record)).replace(/[^.]*$/, ''),
      await signToken(record.secret_key, newClaims({ aud: 'another' })),
      'a.b.c',
      'x'.repeat(10_000),
    ];
    const flood = (count: number) => async () => {
      for (let n = 0; n < count; n++) assert.equal((await judge(kinds[n % kinds.length] ?? '')).status, 401);
    };
    const touched = await dynamodb.requests(table, async () => {
      // The second read is AWSPREVIOUS, which does not exist: it is asked for once for each AWSCURRENT.
      assert.equal((await reads(secretId, flood(1000))).length, 2);
      pass(COOLDOWN - 1);
      assert.equal((await reads(secretId, flood(500))).length, 0);
      pass(1);
      assert.equal((await reads(secretId, flood(500))).length, 1);
    });
    assert.deepEqual(touched, []);
  });

  test('never name a stage but AWSCURRENT and AWSPREVIOUS', async () => {
    for (const [stage, count] of Object.entries({ AWSCURRENT: 1, AWSPREVIOUS: 1, AWSPENDING: 0 })) {
      const { judge } = await rotated();
      assert.equal((await secrets.requests(stage, async () => judge(await junkToken()))).length, count);
    }
  });
});

describe('while Secrets Manager is down', () => {
  async function outage(secretId: string, work: () => Promise<void>): Promise<void> {
    secrets.inject('GetSecretValue', secretId, reset);
    await work();
    secrets.heal(secretId);
  }

  test('serves the last good record for an hour, then answers 503, and recovers at once', async () => {
    const { record, secretId, judge } = await warm();
    await outage(secretId, async () => {
      pass(MAX_AGE);
      assertAccepted(await judge(await tokenOf(record)), { stale_record: 1 });
      pass(HOUR - MAX_AGE - 1);
      assertAccepted(await judge(await tokenOf(record)), { stale_record: 1 });
      pass(1);
      assertFault(await judge(await tokenOf(record)), 503, 'aws_unavailable');
    });
    assertAccepted(await judge(await tokenOf(record)), { stale_record: 0 });
  });

  test('asks again once in 30 s, and then serves the record that it finds', async () => {
    const { record, secretId, judge } = await warm();
    pass(MAX_AGE);
    await outage(secretId, async () => assertAccepted(await judge(await tokenOf(record)), { stale_record: 1 }));
    await storeRecord(newRecord({ previous_key_grace_seconds: 0 }), secretId);
    pass(COOLDOWN - 1);
    const again = async () => assertAccepted(await judge(await tokenOf(record)), { stale_record: 1 });
    assert.deepEqual(await secrets.requests(secretId, again), []);
    pass(1);
    assertRefused(await judge(await tokenOf(record)), 'signature');
  });

  test('answers 503 at a cold start, and does not cache that', async () => {
    const record = newRecord();
    const secretId = await storeRecord(record);
    await outage(secretId, async () => {
      const judge = await judgeBy([secretId]);
      assertFault(await judge(await tokenOf(record)), 503, 'aws_unavailable');
      secrets.heal(secretId);
      assertAccepted(await judge(await tokenOf(record)), { stale_record: 0 });
    });
  });

  test('answers 503, not 401, to a key that may be a new one', async () => {
    const { fresh, secretId, judge } = await rotated({ previous_key_grace_seconds: 0 });
    await outage(secretId, async () => {
      assertFault(await judge(await tokenOf(fresh)), 503, 'aws_unavailable');
      const again = async () => assertFault(await judge(await tokenOf(fresh)), 503, 'aws_unavailable');
      assert.deepEqual(await secrets.requests(secretId, again), []);
    });
    pass(COOLDOWN);
    assertAccepted(await judge(await tokenOf(fresh)));
  });

  test('accepts the old key within its grace', async () => {
    const { old, secretId, judge } = await rotated();
    pass(MAX_AGE);
    assertAccepted(await judge(await tokenOf(old)), { key_stage: 'previous' });
    pass(COOLDOWN);
    await outage(secretId, async () => assertAccepted(await judge(await tokenOf(old)), { key_stage: 'previous' }));
  });

  test('answers 503, not 401, while the old key alone cannot be read', async () => {
    const { old, fresh, secretId, judge } = await rotated();
    assertAccepted(await judge(await tokenOf(fresh)));
    await outage(secretId, async () => {
      assertFault(await judge(await tokenOf(old)), 503, 'aws_unavailable');
      const again = async () => assertFault(await judge(await tokenOf(old)), 503, 'aws_unavailable');
      assert.deepEqual(await secrets.requests(secretId, again), []);
    });
    pass(COOLDOWN);
    assertAccepted(await judge(await tokenOf(old)), { key_stage: 'previous' });
  });
});

describe('a record that is taken away', () => {
  const ways: Record<string, { reason: string; fault: string; remove: (secretId: string) => Promise<unknown> }> = {
    deleted: {
      reason: 'record_missing',
      fault: 'there is none',
      remove: (SecretId) => aws.send(new DeleteSecretCommand({ SecretId, ForceDeleteWithoutRecovery: true })),
    },
    'marked for deletion': {
      reason: 'record_missing',
      fault: 'there is none',
      remove: (SecretId) => aws.send(new DeleteSecretCommand({ SecretId })),
    },
    broken: { reason: 'record_invalid', fault: 'is missing', remove: (secretId) => storeRecord('{}', secretId) },
    'denied to us': {
      reason: 'record_refused',
      fault: 'AccessDeniedException',
      remove: async (secretId) => secrets.inject('GetSecretValue', secretId, refuse(400, 'AccessDeniedException')),
    },
    'encrypted with a key that is gone': {
      reason: 'record_refused',
      fault: 'DecryptionFailure',
      remove: async (secretId) => secrets.inject('GetSecretValue', secretId, refuse(400, 'DecryptionFailure')),
    },
  };
  for (const [name, { reason, fault, remove }] of Object.entries(ways)) {
    test(`serves until its max age when it is ${name}, then is a 500, never a 401`, async () => {
      const { record, secretId, judge } = await warm();
      await remove(secretId);
      pass(MAX_AGE - 1);
      assertAccepted(await judge(await tokenOf(record)));
      assertFault(await judge(await junkToken()), 500, reason); // its key may be a new one
      assertAccepted(await judge(await tokenOf(record)));
      pass(1);
      const verdict = await judge(await tokenOf(record));
      assertFault(verdict, 500, reason);
      assert.match(String(verdict.audit.fault), new RegExp(`^validator record ${secretId}: .*${fault}`));
      assertFault(await judge(await junkToken()), 500, reason);
    });

    test(`does not come back in an outage when it was seen ${name}`, async () => {
      const { record, secretId, judge } = await warm();
      await remove(secretId);
      await judge(await junkToken());
      secrets.heal(secretId);
      secrets.inject('GetSecretValue', secretId, reset);
      assertAccepted(await judge(await tokenOf(record)));
      pass(MAX_AGE);
      assertFault(await judge(await tokenOf(record)), 503, 'aws_unavailable');
    });
  }

  test('does not serve on in the outage that it was seen broken in', async () => {
    const { record, secretId, judge } = await warm();
    pass(MAX_AGE);
    secrets.inject('GetSecretValue', secretId, reset);
    assertAccepted(await judge(await tokenOf(record)), { stale_record: 1 });
    secrets.heal(secretId);
    await storeRecord('{}', secretId);
    await judge(await junkToken());
    assertFault(await judge(await tokenOf(record)), 500, 'record_invalid');
  });

  test('serves on in the next outage when it was back before', async () => {
    const { record, secretId, judge } = await warm();
    await storeRecord('{}', secretId);
    await judge(await junkToken());
    await storeRecord(record, secretId);
    pass(MAX_AGE);
    assertAccepted(await judge(await tokenOf(record)), { stale_record: 0 });
    secrets.inject('GetSecretValue', secretId, reset);
    pass(MAX_AGE);
    assertAccepted(await judge(await tokenOf(record)), { stale_record: 1 });
  });

  test('serves again at once when it is back', async () => {
    const record = newRecord();
    const secretId = await storeRecord('{}');
    const judge = await judgeBy([secretId]);
    assertFault(await judge(await tokenOf(record)), 500, 'record_invalid');
    await storeRecord(record, secretId);
    assertAccepted(await judge(await tokenOf(record)));
  });
});
