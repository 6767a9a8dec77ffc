import { DynamoDB } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocument } from '@aws-sdk/lib-dynamodb';
import { createTable } from '../setup/tables.ts';
import { layoutOf } from './guide.ts';

type Payload = Record<string, unknown>;

const INDEXED = ['uid', 'grantId', 'userCode', 'accountId'];
const seconds = () => Math.floor(Date.now() / 1000);

/**
 * Creates a table, and an adapter for oidc-provider that keeps everything in it as oidc-provider's former examples did:
 * one item for each model and id, saved by UpdateItem. It adds what they lack, `accountId` beside the payload.
 */
export async function createOidcAdapter() {
  const dynamodb = DynamoDBDocument.from(new DynamoDB(), { marshallOptions: { removeUndefinedValues: true } });
  const TableName = await createTable(layoutOf('oidc-provider'), {
    indexes: INDEXED.map((name) => ({ name: `${name}-index`, key: [name] })),
    projection: 'ALL',
  });

  const read = (item?: Record<string, unknown>): Payload | undefined =>
    item && Number(item.expiresAt ?? Number.POSITIVE_INFINITY) > seconds() ? Object(item.payload) : undefined;
  const itemsBy = async (name: string, value: string) => {
    const { Items = [] } = await dynamodb.query({
      TableName,
      IndexName: `${name}-index`,
      KeyConditionExpression: '#name = :value',
      ExpressionAttributeNames: { '#name': name },
      ExpressionAttributeValues: { ':value': value },
    });
    return Items;
  };

  class Adapter {
    readonly #model: string;

    constructor(model: string) {
      this.#model = model;
    }

    #item(id: string) {
      return { TableName, Key: { modelId: `${this.#model}-${id}` } };
    }

    async upsert(id: string, payload: Payload, expiresIn?: number): Promise<void> {
      const beside = INDEXED.map((name): [string, unknown] => [name, payload[name]]);
      const expiry: [string, unknown] = ['expiresAt', expiresIn && seconds() + expiresIn];
      const values = [['payload', payload] as const, expiry, ...beside].filter(([, value]) => value !== undefined);
      await dynamodb.update({
        ...this.#item(id),
        UpdateExpression: `SET ${values.map(([name]) => `#${name} = :${name}`).join(', ')}`,
        ExpressionAttributeNames: Object.fromEntries(values.map(([name]) => [`#${name}`, name])),
        ExpressionAttributeValues: Object.fromEntries(values.map(([name, value]) => [`:${name}`, value])),
      });
    }

    async find(id: string): Promise<Payload | undefined> {
      return read((await dynamodb.get({ ...this.#item(id), ConsistentRead: true })).Item);
    }

    async findByUid(uid: string): Promise<Payload | undefined> {
      return read((await itemsBy('uid', uid))[0]);
    }

    async findByUserCode(userCode: string): Promise<Payload | undefined> {
      return read((await itemsBy('userCode', userCode))[0]);
    }

    async consume(id: string): Promise<void> {
      await dynamodb.update({
        ...this.#item(id),
        UpdateExpression: 'SET payload.#consumed = :now',
        ExpressionAttributeNames: { '#consumed': 'consumed' },
        ExpressionAttributeValues: { ':now': seconds() },
      });
    }

    async destroy(id: string): Promise<void> {
      await dynamodb.delete(this.#item(id));
    }

    async revokeByGrantId(grantId: string): Promise<void> {
      for (const { modelId } of await itemsBy('grantId', grantId))
        await dynamodb.delete({ TableName, Key: { modelId } });
    }
  }
  return { table: TableName, Adapter };
}
