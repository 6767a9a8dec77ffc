import assert from 'node:assert/strict';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { APIGatewayProxyStructuredResultV2, Context } from 'aws-lambda';
import type { FunctionName } from '../setup/lambda.ts';
import { packageService } from '../setup/package.ts';
import { unpack } from '../setup/zip.ts';
import type { Answer } from './http.ts';

type LambdaContext = Pick<Context, 'awsRequestId' | 'getRemainingTimeInMillis'>;
type Handler = (event: unknown, context: LambdaContext) => Promise<APIGatewayProxyStructuredResultV2>;

/** Sends an event to a handler. */
export type Invoke = (event: unknown) => Promise<Answer>;

/** Packages the service with both of its functions. Returns what loads one: it reads its settings from the environment. */
export async function packagedHandlers(): Promise<(name: FunctionName) => Promise<Invoke>> {
  const { archives } = await packageService({ openidProviders: 'any' });
  return async (name) => {
    const file = join(unpack(archives[name] ?? assert.fail()), `functions/${name}.mjs`);
    const { handler }: { handler: Handler } = await import(pathToFileURL(file).href);
    return async (event) => {
      const context = { awsRequestId: 'r', getRemainingTimeInMillis: () => 10_000 };
      const { statusCode: status = 0, headers = {}, body: text = '' } = await handler(event, context);
      const lines = Object.entries(headers).map(([name, value]): [string, string] => [
        name.toLowerCase(),
        String(value),
      ]);
      return { status, head: lines.flat().join('\n'), headers: new Map(lines), text };
    };
  };
}
