// What a start reads before the first request, and that its failures do no harm to requests. The test sets the clock.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { describe, test } from 'node:test';
import { DeleteSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { refuse, reset, silence, trickle } from '../faults/faults.ts';
import { assertAccepted, assertFault, assertRefused } from '../setup/answers.ts';
import { startKeyServer } from '../setup/key_server.ts';
import type { Fault } from '../setup/proxy.ts';
import { pass, type Send, startRecords } from '../setup/records.ts';
import { keyPair, newClaims, newPublicRecord, newRecord, signToken, storeRecord, tokenOf } from '../setup/tokens.ts';

const MAX_AGE = 300; // seconds, by default
const HOUR = 3600;

const { startWithSecrets, secrets, dynamodb, table } = await startRecords();
const aws = new SecretsManagerClient();

describe('a start and its first request', () => {
  test('a start reads each record and key set once, and no table; requests read no record or key set', async () => {
    const server = await startKeyServer();
    const { privateKey, jwk } = keyPair('ES256');
    server.serve({ keys: [jwk] });
    const shared = newRecord();
    const signed = newPublicRecord({ public_key_algorithm: 'ES256', public_key_jwk_uri: server.url });
    const secretIds = [await storeRecord(shared), await storeRecord(signed)];
    let send: Send;
    const start = async () => {
      send = await startWithSecrets(secretIds);
    };
    const requests = async () => {
      assertAccepted(await send(await tokenOf(shared)));
      assertAccepted(await send(await signToken(privateKey, newClaims(), { alg: 'ES256' })));
    };

    /** Reads of records, fetches of key sets and requests to DynamoDB while the work runs. */
    const counts = async (work: () => Promise<void>) => {
      let [fetches, queries] = [0, 0];
      const reads = await secrets.requests('AWSCURRENT', async () => {
        const toTable = await dynamodb.requests(table, async () => {
          fetches = await server.requests(work);
        });
        queries = toTable.length;
      });
      return [reads.length, fetches, queries];
    };
    assert.deepEqual(await counts(start), [2, 1, 0]);
    assert.deepEqual(await counts(requests), [0, 0, 2]);
  });

  test('a start does not wait for a record whose answer never ends, and reads the others', {
    timeout: 20_000,
  }, async () => {
    const [one, two, three] = [newRecord(), newRecord(), newRecord()];
    const secretIds = await Promise.all([one, two, three].map((record) => storeRecord(record)));
    const hanging = secretIds[1] ?? assert.fail();
    secrets.inject('GetSecretValue', hanging, trickle);
    const send = await startWithSecrets(secretIds);
    secrets.clearFaults(hanging);
    for (const [record, reads] of [
      [one, 0],
      [three, 1],
      [two, 0],
    ] as const) {
      const token = await tokenOf(record);
      const operations = await secrets.requests('AWSCURRENT', async () => assertAccepted(await send(token)));
      assert.equal(operations.length, reads, 'the second record is read when a request needs it');
    }
  });

  test('a first request hours after the start is judged by the record as it is then', async () => {
    const old = newRecord({ previous_key_grace_seconds: 0 });
    const fresh = newRecord({ previous_key_grace_seconds: 0 });
    const secretId = await storeRecord(old);
    const [send, sendInOutage] = [await startWithSecrets([secretId]), await startWithSecrets([secretId])];
    await storeRecord(fresh, secretId);
    pass(8 * HOUR);
    assertRefused(await send(await tokenOf(old)), 'signature');
    assertAccepted(await send(await tokenOf(fresh)), { stale_record: 0 });
    secrets.inject('GetSecretValue', secretId, reset);
    assertFault(await sendInOutage(await tokenOf(old)), 503, 'aws_unavailable');
  });

  test('a record that is deleted before the first request stays in use until its max age, and no longer', async () => {
    const record = newRecord();
    const secretId = await storeRecord(record);
    const send = await startWithSecrets([secretId]);
    await aws.send(new DeleteSecretCommand({ SecretId: secretId }));
    pass(MAX_AGE - 1);
    assertAccepted(await send(await tokenOf(record)));
    pass(1);
    assertFault(await send(await tokenOf(record)), 500, 'record_missing');
  });
});

describe('a start that fails', () => {
  const faults: Record<string, Fault> = {
    'while Secrets Manager is down': reset,
    'while Secrets Manager denies access': refuse(400, 'AccessDeniedException'),
    'that finds no record': refuse(400, 'ResourceNotFoundException'),
  };
  for (const [name, fault] of Object.entries(faults)) {
    /** A start that meets the fault whenever it asks for its record. */
    const failedStart = async () => {
      const record = newRecord();
      const secretId = await storeRecord(record);
      secrets.inject('GetSecretValue', secretId, fault);
      const send = await startWithSecrets([secretId]);
      secrets.clearFaults(secretId);
      return { record, secretId, send };
    };

    test(`the first request reads the record after a start ${name}`, async () => {
      const { record, secretId, send } = await failedStart();
      const first = async () => {
        const answer = await send(await tokenOf(record));
        assertAccepted(answer, { stale_record: 0 });
        assert.equal(answer.audit.fault, undefined);
      };
      assert.deepEqual(await secrets.requests(secretId, first), ['GetSecretValue']);
    });

    test(`the one reload in 30 s is still there for the first token of a new key after a start ${name}`, async () => {
      const { record, secretId, send } = await failedStart();
      assertAccepted(await send(await tokenOf(record)));
      const fresh = newRecord();
      await storeRecord(fresh, secretId);
      assertAccepted(await send(await tokenOf(fresh)));
    });

    test(`a record stays in use during an outage after a start ${name}`, async () => {
      const { record, secretId, send } = await failedStart();
      assertAccepted(await send(await tokenOf(record)));
      secrets.inject('GetSecretValue', secretId, reset);
      pass(MAX_AGE);
      assertAccepted(await send(await tokenOf(record)), { stale_record: 1 });
    });
  }
});

describe('a start without a request', () => {
  const faults: Record<string, Fault | undefined> = {
    'reads its record': undefined,
    'cannot reach Secrets Manager': reset,
    'finds no record': refuse(400, 'ResourceNotFoundException'),
    'waits for an answer': silence,
    'gets an endless answer': trickle,
  };
  for (const [name, fault] of Object.entries(faults)) {
    test(`a process that starts and ${name} ends by itself and prints nothing`, { timeout: 20_000 }, async () => {
      const secretId = await storeRecord(newRecord());
      if (fault) secrets.inject('GetSecretValue', secretId, fault);
      const env = { ...process.env, SESSIONS_TABLE: table, VALIDATOR_SECRET_IDS: secretId };
      const ended = await new Promise((resolve) => {
        const child = execFile(process.execPath, ['functions/logout_user.ts'], { env }, (_, stdout, stderr) =>
          resolve({ code: child.exitCode, output: stdout + stderr }),
        );
      });
      assert.deepEqual(ended, { code: 0, output: '' });
    });
  }
});
