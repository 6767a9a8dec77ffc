// Stubs in place of four modules that the AWS SDK imports: esbuild bundles them instead, by `alias` in serverless.yml.
// Why: the function never uses the first three, and to load them took over a quarter of the CPU of a cold start.

/** For @aws-sdk/credential-provider-node: lib/aws/client.ts takes the credentials from where Lambda puts them. */
export function defaultProvider(): never {
  throw new Error('The default credential chain is left out of the package: give the client its credentials');
}

/** For @smithy/core/event-streams: no operation of ours streams events. */
export class EventStreamSerde {
  constructor() {
    throw new Error('Event streams are left out of the package: remove the alias in serverless.yml');
  }
}

/** For @aws-sdk/endpoint-cache, with its least recently used cache: lib/aws/client.ts turns endpoint discovery off. */
export class EndpointCache {
  get(): never {
    throw new Error('Endpoint discovery is left out of the package: remove the alias in serverless.yml');
  }
}

/** For node:process, of which the SDK uses two members: importing that module opens all three standard streams. */
export const { env, versions } = process;
