import type { HttpRequest } from './http.ts';

/** One hostile input and the answer it must get. */
export type Case = Special & { name: string; why: string; status: number };

/** What is special about a case; the rest is as in the plain request, which is valid. */
export type Special = {
  /** Made when the case runs, since it holds times. */
  token?: () => string | Promise<string>;
  request?: Partial<HttpRequest> | ((token: string) => Partial<HttpRequest>);
  /** Given to the function itself, since no HTTP client can send it, or serverless-offline would alter it. */
  event?: (token: string) => unknown;
  /** The error code, for a status that several share. */
  code?: number;
  /** The id that must come back. */
  id?: string | number | null;
  /** False where the request is served, but no session of user 2 ends. */
  result?: boolean;
  /** The gateway or the HTTP parser may answer before the function: with one of these, without JSON-RPC, or not at all. */
  gateway?: number[];
  /** The reason in the audit record, if the case is an event. */
  reason?: string;
  /** Text that must not come back. */
  absent?: string;
};

/** A case that must be served. */
export function accepted(name: string, why: string, special: Special = {}): Case {
  return { name, why, status: 200, id: 1, ...special };
}

/** A case that must be answered with an error and this status. */
export function refused(status: number, name: string, why: string, special: Special): Case {
  return { name, why, status, ...special };
}
