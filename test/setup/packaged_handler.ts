import assert from 'node:assert/strict';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { APIGatewayProxyStructuredResultV2, Context } from 'aws-lambda';
import type { FunctionName } from './lambda.ts';
import { packageService } from './package.ts';
import { unpack } from './zip.ts';

type LambdaContext = Pick<Context, 'awsRequestId' | 'getRemainingTimeInMillis'>;
type Handler = (event: unknown, context: LambdaContext) => Promise<APIGatewayProxyStructuredResultV2>;

/** What a handler answers; header names in lower case. */
export type Reply = { status: number; headers: Record<string, string>; text: string };

/** Sends an event to a handler. */
export type Invoke = (event: unknown) => Promise<Reply>;

/** Packages the service with both of its functions. Returns what loads one: it reads its settings from the environment. */
export async function packagedHandlers(): Promise<(name: FunctionName) => Promise<Invoke>> {
  const { archives } = await packageService({ openidProviders: 'any' });
  return async (name) => {
    const file = join(unpack(archives[name] ?? assert.fail()), `functions/${name}.mjs`);
    const { handler }: { handler: Handler } = await import(pathToFileURL(file).href);
    return async (event) => {
      const context = { awsRequestId: 'r', getRemainingTimeInMillis: () => 10_000 };
      const { statusCode: status = 0, headers = {}, body: text = '' } = await handler(event, context);
      const lines = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), String(value)]);
      return { status, headers: Object.fromEntries(lines), text };
    };
  };
}
