import assert from 'node:assert/strict';
import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { allItems } from '../setup/tables.ts';
import { run } from './command.ts';

export type TableReport = {
  table: string;
  fits: boolean;
  library: string | null;
  layout: unknown;
  params: Record<string, string>;
  missing: { what: string; command: string | null }[];
  sessions?: { live: number; expired: number };
};

/** What `npm run table` says of a table in the local DynamoDB, as JSON. Fails if a value of an item is in it. */
export async function tableReport(table: string, ...words: string[]): Promise<TableReport> {
  const { code, stdout, stderr } = await run(tableCommand(table, ...words, '--json'));
  const report: TableReport = JSON.parse(stdout || assert.fail(stderr));
  assert.equal(code, report.fits ? 0 : 1);
  await assertNoValue(table, stdout + stderr, words);
  return report;
}

/** The words of a command line for this table in the local DynamoDB. */
export function tableCommand(table: string, ...words: string[]): string[] {
  return ['lib/operator/table.ts', table, '--dynamodb', String(process.env.AWS_ENDPOINT_URL_DYNAMODB), ...words];
}

/** Fails if the output has a value of an item in it that is not one of the operator's own words. */
export async function assertNoValue(table: string, output: string, words: string[] = []): Promise<void> {
  const values = (await allItems(table).catch(() => [])).flatMap((item) => Object.values(item).flatMap(textsIn));
  const given = words.join(' ');
  const printed = values.filter((value) => output.includes(value) && !given.includes(value));
  assert.deepEqual(printed, [], 'no value of an item is printed');
}

/** The texts and numbers in a value, except words that any output may have. */
function textsIn(value: AttributeValue): string[] {
  if (value.L) return value.L.flatMap(textsIn);
  if (value.M) return Object.values(value.M).flatMap(textsIn);
  const text = value.S ?? value.N ?? '';
  return text.length > 7 ? [text] : [];
}
