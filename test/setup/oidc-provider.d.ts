declare module 'oidc-provider' {
  import type { RequestListener } from 'node:http';
  export default class Provider {
    constructor(issuer: string, configuration: object);
    readonly issuer: string;
    callback(): RequestListener;
    readonly AccessToken: { find(value: string): Promise<{ grantId: string; sessionUid: string } | undefined> };
    readonly Session: { findByUid(uid: string): Promise<{ jti: string } | undefined> };
    on(event: 'backchannel.success', listener: (ctx: unknown, client: unknown, accountId: string) => void): this;
    on(
      event: 'backchannel.error',
      listener: (ctx: unknown, error: Error, client: unknown, accountId: string) => void,
    ): this;
  }
}
