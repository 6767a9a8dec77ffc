// Validator records over time: how often they are read, and what is used while they cannot be. The test sets the clock.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { CreateSecretCommand, DeleteSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { answer, garbled, refuse, reset, silence, trickle } from '../faults/faults.ts';
import { assertAccepted, assertFault, assertRefused } from '../setup/answers.ts';
import type { Fault } from '../setup/proxy.ts';
import { pass, startRecords } from '../setup/records.ts';
import { junkToken, newClaims, newRecord, signToken, storeRecord, tokenOf } from '../setup/tokens.ts';

const MAX_AGE = 300; // seconds, by default
const COOLDOWN = 30;
const RETRY = 2;
const HOUR = 3600;

const { startWithSecrets, warm, rotated, secrets, dynamodb, table } = await startRecords();
const aws = new SecretsManagerClient();

describe('requests to Secrets Manager', () => {
  const reads = (secretId: string, work: () => Promise<unknown>) => secrets.requests(secretId, work);

  test('Secrets Manager is not called for tokens that verify, until the record reaches its max age', async () => {
    const { record, secretId, send } = await warm();
    const token = await tokenOf(record);
    const many = async () => {
      for (let n = 0; n < 20; n++) assertAccepted(await send(token));
    };
    assert.deepEqual(await reads(secretId, many), []);
    pass(MAX_AGE - 245);
    assert.deepEqual(await reads(secretId, many), []);
    pass(245);
    assert.equal((await reads(secretId, async () => assertAccepted(await send(await tokenOf(record))))).length, 1);
  });

  test('Secrets Manager is called once for many tokens of a new key that arrive together', async () => {
    const { fresh, secretId, send } = await rotated();
    const token = await tokenOf(fresh);
    const together = () => Promise.all(Array.from({ length: 20 }, () => send(token)));
    const operations = await reads(secretId, async () => {
      for (const answer of await together()) assertAccepted(answer);
    });
    assert.deepEqual(operations, ['GetSecretValue']);
  });

  test('Secrets Manager is called once for a start and many requests together', async () => {
    const record = newRecord();
    const secretId = await storeRecord(record);
    const token = await tokenOf(record);
    const operations = await reads(secretId, async () => {
      const send = await startWithSecrets([secretId]);
      for (const answer of await Promise.all(Array.from({ length: 20 }, () => send(token)))) assertAccepted(answer);
    });
    assert.deepEqual(operations, ['GetSecretValue']);
  });

  test('Secrets Manager is called once for many requests together after a start that found no record', async () => {
    const record = newRecord();
    const secretId = `validator-${randomUUID()}`;
    const send = await startWithSecrets([secretId]);
    await aws.send(new CreateSecretCommand({ Name: secretId, SecretString: JSON.stringify(record) }));
    const token = await tokenOf(record);
    const operations = await reads(secretId, async () => {
      for (const answer of await Promise.all(Array.from({ length: 20 }, () => send(token)))) assertAccepted(answer);
    });
    assert.deepEqual(operations, ['GetSecretValue']);
  });

  test('a record is reloaded once in 30 s under thousands of junk tokens, and DynamoDB is not called', async () => {
    const { record, secretId, send } = await warm();
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
      for (let n = 0; n < count; n++) assert.equal((await send(kinds[n % kinds.length] ?? '')).status, 401);
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

  test('Secrets Manager is never asked for a stage other than AWSCURRENT and AWSPREVIOUS', async () => {
    const sent = await secrets.capture(async () => {
      const { send } = await rotated();
      await send(await junkToken());
    });
    const reads = sent.filter(({ operation }) => operation === 'GetSecretValue');
    const stages = reads.map(({ body }) => JSON.parse(body).VersionStage);
    assert.deepEqual(stages, ['AWSCURRENT', 'AWSCURRENT', 'AWSPREVIOUS']); // at the start, then for the junk token
  });
});

describe('a record that cannot be read', () => {
  const faults: Record<string, [status: 500 | 503, reason: string, fault: Fault]> = {
    missing: [500, 'record_missing', refuse(400, 'ResourceNotFoundException')],
    'denied to us': [500, 'record_refused', refuse(400, 'AccessDeniedException')],
    broken: [500, 'record_invalid', answer(200, '{"SecretString":"{}"}')],
    'garbled on its way': [500, 'record_refused', garbled],
    unavailable: [503, 'aws_unavailable', refuse(500, 'InternalServiceError')],
  };
  for (const [what, [status, reason, fault]] of Object.entries(faults)) {
    test(`a record that is ${what} is asked for once in two seconds, however many tokens come`, async () => {
      const record = newRecord();
      const secretId = await storeRecord(record);
      secrets.inject('GetSecretValue', secretId, fault);
      const send = await startWithSecrets([secretId]);
      const tokens = [
        await tokenOf(record),
        await junkToken(),
        await signToken(record.secret_key, newClaims({ iss: 'x' })),
      ];
      const sendMany = (count: number) => async () => {
        for (let n = 0; n < count; n++) assertFault(await send(tokens[n % 3] ?? ''), status, reason);
      };
      for (const _ of 'twice') {
        assert.notEqual((await secrets.requests(secretId, sendMany(1))).length, 0); // several, where the SDK retries
        assert.equal((await secrets.requests(secretId, sendMany(40))).length, 0);
        pass(RETRY - 1);
        assert.equal((await secrets.requests(secretId, sendMany(40))).length, 0);
        pass(1);
      }
      secrets.clearFaults(secretId);
      pass(RETRY);
      assertAccepted(await send(await tokenOf(record)));
    });
  }

  test('a failure is remembered beside a record that verifies other tokens', async () => {
    const [broken, good] = [await storeRecord('{}'), newRecord()];
    const send = await startWithSecrets([broken, await storeRecord(good)]);
    const flood = async () => {
      for (let n = 0; n < 20; n++) assertAccepted(await send(await tokenOf(good)));
      for (let n = 0; n < 20; n++) assertFault(await send(await junkToken()), 500, 'record_invalid');
    };
    assert.equal((await secrets.requests(broken, flood)).length, 1);
  });

  test('a record that was broken beyond its max age is asked for once in two seconds, and then serves', async () => {
    const { record, secretId, send } = await warm();
    await storeRecord('{}', secretId);
    pass(MAX_AGE);
    const flood = async () => {
      for (let n = 0; n < 40; n++) assertFault(await send(await tokenOf(record)), 500, 'record_invalid');
    };
    assert.equal((await secrets.requests(secretId, flood)).length, 1);
    await storeRecord(record, secretId);
    pass(RETRY);
    assertAccepted(await send(await tokenOf(record)));
  });

  test('a read that a request’s own deadline cut off is repeated by the next request', async () => {
    const record = newRecord();
    const secretId = await storeRecord(record);
    secrets.inject('GetSecretValue', secretId, reset);
    const send = await startWithSecrets([secretId]);
    secrets.clearFaults(secretId);
    secrets.inject('GetSecretValue', secretId, trickle);
    assertFault(await send(await tokenOf(record), {}, 3000), 503, 'deadline');
    secrets.clearFaults(secretId);
    assertAccepted(await send(await tokenOf(record)));
  });

  test('a reload that a request’s own deadline cut off is repeated by the next request', async () => {
    const { fresh, secretId, send } = await rotated();
    secrets.inject('GetSecretValue', secretId, trickle);
    assertFault(await send(await tokenOf(fresh), {}, 3000), 503, 'deadline');
    secrets.clearFaults(secretId);
    assertAccepted(await send(await tokenOf(fresh)));
  });

  test('a new key is found two seconds after a reload that got no answer', async () => {
    const { fresh, secretId, send } = await rotated();
    secrets.inject('GetSecretValue', secretId, refuse(500, 'InternalServiceError'));
    assertFault(await send(await tokenOf(fresh)), 503, 'aws_unavailable');
    secrets.clearFaults(secretId);
    pass(RETRY - 1);
    const again = async () => assertFault(await send(await tokenOf(fresh)), 503, 'aws_unavailable');
    assert.deepEqual(await secrets.requests(secretId, again), []);
    pass(1);
    assertAccepted(await send(await tokenOf(fresh)));
  });

  test('one request that waits for a read does not end the read for another, which has more time', async () => {
    const record = newRecord();
    const secretId = await storeRecord(record);
    secrets.inject('GetSecretValue', secretId, reset);
    const send = await startWithSecrets([secretId]);
    secrets.clearFaults(secretId);
    secrets.inject('GetSecretValue', secretId, async ({ forward, relay }) => {
      await sleep(1500);
      await relay(await forward());
    });
    const token = await tokenOf(record);
    const [hurried, patient] = await Promise.all([send(token, {}, 2500), send(token)]);
    assertFault(hurried, 503, 'deadline');
    assertAccepted(patient);
  });
});

describe('a read that takes long', () => {
  /** The first attempt gets no answer within the two seconds that it has; the SDK's second one does. */
  const slowly = (secretId: string) => secrets.inject('GetSecretValue', secretId, silence, 1);

  test('a read of a record may take as long as its retries when the last good one is too old to serve', async () => {
    const { record, secretId, send } = await warm();
    pass(HOUR);
    slowly(secretId);
    assertAccepted(await send(await tokenOf(record)), { stale_record: 0 });
  });

  test('a read of a record may take as long as its retries when the last good one was taken away', async () => {
    const { record, secretId, send } = await warm();
    await storeRecord('{}', secretId);
    await send(await junkToken());
    await storeRecord(record, secretId);
    pass(MAX_AGE);
    slowly(secretId);
    assertAccepted(await send(await tokenOf(record)), { stale_record: 0 });
  });

  test('the last good record serves when a read takes longer than two seconds, and for 30 s more', async () => {
    const { record, secretId, send } = await warm();
    pass(MAX_AGE);
    secrets.inject('GetSecretValue', secretId, trickle);
    assertAccepted(await send(await tokenOf(record)), { stale_record: 1 });
    pass(COOLDOWN - 1);
    const again = async () => assertAccepted(await send(await tokenOf(record)), { stale_record: 1 });
    assert.deepEqual(await secrets.requests(secretId, again), []);
    secrets.clearFaults(secretId);
    pass(1);
    assertAccepted(await send(await tokenOf(record)), { stale_record: 0 });
  });
});

describe('an outage of Secrets Manager', () => {
  async function outage(secretId: string, work: () => Promise<void>): Promise<void> {
    secrets.inject('GetSecretValue', secretId, reset);
    await work();
    secrets.clearFaults(secretId);
  }

  test('the last good record stays in use for an hour of an outage; then a 503 is returned until it ends', async () => {
    const { record, secretId, send } = await warm();
    await outage(secretId, async () => {
      pass(MAX_AGE);
      assertAccepted(await send(await tokenOf(record)), { stale_record: 1 });
      pass(HOUR - MAX_AGE - 1);
      assertAccepted(await send(await tokenOf(record)), { stale_record: 1 });
      pass(1);
      assertFault(await send(await tokenOf(record)), 503, 'aws_unavailable');
    });
    pass(RETRY);
    assertAccepted(await send(await tokenOf(record)), { stale_record: 0 });
  });

  test('Secrets Manager is called again 30 s after a failed read, and the record it then has is used', async () => {
    const { record, secretId, send } = await warm();
    pass(MAX_AGE);
    await outage(secretId, async () => assertAccepted(await send(await tokenOf(record)), { stale_record: 1 }));
    await storeRecord(newRecord({ previous_key_grace_seconds: 0 }), secretId);
    pass(COOLDOWN - 1);
    const again = async () => assertAccepted(await send(await tokenOf(record)), { stale_record: 1 });
    assert.deepEqual(await secrets.requests(secretId, again), []);
    pass(1);
    assertRefused(await send(await tokenOf(record)), 'signature');
  });

  test('a reload that succeeds ends the pause of 30 s after a failed read', async () => {
    const old = newRecord();
    const secretId = await storeRecord(old);
    const send = await startWithSecrets([secretId], { VALIDATOR_MAX_AGE_SECONDS: '0' });
    await outage(secretId, async () => assertAccepted(await send(await tokenOf(old)), { stale_record: 1 }));
    const fresh = newRecord();
    await storeRecord(fresh, secretId);
    assertAccepted(await send(await tokenOf(fresh)), { stale_record: 0 });
    const again = async () => assertAccepted(await send(await tokenOf(fresh)), { stale_record: 0 });
    assert.deepEqual(await secrets.requests(secretId, again), ['GetSecretValue']);
  });

  test('a 503 is returned after a cold start while Secrets Manager is down, and for two seconds more', async () => {
    const record = newRecord();
    const secretId = await storeRecord(record);
    await outage(secretId, async () => {
      const send = await startWithSecrets([secretId]);
      assertFault(await send(await tokenOf(record)), 503, 'aws_unavailable');
      secrets.clearFaults(secretId);
      pass(RETRY - 1);
      assertFault(await send(await tokenOf(record)), 503, 'aws_unavailable');
      pass(1);
      assertAccepted(await send(await tokenOf(record)), { stale_record: 0 });
    });
  });

  test('a 503, not a 401, is returned while Secrets Manager is down for a token whose key may be new', async () => {
    const { fresh, secretId, send } = await rotated({ previous_key_grace_seconds: 0 });
    await outage(secretId, async () => {
      assertFault(await send(await tokenOf(fresh)), 503, 'aws_unavailable');
      const again = async () => assertFault(await send(await tokenOf(fresh)), 503, 'aws_unavailable');
      assert.deepEqual(await secrets.requests(secretId, again), []);
    });
    pass(COOLDOWN);
    assertAccepted(await send(await tokenOf(fresh)));
  });

  test('an old key is accepted within its grace period while Secrets Manager is down', async () => {
    const { old, secretId, send } = await rotated();
    pass(MAX_AGE);
    assertAccepted(await send(await tokenOf(old)), { key_stage: 'previous' });
    pass(COOLDOWN);
    await outage(secretId, async () => assertAccepted(await send(await tokenOf(old)), { key_stage: 'previous' }));
  });

  test('a 503, not a 401, is returned for a token of the old key while only that key cannot be read', async () => {
    const { old, fresh, secretId, send } = await rotated();
    assertAccepted(await send(await tokenOf(fresh)));
    await outage(secretId, async () => {
      assertFault(await send(await tokenOf(old)), 503, 'aws_unavailable');
      const again = async () => assertFault(await send(await tokenOf(old)), 503, 'aws_unavailable');
      assert.deepEqual(await secrets.requests(secretId, again), []);
    });
    pass(COOLDOWN);
    assertAccepted(await send(await tokenOf(old)), { key_stage: 'previous' });
  });
});

describe('a record that is taken away', () => {
  const ways: Record<string, { reason: string; fault: string; remove: (secretId: string) => Promise<unknown> }> = {
    deleted: {
      reason: 'record_missing',
      fault: 'it does not exist$',
      remove: (SecretId) => aws.send(new DeleteSecretCommand({ SecretId, ForceDeleteWithoutRecovery: true })),
    },
    'created again without a value': {
      reason: 'record_missing',
      fault: 'it has no value$',
      remove: async (Name) => {
        await aws.send(new DeleteSecretCommand({ SecretId: Name, ForceDeleteWithoutRecovery: true }));
        await aws.send(new CreateSecretCommand({ Name }));
      },
    },
    'marked for deletion': {
      reason: 'record_missing',
      fault: 'it is marked for deletion$',
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
    test(`a record that is ${name} stays in use until its max age; then a 500, never a 401, is returned`, async () => {
      const { record, secretId, send } = await warm();
      await remove(secretId);
      pass(MAX_AGE - 1);
      assertAccepted(await send(await tokenOf(record)));
      assertFault(await send(await junkToken()), 500, reason); // its key may be a new one
      assertAccepted(await send(await tokenOf(record)));
      pass(1);
      const answer = await send(await tokenOf(record));
      assertFault(answer, 500, reason);
      assert.match(String(answer.audit.fault), new RegExp(`^validator record ${secretId}: .*${fault}`));
      assertFault(await send(await junkToken()), 500, reason);
    });

    test(`a record that was found to be ${name} is not used again in an outage`, async () => {
      const { record, secretId, send } = await warm();
      await remove(secretId);
      await send(await junkToken());
      secrets.clearFaults(secretId);
      secrets.inject('GetSecretValue', secretId, reset);
      assertAccepted(await send(await tokenOf(record)));
      pass(MAX_AGE);
      assertFault(await send(await tokenOf(record)), 503, 'aws_unavailable');
    });
  }

  test('a record in use during an outage is dropped once it is found to be broken', async () => {
    const { record, secretId, send } = await warm();
    pass(MAX_AGE);
    secrets.inject('GetSecretValue', secretId, reset);
    assertAccepted(await send(await tokenOf(record)), { stale_record: 1 });
    secrets.clearFaults(secretId);
    await storeRecord('{}', secretId);
    await send(await junkToken());
    assertFault(await send(await tokenOf(record)), 500, 'record_invalid');
  });

  test('a record that was broken and then repaired stays in use during the next outage', async () => {
    const { record, secretId, send } = await warm();
    await storeRecord('{}', secretId);
    await send(await junkToken());
    await storeRecord(record, secretId);
    pass(MAX_AGE);
    assertAccepted(await send(await tokenOf(record)), { stale_record: 0 });
    secrets.inject('GetSecretValue', secretId, reset);
    pass(MAX_AGE);
    assertAccepted(await send(await tokenOf(record)), { stale_record: 1 });
  });

  test('a broken record is used two seconds after it is repaired', async () => {
    const record = newRecord();
    const secretId = await storeRecord('{}');
    const send = await startWithSecrets([secretId]);
    assertFault(await send(await tokenOf(record)), 500, 'record_invalid');
    await storeRecord(record, secretId);
    pass(RETRY);
    assertAccepted(await send(await tokenOf(record)));
  });
});
