import { formEvent } from './events.ts';
import type { Answer, Lambda } from './lambda.ts';
import { startFunction } from './route.ts';
import type { Provider } from './tokens.ts';

/** Sends the token as a provider does. */
export function deliver(lambda: Lambda, token: string, remainingMs?: number): Promise<Answer> {
  return lambda.send(formEvent(`logout_token=${encodeURIComponent(token)}`), remainingMs);
}

/** A cold start of backchannel_logout with the records of these providers. */
export function startProviders(providers: Provider[], environment?: Record<string, string>) {
  const records = providers.map(({ record }) => record);
  return startFunction('backchannel_logout', records, environment);
}
