import { devNull } from 'node:os';

/**
 * Points this process, and those that it starts, to an AWS on loopback. Nothing in the shell's environment leads to
 * another one: no profile, region, endpoint, credentials, configuration file or proxy.
 */
export function useLocalAws(endpoints: { dynamodb?: string; secretsManager?: string }): Record<string, string> {
  for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) delete process.env[name];
  delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;
  const loopback = 'localhost,127.0.0.1,::1';
  const environment = {
    ...(endpoints.dynamodb && { AWS_ENDPOINT_URL_DYNAMODB: endpoints.dynamodb }),
    ...(endpoints.secretsManager && { AWS_ENDPOINT_URL_SECRETS_MANAGER: endpoints.secretsManager }),
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'local',
    AWS_SECRET_ACCESS_KEY: 'local',
    AWS_CONFIG_FILE: devNull,
    AWS_SHARED_CREDENTIALS_FILE: devNull,
    NO_PROXY: loopback, // read at each request, even where NODE_USE_ENV_PROXY set a proxy at startup
    no_proxy: loopback,
  };
  Object.assign(process.env, environment);
  return environment;
}
