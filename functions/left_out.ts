// What of the AWS SDK stays out of the package: code that the function cannot come to, and that every cold start would
// have to compile. An esbuild plugin, named in serverless.yml; the sources run without it.
import { readFile } from 'node:fs/promises';
import type { Plugin } from 'esbuild';

type LeftOut = {
  module: string;
  /** What the rest of the SDK imports of it: calling one throws the reason. The build fails when it imports more. */
  exports: string[];
  /** Why nothing can need it. */
  reason: string;
  /** It is made when a client is, and only then left alone: looking into it throws. */
  made?: true;
};

export const LEFT_OUT: LeftOut[] = [
  {
    module: '@aws-sdk/credential-provider-node/dist-es/index.js',
    exports: ['defaultProvider'],
    reason: 'Lambda hands over its credentials in the environment, and lib/aws_client.ts takes them from there',
  },
  {
    module: '@smithy/core/dist-es/submodules/event-streams/index.js',
    exports: ['EventStreamSerde', 'eventStreamSerdeProvider'],
    reason: 'no operation of ours streams events',
  },
  {
    module: '@aws-sdk/endpoint-cache/dist-es/EndpointCache.js',
    exports: ['EndpointCache'],
    reason: 'no operation of ours discovers its endpoint',
    made: true,
  },
  {
    module: '@smithy/core/dist-es/submodules/checksum/sha256/Sha256Node.js',
    exports: ['Sha256Node'],
    reason: 'lib/aws_client.ts brings its own SHA-256',
  },
  {
    module: '@smithy/core/dist-es/submodules/retry/util-retry/AdaptiveRetryStrategy.js',
    exports: ['AdaptiveRetryStrategy'],
    reason: 'lib/aws_client.ts sets the standard retry mode',
  },
  {
    module: '@smithy/core/dist-es/submodules/config/config-resolver/regionConfig/getInstanceMetadataRegion.js',
    exports: ['getInstanceMetadataRegion'],
    reason: 'Lambda names its region in the environment',
  },
  {
    module: '@smithy/core/dist-es/submodules/endpoints/middleware-endpoint/service-customizations/index.js',
    exports: ['resolveParamsForS3'],
    reason: 'we call no S3',
  },
  {
    module: '@smithy/signature-v4/dist-es/HeaderFormatter.js',
    exports: ['HeaderFormatter'],
    reason: 'no operation of ours signs events',
    made: true,
  },
];

// What is replaced: code that is used, but does more than it has to in Lambda.
const REPLACED: { module: string; contents: string }[] = [
  {
    // The SDK's settings come from the environment only. Lambda has no ~/.aws/config, and looking for it costs each of a
    // dozen settings three errors with their stacks. Whoever names such a file in the environment is told so.
    module: '@smithy/core/dist-es/submodules/config/node-config-provider/configLoader.js',
    contents: `
      export const loadConfig = ({ environmentVariableSelector, default: fallback }, options) => {
        let value;
        return () => (value ??= load());
        async function load() {
          for (const name of ['AWS_CONFIG_FILE', 'AWS_SHARED_CREDENTIALS_FILE'])
            if (process.env[name]) throw new Error(name + ' is set, but the package reads no such file: set the environment');
          return environmentVariableSelector(process.env, options) ?? (typeof fallback === 'function' ? fallback() : fallback);
        }
      };`,
  },
  {
    // Random ids: Node makes them itself, and needs no table of hexadecimal numbers.
    module: '@smithy/core/dist-es/submodules/serde/uuid/v4.js',
    contents: 'export const bindV4 = () => () => crypto.randomUUID();',
  },
];

// Of its package.json a client needs the version, for the header that tells AWS who calls.
const MANIFESTS = '@aws-sdk/client-[a-z-]+/package.json';

export default [
  {
    name: 'left-out',
    setup(build) {
      for (const leftOut of LEFT_OUT)
        build.onLoad({ filter: path(leftOut.module) }, () => ({ contents: code(leftOut) }));
      for (const { module, contents } of REPLACED) build.onLoad({ filter: path(module) }, () => ({ contents }));
      build.onLoad({ filter: path(MANIFESTS) }, async (manifest) => {
        const { version } = JSON.parse(await readFile(manifest.path, 'utf8'));
        return { contents: JSON.stringify({ version }), loader: 'json' };
      });
    },
  },
] satisfies Plugin[];

function path(module: string): RegExp {
  return new RegExp(`[\\\\/]node_modules[\\\\/]${module.replaceAll('.', '\\.').replaceAll('/', '[\\\\/]')}$`);
}

function code({ module, exports, reason, made }: LeftOut): string {
  const message = JSON.stringify(`${module} is left out of the package: ${reason}`);
  const use = made ? 'return new Proxy({}, { get: refuse })' : 'refuse()';
  return [
    `function refuse() { throw new Error(${message}) }`,
    ...exports.map((name) => `export function ${name}() { ${use} }`),
  ].join('\n');
}
