// Stands in for the one part of aws-lambda-ric that needs a compiler, its native HTTP client: loaded with --import, it
// makes the runtime client find this file in place of rapid-client.node. The client gets events itself, by node:http.
import { registerHooks } from 'node:module';

registerHooks({
  resolve: (specifier, context, next) =>
    specifier.endsWith('/rapid-client.node') ? next(import.meta.filename, context) : next(specifier, context),
});

/** Posts the answer to an event. */
export function done(requestId: string, body: string): void {
  void post(`${requestId}/response`, body);
}

/** Posts what the handler threw. */
export function error(requestId: string, body: string): void {
  void post(`${requestId}/error`, body);
}

async function post(path: string, body: string): Promise<void> {
  const invocations = `http://${process.env.AWS_LAMBDA_RUNTIME_API}/2018-06-01/runtime/invocation`;
  await (await fetch(`${invocations}/${path}`, { method: 'POST', body })).text();
}
