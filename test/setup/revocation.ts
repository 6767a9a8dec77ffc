// Global Token Revocation as Okta sends it: what signs the tokens, the requests, and the answers.
import { randomUUID } from 'node:crypto';
import { pushEvent } from './events.ts';
import type { Answer, Lambda } from './lambda.ts';
import { startFunction } from './route.ts';
import { newProvider, type Provider, signToken } from './tokens.ts';

type Members = Record<string, unknown>;

export const ORGANISATION = 'https://example.okta.com';
const ENDPOINT = 'https://api.example.com/auth/global_token_revocation';
const CLIENT = '0oa1client';
const JSON_TYPE = { 'content-type': 'application/json' };

/** An organisation at Okta: its record, whose members may be replaced, and its key. */
export function newOrganisation(members: Members = {}, alg = 'RS256'): Provider {
  const own = { name: 'test_okta', issuer: ORGANISATION, audience: ENDPOINT, client_id: CLIENT };
  return newProvider({ ...own, ...members }, alg);
}

/** A revocation token as Okta makes it; members given as undefined are left out. */
export function revocationToken(
  { alg, privateKey }: Provider,
  claims: Members = {},
  header: Members = {},
): Promise<string> {
  const iat = Math.floor(Date.now() / 1000);
  const own = { iss: ORGANISATION, aud: ENDPOINT, sub: CLIENT, jti: randomUUID(), iat, nbf: iat - 300, exp: iat + 300 };
  const type = { alg, kid: 'provider', typ: 'global-token-revocation+jwt' };
  return signToken(privateKey, { ...own, ...claims }, { ...type, ...header });
}

/** The account with this `sub` at the organisation. */
export function account(sub: unknown, more: Members = {}): Members {
  return { format: 'iss_sub', iss: ORGANISATION, sub, ...more };
}

/** Sends the request; a body that is no text is JSON. */
export function revoke(
  lambda: Lambda,
  token: string | undefined,
  body: unknown,
  headers: Record<string, unknown> = JSON_TYPE,
  remainingMs?: number,
): Promise<Answer> {
  const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const event = pushEvent('/auth/global_token_revocation', { ...headers, ...authorization }, text);
  return lambda.send(event, remainingMs);
}

/** A cold start of global_token_revocation with the records of these organisations. */
export function startOrganisations(organisations: Provider[], environment?: Record<string, string>) {
  const records = organisations.map(({ record }) => record);
  return startFunction('global_token_revocation', records, environment);
}
