import type { Layout } from '../sessions/layout.ts';
import type { Table } from './table_look.ts';

/** Lines for a shell, by the AWS CLI, that add what a table lacks. */
export class Commands {
  readonly #table: Table;
  readonly #where: string;

  constructor(table: Table, endpoint: string | undefined) {
    this.#table = table;
    this.#where = `--table-name ${table.name}${endpoint ? ` --endpoint-url ${endpoint}` : ''}`;
  }

  addIndex(IndexName: string, key: string[], userKey: Layout['userKey']): string {
    const { types, throughput } = this.#table;
    const typeOf = (name: string) => types.get(name) ?? (name === userKey.name ? userKey.type : 'S');
    const AttributeType = (name: string) => ({ AttributeName: name, AttributeType: typeOf(name) });
    const Create = {
      IndexName,
      KeySchema: key.map((AttributeName, n) => ({ AttributeName, KeyType: n === 0 ? 'HASH' : 'RANGE' })),
      Projection: { ProjectionType: 'KEYS_ONLY' },
      ...(throughput && { ProvisionedThroughput: throughput }),
    };
    return `aws dynamodb update-table ${this.#where} --attribute-definitions ${quoted(key.map(AttributeType))} --global-secondary-index-updates ${quoted([{ Create }])}`;
  }

  showIndex(name: string): string {
    const query = `Table.GlobalSecondaryIndexes[?IndexName=='${name}'].[IndexStatus,Backfilling]`;
    return `aws dynamodb describe-table ${this.#where} --query "${query}"`;
  }

  turnOnTimeToLive(AttributeName: string): string {
    const specification = quoted({ Enabled: true, AttributeName });
    return `aws dynamodb update-time-to-live ${this.#where} --time-to-live-specification ${specification}`;
  }
}

function quoted(value: unknown): string {
  return `'${JSON.stringify(value).replaceAll("'", "'\\''")}'`;
}
