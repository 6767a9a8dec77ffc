import { randomUUID } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import { text } from 'node:stream/consumers';

type Version = { stages: Set<string>; text: string | undefined; binary: string | undefined; createdAt: number };
type Secret = { name: string; versions: Map<string, Version>; deletedAt?: number };
type Input = {
  SecretId?: string;
  Name?: string;
  SecretString?: string;
  SecretBinary?: string;
  VersionId?: string;
  VersionStage?: string;
  VersionStages?: string[];
  MoveToVersionId?: string;
  IncludeDeprecated?: boolean;
  ForceDeleteWithoutRecovery?: boolean;
};

// Of AWS's own messages, which alone tell a secret without a value from one that does not exist.
const NOT_FOUND = "Secrets Manager can't find the specified secret";
const CANNOT = "You can't perform this operation on the secret";

/** A stand-in for Secrets Manager: AWS JSON 1.1, version stages, typed errors. In memory, on loopback. */
export function createSecretsManager(): Server {
  const secrets = new Map<string, Secret>();

  const find = (id = ''): Secret => {
    const name = id.startsWith('arn:') ? id.replace(/^.*:secret:/, '').replace(/-[A-Za-z0-9]{6}$/, '') : id;
    return secrets.get(name) ?? fail('ResourceNotFoundException', `${NOT_FOUND}.`);
  };
  const arn = (name: string) => `arn:aws:secretsmanager:us-east-1:000000000000:secret:${name}-local0`;
  const moveStage = (secret: Secret, stage: string, to: Version) => {
    for (const version of secret.versions.values()) {
      if (!version.stages.delete(stage) || stage !== 'AWSCURRENT' || version === to) continue;
      for (const other of secret.versions.values()) other.stages.delete('AWSPREVIOUS');
      version.stages.add('AWSPREVIOUS');
    }
    to.stages.add(stage);
    if (stage === 'AWSCURRENT') to.stages.delete('AWSPREVIOUS');
  };
  const addVersion = (secret: Secret, input: Input) => {
    const version = {
      stages: new Set<string>(),
      text: input.SecretString,
      binary: input.SecretBinary,
      createdAt: Date.now(),
    };
    const id = randomUUID();
    secret.versions.set(id, version);
    for (const stage of input.VersionStages ?? ['AWSCURRENT']) moveStage(secret, stage, version);
    return { ARN: arn(secret.name), Name: secret.name, VersionId: id, VersionStages: [...version.stages] };
  };

  const operations: Record<string, (input: Input) => unknown> = {
    CreateSecret(input) {
      const name = input.Name ?? fail('InvalidParameterException', 'A name is required.');
      if (secrets.has(name)) fail('ResourceExistsException', `The secret ${name} already exists.`);
      const secret: Secret = { name, versions: new Map() };
      secrets.set(name, secret);
      const hasValue = input.SecretString !== undefined || input.SecretBinary !== undefined;
      return hasValue ? addVersion(secret, input) : { ARN: arn(name), Name: name };
    },
    PutSecretValue: (input) => addVersion(find(input.SecretId), input),
    GetSecretValue(input) {
      const secret = find(input.SecretId);
      if (secret.deletedAt) fail('InvalidRequestException', `${CANNOT} because it was marked for deletion.`);
      const stage = input.VersionStage ?? 'AWSCURRENT';
      const found = [...secret.versions].find(([id, version]) =>
        input.VersionId ? id === input.VersionId : version.stages.has(stage),
      );
      const which = input.VersionId ? `VersionId: ${input.VersionId}` : `staging label: ${stage}`;
      if (!found) return fail('ResourceNotFoundException', `${NOT_FOUND} value for ${which}`);
      const [id, { text, binary, stages, createdAt }] = found;
      return {
        ARN: arn(secret.name),
        Name: secret.name,
        VersionId: id,
        SecretString: text,
        SecretBinary: binary,
        VersionStages: [...stages],
        CreatedDate: createdAt / 1000,
      };
    },
    ListSecretVersionIds(input) {
      const secret = find(input.SecretId);
      const versions = [...secret.versions].filter(([, { stages }]) => stages.size > 0 || input.IncludeDeprecated);
      const Versions = versions.map(([VersionId, { stages, createdAt }]) => ({
        VersionId,
        ...(stages.size > 0 && { VersionStages: [...stages] }),
        CreatedDate: createdAt / 1000,
      }));
      return { ARN: arn(secret.name), Name: secret.name, Versions };
    },
    UpdateSecretVersionStage(input) {
      const secret = find(input.SecretId);
      const to =
        secret.versions.get(input.MoveToVersionId ?? '') ?? fail('ResourceNotFoundException', 'No such version.');
      moveStage(secret, input.VersionStage ?? 'AWSCURRENT', to);
      return { ARN: arn(secret.name), Name: secret.name };
    },
    DeleteSecret(input) {
      const secret = find(input.SecretId);
      secret.deletedAt = Date.now();
      if (input.ForceDeleteWithoutRecovery) secrets.delete(secret.name);
      return { ARN: arn(secret.name), Name: secret.name, DeletionDate: secret.deletedAt / 1000 };
    },
    RestoreSecret(input) {
      const secret = find(input.SecretId);
      delete secret.deletedAt;
      return { ARN: arn(secret.name), Name: secret.name };
    },
  };

  return createServer(async (request, response) => {
    const answer = (status: number, body: unknown) =>
      response
        .writeHead(status, { 'content-type': 'application/x-amz-json-1.1', 'x-amzn-requestid': randomUUID() })
        .end(JSON.stringify(body));
    try {
      const name = String(request.headers['x-amz-target']).replace(/^secretsmanager\./, '');
      const operation = operations[name] ?? fail('UnknownOperationException', `${name} is not supported here.`);
      const input: Input = JSON.parse(await text(request));
      answer(200, operation(input));
    } catch (error) {
      const { name, message } = error instanceof Error ? error : new Error(String(error));
      answer(400, { __type: name, Message: message });
    }
  });
}

function fail(type: string, message: string): never {
  throw Object.assign(new Error(message), { name: type });
}
