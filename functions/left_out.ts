// What of the AWS SDK stays out of the package: code that the function cannot come to, and that every cold start would
// have to compile. An esbuild plugin, named in serverless.yml; the sources run without it.
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
    reason: 'Lambda hands over its credentials in the environment, and lib/aws.ts takes them from there',
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
    module: '@smithy/core/dist-es/submodules/checksum/sha256/Sha256Js.js',
    exports: ['Sha256Js'],
    reason: 'Node has its own SHA-256',
  },
  {
    module: '@smithy/core/dist-es/submodules/retry/util-retry/AdaptiveRetryStrategy.js',
    exports: ['AdaptiveRetryStrategy'],
    reason: 'lib/aws.ts sets the standard retry mode',
  },
];

// The files ~/.aws/config and ~/.aws/credentials, into which the SDK looks for a dozen settings: a Lambda has none.
// Whoever names one in the environment is told so.
const CONFIG_FILES = '@smithy/core/dist-es/submodules/config/shared-ini-file-loader/loadSharedConfigFiles.js';
const NO_CONFIG_FILES = `
  export { CONFIG_PREFIX_SEPARATOR } from './constants';
  export async function loadSharedConfigFiles() {
    for (const name of ['AWS_CONFIG_FILE', 'AWS_SHARED_CREDENTIALS_FILE'])
      if (process.env[name]) throw new Error(name + ' is set, but the package reads no such file: set the environment');
    return { configFile: {}, credentialsFile: {} };
  }`;

export default [
  {
    name: 'left-out',
    setup(build) {
      for (const leftOut of LEFT_OUT)
        build.onLoad({ filter: path(leftOut.module) }, () => ({ contents: code(leftOut) }));
      build.onLoad({ filter: path(CONFIG_FILES) }, () => ({ contents: NO_CONFIG_FILES }));
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
