import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SignJWT } from 'jose';
import { ServiceError } from '../errors.ts';
import { Fields } from '../validator/fields.ts';
import { readRecord, type ValidatorRecord } from '../validator/record.ts';
import { CALLER } from '../validator/record_kind.ts';
import { fail, failureOf, isLocal } from './command.ts';

const TOKEN_SECONDS = 60;

/** Whose record signs the tokens, for which service, and what they say if not what the record says. */
export type CallerSettings = {
  secretId: string;
  address: string;
  audience: string | undefined;
  issuer: string | undefined;
  email: string;
  /** Where the record is, for an error. */
  secretsManager: string;
};
type Current = { record: ValidatorRecord; key: Uint8Array; version: string | undefined };
export type Token = { text: string; version: string | undefined; renewAt: number };

/** A caller of the service, who signs tokens with the key of a validator record. */
export class Caller {
  readonly #settings: CallerSettings;
  readonly #secrets = new SecretsManagerClient();
  #current: Promise<Current>;
  #token: Promise<Token> | undefined;

  /** The record is read at once. Where that fails the process ends with one line, which never shows a value. */
  constructor(settings: CallerSettings) {
    this.#settings = settings;
    this.#current = this.#read();
  }

  /** A token that is valid for at least half of its minute. */
  async token(): Promise<Token> {
    const token = await this.#token;
    if (token && Date.now() < token.renewAt) return token;
    this.#token = this.#sign();
    return this.#token;
  }

  /** Reads the record again after this token was refused. Returns whether its key has been changed since. */
  async hasNewKey({ version }: Token): Promise<boolean> {
    const known = await this.#current;
    if (known.version !== version) return true;
    this.#current = this.#read();
    this.#token = undefined;
    return (await this.#current).version !== version;
  }

  async #sign(): Promise<Token> {
    const { record, key, version } = await this.#current;
    const { email, audience = String(record.audience[0]), issuer = record.issuer } = this.#settings;
    const seconds = Math.min(TOKEN_SECONDS, record.maxTokenAgeSeconds);
    const renewAt = Date.now() + 500 * seconds;
    const text = await new SignJWT({ email })
      .setProtectedHeader({ alg: record.algorithm, typ: 'JWT' })
      .setAudience(audience)
      .setIssuer(issuer)
      .setExpirationTime(`${seconds} s`)
      .sign(key);
    return { text, version, renewAt };
  }

  async #read(): Promise<Current> {
    const { secretId, address, secretsManager } = this.#settings;
    const question = isLocal(new URL(address)) ? ' Is npm start running?' : '';
    try {
      const { SecretString, VersionId } = await this.#secrets.send(new GetSecretValueCommand({ SecretId: secretId }));
      const record = await readRecord(secretId, SecretString, CALLER); // stops where the service would refuse it
      const fields = new Fields(secretId, SecretString);
      if (fields.text('signature_type') !== 'secret')
        fail('The record holds a public key: only the owner of the private key can sign a token.');
      return { record, key: new TextEncoder().encode(fields.text('secret_key')), version: VersionId };
    } catch (error) {
      if (error instanceof ServiceError && error.fault) return fail(error.fault);
      const failure = failureOf(error);
      if (error instanceof Error && 'code' in error && /^E[A-Z]+$/.test(String(error.code)))
        return fail(`No answer from ${secretsManager}, which has the record for ${address}: ${failure}.${question}`);
      return fail(`validator record ${secretId} for ${address} cannot be read: ${failure}`);
    }
  }
}
