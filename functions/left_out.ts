// What of the AWS SDK stays out of the package, and what is replaced in it: code that the function cannot come to, or
// that does more than it has to, and that every cold start would have to compile. An esbuild plugin; see package.ts.
import { readFile } from 'node:fs/promises';
import type { Plugin } from 'esbuild';

type LeftOut = {
  module: string;
  /** What the rest of the SDK imports of it: calling one throws the reason. The build fails when it imports more. */
  exports: string[];
  /** Why nothing can need it. */
  reason: string;
  /** Something is made of it nevertheless: an object to look into throws the reason, a plugin puts nothing on the stack. */
  made?: 'object' | 'plugin';
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
    made: 'object',
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
    made: 'object',
  },
  {
    module: '@aws-sdk/core/dist-es/submodules/client/util-user-agent-node/defaultUserAgent.js',
    exports: ['createDefaultUserAgentProvider', 'defaultUserAgent', 'crtAvailability'],
    reason: 'lib/aws_client.ts says who calls: to put it together anew for each request is a twentieth of its CPU',
    made: 'object',
  },
  {
    module: '@aws-sdk/core/dist-es/submodules/client/middleware-user-agent/user-agent-middleware.js',
    exports: ['getUserAgentPlugin', 'userAgentMiddleware', 'getUserAgentMiddlewareOptions'],
    reason: 'the same',
    made: 'plugin',
  },
  {
    module: '@aws-sdk/core/dist-es/submodules/client/middleware-logger/loggerMiddleware.js',
    exports: ['getLoggerPlugin', 'loggerMiddleware', 'loggerMiddlewareOptions'],
    reason: 'it filters every input and output, for a log that nobody reads: a tenth of the CPU of a request',
    made: 'plugin',
  },
  {
    module: '@aws-sdk/core/dist-es/submodules/client/middleware-recursion-detection/getRecursionDetectionPlugin.js',
    exports: ['getRecursionDetectionPlugin'],
    reason: 'nothing that we call calls us',
    made: 'plugin',
  },
  {
    module: '@smithy/core/dist-es/submodules/client/smithy-client/schemaLogFilter.js',
    exports: ['schemaLogFilter'],
    reason: 'it filters for that log only',
  },
  {
    module: '@smithy/core/dist-es/submodules/protocols/middleware-content-length/contentLengthMiddleware.js',
    exports: ['getContentLengthPlugin', 'contentLengthMiddleware', 'contentLengthMiddlewareOptions'],
    reason: 'Node counts the bytes of a body itself',
    made: 'plugin',
  },
  {
    module: '@smithy/core/dist-es/submodules/serde/util-body-length/calculateBodyLength.js',
    exports: ['calculateBodyLength'],
    reason: 'Node counts the bytes of a body itself',
  },
  {
    module: '@smithy/core/dist-es/submodules/serde/util-stream/stream-collector.js',
    exports: ['streamCollector'],
    reason: 'lib/aws_client.ts brings its own collector',
  },
];

