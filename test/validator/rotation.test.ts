// Rotation of a validator record: no token of the old key or the new one is refused too early. The test sets the clock.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  GetSecretValueCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
  UpdateSecretVersionStageCommand,
} from '@aws-sdk/client-secrets-manager';
import { assertAccepted, assertRefused } from '../setup/answers.ts';
import { pass, startRecords } from '../setup/records.ts';
import {
  junkToken,
  keyPair,
  newClaims,
  newPublicRecord,
  newRecord,
  signToken,
  storeRecord,
  tokenOf,
} from '../setup/tokens.ts';

const MAX_AGE = 300; // seconds, by default
const COOLDOWN = 30;
const HOUR = 3600;

const { startWithSecrets, warm, rotated, secrets } = await startRecords();
const aws = new SecretsManagerClient();

describe('rotation', () => {
  /** Makes the version AWSCURRENT. */
  const promote = (SecretId: string, MoveToVersionId: string | undefined) =>
    aws.send(new UpdateSecretVersionStageCommand({ SecretId, VersionStage: 'AWSCURRENT', MoveToVersionId }));

  test('a rotation accepts tokens of the new key at once, and of the old key until the grace period ends', async () => {
    const { old, fresh, send } = await rotated({ previous_key_grace_seconds: 600 });
    assertAccepted(await send(await tokenOf(fresh)), { key_stage: 'current' });
    assertAccepted(await send(await tokenOf(old)), { key_stage: 'previous' });
    pass(599);
    assertAccepted(await send(await tokenOf(old)), { key_stage: 'previous' });
    pass(1);
    assertRefused(await send(await tokenOf(old)), 'signature');
    assertAccepted(await send(await tokenOf(fresh)), { key_stage: 'current' });
  });

  test('an expired token with a good signature does not cause the record to be read again', async () => {
    const { record, secretId, send } = await warm();
    const expired = await signToken(record.secret_key, newClaims({ exp: 1 }));
    const refuse = async () => assertRefused(await send(expired), 'expired');
    assert.deepEqual(await secrets.requests(secretId, refuse), []);
  });

  test('the grace period of an old key is an hour unless the record says otherwise', async () => {
    const { old, send } = await rotated();
    pass(HOUR - 1);
    assertAccepted(await send(await tokenOf(old)), { key_stage: 'previous' });
    pass(1);
    assertRefused(await send(await tokenOf(old)), 'signature');
  });

  test('the grace period of an old key starts when the new version is created, not when it is first used', async () => {
    const { old, secretId } = await rotated({ previous_key_grace_seconds: 600 });
    pass(599);
    const send = await startWithSecrets([secretId]);
    assertAccepted(await send(await tokenOf(old)), { key_stage: 'previous' });
    pass(1);
    assertRefused(await send(await tokenOf(old)), 'signature');
    assertRefused(await (await startWithSecrets([secretId]))(await tokenOf(old)), 'signature');
  });

  test('an old key is refused from the next load of the record on when the grace period is 0', async () => {
    const { old, send } = await rotated({ previous_key_grace_seconds: 0 });
    pass(MAX_AGE - 1);
    assertAccepted(await send(await tokenOf(old)), { key_stage: 'current' });
    pass(1);
    assertRefused(await send(await tokenOf(old)), 'signature');
  });

  test('an old key is refused after the first token of the new key when the grace period is 0', async () => {
    const { old, fresh, send } = await rotated({ previous_key_grace_seconds: 0 });
    assertAccepted(await send(await tokenOf(fresh)));
    assertRefused(await send(await tokenOf(old)), 'signature');
  });

  test('only the two newest keys of a record are accepted', async () => {
    const { old, fresh, secretId, send } = await rotated();
    assertAccepted(await send(await tokenOf(fresh)));
    assertAccepted(await send(await tokenOf(old)), { key_stage: 'previous' });
    pass(COOLDOWN);
    const newest = newRecord();
    await storeRecord(newest, secretId);
    assertAccepted(await send(await tokenOf(newest)), { key_stage: 'current' });
    assertAccepted(await send(await tokenOf(fresh)), { key_stage: 'previous' });
    assertRefused(await send(await tokenOf(old)), 'signature');
  });

  test('a pending key is refused until it is promoted, and then accepted', async () => {
    const { record: old, secretId, send } = await warm();
    const pending = newRecord();
    const { VersionId } = await aws.send(
      new PutSecretValueCommand({
        SecretId: secretId,
        SecretString: JSON.stringify(pending),
        VersionStages: ['AWSPENDING'],
      }),
    );
    assertRefused(await send(await tokenOf(pending)), 'signature');
    assertRefused(await (await startWithSecrets([secretId]))(await tokenOf(pending)), 'signature');
    await promote(secretId, VersionId);
    pass(COOLDOWN);
    assertAccepted(await send(await tokenOf(pending)), { key_stage: 'current' });
    assertAccepted(await send(await tokenOf(old)), { key_stage: 'previous' });
  });

  for (const [seconds, accepted] of [
    [599, true],
    [600, false],
    [6000, false],
  ] as const) {
    const after = `${accepted ? 'accepted' : 'refused'} at once, with a grace period of 600 s,`;

    test(`the old key is ${after} when a key is promoted that was pending for ${seconds} s`, async () => {
      const { record: old, secretId } = await warm();
      const SecretString = JSON.stringify(newRecord({ previous_key_grace_seconds: 600 }));
      const pending = { SecretId: secretId, SecretString, VersionStages: ['AWSPENDING'] };
      const { VersionId } = await aws.send(new PutSecretValueCommand(pending));
      pass(seconds);
      await promote(secretId, VersionId);
      const answer = await (await startWithSecrets([secretId]))(await tokenOf(old));
      accepted ? assertAccepted(answer, { key_stage: 'previous' }) : assertRefused(answer, 'signature');
    });

    test(`the newer key is ${after} when its rotation is undone ${seconds} s after the older one was put`, async () => {
      const { old, fresh, secretId } = await rotated({ previous_key_grace_seconds: 600 });
      pass(seconds);
      const previous = { SecretId: secretId, VersionStage: 'AWSPREVIOUS' };
      const { VersionId } = await aws.send(new GetSecretValueCommand(previous));
      await promote(secretId, VersionId);
      const send = await startWithSecrets([secretId]);
      assertAccepted(await send(await tokenOf(old)), { key_stage: 'current' });
      const answer = await send(await tokenOf(fresh));
      accepted ? assertAccepted(answer, { key_stage: 'previous' }) : assertRefused(answer, 'signature');
    });
  }

  test('a rotation moves callers from a shared key to a public key and on to another algorithm', async () => {
    const { record: old, secretId, send } = await warm();
    for (const alg of ['ES256', 'EdDSA']) {
      const { privateKey, jwk } = keyPair(alg);
      const record = newPublicRecord({ public_key_algorithm: alg, public_key_jwks: { keys: [jwk] } });
      await storeRecord(record, secretId);
      pass(COOLDOWN);
      const token = await signToken(privateKey, newClaims(), { alg });
      assertAccepted(await send(token), { alg, key_stage: 'current' });
      if (alg === 'ES256') assertAccepted(await send(await tokenOf(old)), { alg: 'HS256', key_stage: 'previous' });
    }
    assertRefused(await send(await tokenOf(old)), 'algorithm');
  });

  test('tokens of an old key are judged by the rules of the new record', async () => {
    const { record: old, secretId, send } = await warm();
    await storeRecord(newRecord({ audience: 'b', allowed_emails: ['ops'], max_token_age_seconds: 30 }), secretId);
    const status = async (claims: Record<string, unknown>) => {
      const { status, audit } = await send(await signToken(old.secret_key, newClaims(claims)));
      return [status, audit.reason];
    };
    pass(MAX_AGE);
    const exp = Date.now() / 1000 + 20;
    assert.deepEqual(await status({ exp }), [401, 'audience']);
    assert.deepEqual(await status({ exp, aud: 'b' }), [403, 'email_not_allowed']);
    assert.deepEqual(await status({ exp, aud: 'b', email: 'ops' }), [200, undefined]);
    assert.deepEqual(await status({ exp: exp + 60, aud: 'b', email: 'ops' }), [401, 'too_long_lived']);
  });

  test('a rotation succeeds even if the old record was invalid', async () => {
    const secretId = await storeRecord('{}');
    const fresh = newRecord();
    await storeRecord(fresh, secretId);
    const send = await startWithSecrets([secretId]);
    assertRefused(await send(await junkToken()), 'signature');
    assertAccepted(await send(await tokenOf(fresh)));
  });
});
