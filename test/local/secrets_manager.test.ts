// What docs/operations.md does with a record works in the local Secrets Manager, too.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  DeleteSecretCommand,
  GetSecretValueCommand,
  ListSecretVersionIdsCommand,
  RestoreSecretCommand,
  SecretsManagerClient,
  UpdateSecretVersionStageCommand,
} from '@aws-sdk/client-secrets-manager';
import { startAws, startRoute } from '../setup/route.ts';
import { newRecord, storeRecord } from '../setup/tokens.ts';

await startAws();
const secrets = new SecretsManagerClient();
const current = async (SecretId: string) => (await secrets.send(new GetSecretValueCommand({ SecretId }))).VersionId;

test('a rotation is undone by the ids of the versions, as the list names them', async () => {
  const SecretId = await storeRecord(newRecord());
  const first = await current(SecretId);
  for (const _ of [1, 2]) await storeRecord(newRecord(), SecretId);
  const list = async (IncludeDeprecated: boolean) =>
    (await secrets.send(new ListSecretVersionIdsCommand({ SecretId, IncludeDeprecated }))).Versions ?? [];
  const versions = await list(false);
  const idOf = (stage: string) => versions.find(({ VersionStages }) => VersionStages?.includes(stage))?.VersionId;
  assert.deepEqual(versions.map(({ VersionStages }) => VersionStages).sort(), [['AWSCURRENT'], ['AWSPREVIOUS']]);
  assert.deepEqual((await list(true)).find(({ VersionStages }) => !VersionStages)?.VersionId, first);
  const previous = idOf('AWSPREVIOUS');
  const stage = { VersionStage: 'AWSCURRENT', MoveToVersionId: previous, RemoveFromVersionId: idOf('AWSCURRENT') };
  await secrets.send(new UpdateSecretVersionStageCommand({ SecretId, ...stage }));
  assert.equal(await current(SecretId), previous);
});

test('a record that was marked for deletion serves again once it is restored', async () => {
  const { secretId, logout } = await startRoute({ VALIDATOR_MAX_AGE_SECONDS: '0' });
  await secrets.send(new DeleteSecretCommand({ SecretId: secretId, RecoveryWindowInDays: 7 }));
  await assert.rejects(current(secretId), { name: 'InvalidRequestException' });
  assert.equal((await logout('1')).audit.reason, 'record_missing');
  await secrets.send(new RestoreSecretCommand({ SecretId: secretId }));
  await new Promise((resolve) => setTimeout(resolve, 2100)); // a failure is remembered for two seconds
  assert.equal((await logout('1')).status, 200);
});