/** Code that is used, but does more than it has to in Lambda. */
export const REPLACED: { module: string; contents: (source: string) => string; loader?: 'json' }[] = [
  {
    // The SDK's settings come from the environment only. Lambda has no ~/.aws/config, and looking for it costs each of a
    // dozen settings three errors with their stacks. Whoever names such a file in the environment is told so.
    module: '@smithy/core/dist-es/submodules/config/node-config-provider/configLoader.js',
    contents: () => `
      export const loadConfig = ({ environmentVariableSelector, default: fallback }, options) => {
        let value;
        return () => (value ??= load());
        async function load() {
          for (const name of ['AWS_CONFIG_FILE', 'AWS_SHARED_CREDENTIALS_FILE'])
            if (process.env[name]) throw Object.assign(new Error(), { name: name + ' is set, but the package reads no such file' });
          return environmentVariableSelector(process.env, options) ?? (typeof fallback === 'function' ? fallback() : fallback);
        }
      };`,
  },
  {
    // The address of AWS and who signs stay the same: both are found for the first request of each kind, not for every
    // one. The context that holds them lasts as long as the client, which lib/aws_client.ts has keep its middleware.
    module: '@smithy/core/dist-es/submodules/endpoints/middleware-endpoint/endpointMiddleware.js',
    contents: (source) =>
      replaceOnce(source, 'async (args) => {', 'async (args) => { if (context.endpointV2) return next(args);'),
  },
  {
    module: '@smithy/core/dist-es/legacy-root-exports/middleware-http-auth-scheme/httpAuthSchemeMiddleware.js',
    contents: (source) =>
      replaceOnce(
        source,
        'async (args) => {',
        'async (args) => { if (getSmithyContext(context).selectedHttpAuthScheme) return next(args);',
      ),
  },
  {
    // So nothing has to remember addresses.
    module: '@smithy/core/dist-es/submodules/endpoints/util-endpoints/cache/EndpointCache.js',
    contents: () => 'export class EndpointCache { get(params, resolve) { return resolve(); } }',
  },
  {
    // A request and its response are given all settings of the client: as a prototype, instead of a copy for each.
    module: '@smithy/core/dist-es/submodules/schema/middleware/schema(S|Des)erializationMiddleware.js',
    contents: (source) => replaceOnce(source, '...config,', '__proto__: config,'),
  },
  {
    // JSON in a POST to /: nothing of ours goes into the path, the headers or the name of the host.
    module: '@smithy/core/dist-es/submodules/protocols/HttpBindingNormalizedSchema.js',
    contents: () => 'export const getHttpOperationBindings = () => []; export class HttpBindingNormalizedSchema {}',
  },
  {
    // Node writes bytes as hexadecimal digits itself.
    module: '@smithy/core/dist-es/submodules/serde/util-hex-encoding/hex-encoding.js',
    contents: () => `
      export const toHex = (bytes) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
      export const fromHex = (digits) => Buffer.from(digits, 'hex');`,
  },
  {
    // The error classes of a client differ by their names; one function makes them all.
    module: '@aws-sdk/client-[a-z-]+/dist-es/models/errors.js',
    contents: (source) => {
      const [base = '', ...classes] = source.split(/^export class (?=\w+ extends __BaseException)/m);
      const made = classes.map((text) => {
        const [name] = text.split(' ', 1);
        const [, retryable] = /^ {4}\$retryable = (.*);$/m.exec(text) ?? [];
        return `export const ${name} = named('${name}', ${retryable});`;
      });
      if (made.length === 0) throw new Error('the error classes of the SDK have another form now');
      return `${base}
        const named = (name, $retryable) => class extends __BaseException {
          constructor(options) {
            super({ name, ...options });
            Object.setPrototypeOf(this, new.target.prototype);
            this.$retryable = $retryable;
          }
        };
        ${made.join('\n')}`;
    },
  },
  {
    // Random ids: Node makes them itself, and needs no table of hexadecimal numbers.
    module: '@smithy/core/dist-es/submodules/serde/uuid/v4.js',
    contents: () => 'export const bindV4 = () => () => crypto.randomUUID();',
  },
  {
    // Of its manifest a client reads the version.
    module: '@aws-sdk/client-[a-z-]+/package.json',
    contents: (source) => JSON.stringify({ version: JSON.parse(source).version }),
    loader: 'json',
  },
];

export const leftOut: Plugin = {
  name: 'left-out',
  setup(build) {
    for (const leftOut of LEFT_OUT) build.onLoad({ filter: path(leftOut.module) }, () => ({ contents: code(leftOut) }));
    for (const { module, contents, loader = 'js' } of REPLACED) {
      build.onLoad({ filter: path(module) }, async (file) => {
        return { contents: contents(await readFile(file.path, 'utf8')), loader };
      });
    }
  },
};

/** Matches the files that a module's name stands for. */
export function path(module: string): RegExp {
  return new RegExp(`[\\\\/]node_modules[\\\\/]${module.replaceAll('.', '\\.').replaceAll('/', '[\\\\/]')}$`);
}

function code({ module, exports, reason, made }: LeftOut): string {
  const message = JSON.stringify(`${module} is left out of the package: ${reason}`);
  const uses = { object: 'return new Proxy({}, { get: refuse })', plugin: 'return { applyToStack() {} }' };
  const use = made ? uses[made] : 'refuse()';
  return [
    `function refuse() { throw new Error(${message}) }`,
    ...exports.map((name) => `export function ${name}() { ${use} }`),
  ].join('\n');
}

function replaceOnce(source: string, part: string, replacement: string): string {
  if (source.split(part).length !== 2) throw new Error(`the SDK has another form now: ${part}`);
  return source.replace(part, () => replacement);
}
