// Security Event Tokens: what signs them, the push, and the answers.
import { randomUUID } from 'node:crypto';
import { pushEvent } from './events.ts';
import type { Answer, Lambda } from './lambda.ts';
import { startFunction } from './route.ts';
import { newProvider, type Provider, signToken } from './tokens.ts';

type Members = Record<string, unknown>;

export const TRANSMITTER = 'https://transmitter.example.com';
const AUDIENCE = 'https://app.example.com';
const TYPES = 'https://schemas.openid.net/secevent';
export const CAEP = `${TYPES}/caep/event-type`;
export const RISC = `${TYPES}/risc/event-type`;
export const OAUTH = `${TYPES}/oauth/event-type`;
const SECEVENT_TYPE = { 'content-type': 'application/secevent+jwt' };

/** A transmitter: its record, whose members may be replaced, and its key. */
export function newTransmitter(members: Members = {}, alg = 'RS256'): Provider {
  return newProvider({ name: 'test_transmitter', issuer: TRANSMITTER, audience: AUDIENCE, ...members }, alg);
}

/** A token with these events; members given as undefined are left out. */
export function securityEventToken(
  { alg, privateKey }: Provider,
  events: unknown,
  claims: Members = {},
  header: Members = {},
): Promise<string> {
  const iat = Math.floor(Date.now() / 1000);
  const own = { iss: TRANSMITTER, aud: AUDIENCE, jti: randomUUID(), iat, events };
  return signToken(privateKey, { ...own, ...claims }, { alg, kid: 'provider', typ: 'secevent+jwt', ...header });
}

/** The user whom an issuer calls `sub`, as RFC 9493 writes it. */
export function account(sub: unknown, more: Members = {}): Members {
  return { format: 'iss_sub', iss: TRANSMITTER, sub, ...more };
}

/** Pushes the token. */
export function pushToken(
  lambda: Lambda,
  token: string,
  headers: Record<string, unknown> = SECEVENT_TYPE,
  remainingMs?: number,
): Promise<Answer> {
  return lambda.send(pushEvent('/auth/security_events', headers, token), remainingMs);
}

/** A cold start of security_events with the records of these transmitters. */
export function startTransmitters(transmitters: Provider[], environment?: Record<string, string>) {
  const records = transmitters.map(({ record }) => record);
  return startFunction('security_events', records, environment);
}
