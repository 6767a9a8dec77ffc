import assert from 'node:assert/strict';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { APIGatewayProxyStructuredResultV2, Context } from 'aws-lambda';
import { packageService } from '../setup/package.ts';
import { unpack } from '../setup/zip.ts';
import type { Answer } from './http.ts';

type LambdaContext = Pick<Context, 'awsRequestId' | 'getRemainingTimeInMillis'>;
type Handler = (event: unknown, context: LambdaContext) => Promise<APIGatewayProxyStructuredResultV2>;

/** Packages the service and unpacks it into an empty folder. Returns the handler's file. */
export async function packagedHandler(): Promise<string> {
  const { archives } = await packageService();
  return join(unpack(archives.logout_user ?? assert.fail()), 'functions/logout_user.mjs');
}

/** Loads the packaged handler: it reads its settings from the environment now. Returns what sends it an event. */
export async function loadHandler(file: string): Promise<(event: unknown) => Promise<Answer>> {
  const { handler }: { handler: Handler } = await import(pathToFileURL(file).href);
  return async (event) => {
    const context = { awsRequestId: 'r', getRemainingTimeInMillis: () => 10_000 };
    const { statusCode: status = 0, headers = {}, body: text = '' } = await handler(event, context);
    const lines = Object.entries(headers).map(([name, value]): [string, string] => [name.toLowerCase(), String(value)]);
    return { status, head: lines.flat().join('\n'), headers: new Map(lines), text };
  };
}
