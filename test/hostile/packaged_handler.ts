import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { APIGatewayProxyStructuredResultV2, Context } from 'aws-lambda';
import { packageService } from '../local/package.ts';
import { unpack } from '../local/zip.ts';
import type { Answer } from './http.ts';

type LambdaContext = Pick<Context, 'awsRequestId' | 'getRemainingTimeInMillis'>;
type Handler = (event: unknown, context: LambdaContext) => Promise<APIGatewayProxyStructuredResultV2>;

/** Packages the service and unpacks it into an empty folder. Returns the handler's file. */
export async function packagedHandler(): Promise<string> {
  const { archives } = await packageService();
  return join(unpack(archives[0] ?? Buffer.alloc(0)), 'functions/logout_user.cjs');
}

/** Loads the packaged handler: it reads its settings from the environment now. Returns what sends it an event. */
export function loadHandler(file: string): (event: unknown) => Promise<Answer> {
  const { handler }: { handler: Handler } = createRequire(import.meta.url)(file);
  return async (event) => {
    const context = { awsRequestId: 'r', getRemainingTimeInMillis: () => 10_000 };
    const { statusCode: status = 0, headers = {}, body: text = '' } = await handler(event, context);
    const lines = Object.entries(headers).map(([name, value]): [string, string] => [name.toLowerCase(), String(value)]);
    return { status, head: lines.flat().join('\n'), headers: new Map(lines), text };
  };
}
