import { DescribeTableCommand, DynamoDBClient, ResourceNotFoundException } from '@aws-sdk/client-dynamodb';
import { failureOf } from '../../lib/operator/command.ts';

/**
 * Looks for an application's table in the local DynamoDB that the environment points to. Returns what to say when it is
 * not there. Throws a line when nobody can say.
 */
export async function lookFor(table: string, url: string | undefined): Promise<string> {
  try {
    await new DynamoDBClient({ maxAttempts: 1 }).send(new DescribeTableCommand({ TableName: table }));
    return '';
  } catch (error) {
    if (!(error instanceof ResourceNotFoundException))
      throw new Error(`The table ${table} cannot be looked for at ${url}: ${failureOf(error)}`);
    if (!url) return ', which your application has yet to make there';
    const { AWS_ACCESS_KEY_ID, AWS_REGION } = process.env;
    return `, which is not there for the access key ${AWS_ACCESS_KEY_ID} and the region ${AWS_REGION} (DynamoDB Local keeps a database for each of them)`;
  }
}
