import { hash } from 'node:crypto';
import type { MiddlewareObj } from '@middy/core';
import type { APIGatewayProxyEventV2, Context } from 'aws-lambda';
import { type ErrorCode, type ServiceError, serviceError } from '../errors.ts';
import { isObject } from '../json.ts';
import { type Counts, type LogoutResult, logoutResult, type StoreResult } from '../sessions/logout_result.ts';
import type { Verified } from '../token/verify.ts';
import { header } from './http.ts';
import { printable } from './printable.ts';

const MAX_TEXT = 256;
const MAX_SUBJECT = 2048; // longer than any key, and so than any user's

// CloudWatch embedded metric format: which members of the line are metrics, and by which dimensions. All are by
// function too: otherwise the alarms of one stage would go off for another in the same account.
const METRICS = [
  metrics([['outcome']], { requests: 'Count' }),
  metrics([[]], {
    sessions_ended: 'Count',
    sessions_written_back: 'Count',
    items_left_alone: 'Count',
    sessions_left: 'Count',
    stale_record: 'Count',
    throttles: 'Count',
    duration_ms: 'Milliseconds',
  }),
];
const REJECTIONS = metrics([['reason'], []], { rejections: 'Count' });
const REJECTED: ErrorCode[] = ['UNAUTHENTICATED', 'NOT_ALLOWED', 'NO_USER'];

/** What is noted about a request while it is served. The log line has only known fields, whatever the request holds. */
export type AuditRecord = {
  route: string;
  startedAt: number;
  caller?: Caller;
  /** Why a record that was tried before, or the newest version of this one, could not be used. */
  fault?: string | undefined;
  subject?: unknown;
  userId?: string;
  callerReason?: unknown;
  result?: LogoutResult;
};
type Caller = {
  email: unknown;
  sub: string | undefined;
  tokenId: string;
  validator: string;
  algorithm: string;
  keyStage: string;
  shortKey: boolean;
  isStale: boolean;
};
export type AuditContext = Context & { audit: AuditRecord };

/**
 * Writes one JSON line for each request, whatever its outcome, with its metrics in CloudWatch's embedded format.
 * `rejected`: what else than a refused token counts as a rejection, where a caller that errs there loses its logouts.
 */
export function audit(
  route: string,
  rejected: ErrorCode[] = [],
): MiddlewareObj<APIGatewayProxyEventV2, unknown, Error, AuditContext> {
  const rejections = [...REJECTED, ...rejected];
  return {
    before: (request) => {
      request.context.audit = { route, startedAt: Date.now() };
    },
    after: (request) => {
      write(request.event, request.context);
    },
    onError: (request) => {
      const error = serviceError(request.error);
      write(request.event, request.context, error, rejections.includes(error.code));
    },
  };
}

/** Notes who called: by which record and key, with which token, by its jti or else its hash. */
export function noteCaller(audit: AuditRecord, { token, claims, version, faults }: Verified): void {
  const { record, stage, stale } = version;
  audit.caller = {
    email: claims.email,
    sub: claims.sub,
    tokenId: claims.jti ?? `sha256:${hash('sha256', token, 'base64url')}`,
    validator: record.name,
    algorithm: record.algorithm,
    keyStage: stage,
    shortKey: record.shortKey,
    isStale: stale !== undefined,
  };
  audit.fault = (faults[0] ?? stale)?.fault;
}

/** Notes the reason that the caller gives. */
export function noteReason(audit: AuditRecord, reason: unknown): void {
  audit.callerReason = reason;
}

/** Notes whom the caller means, by a subject identifier that nobody has judged yet, and the event that names him. */
export function noteSubject(audit: AuditRecord, identifier: unknown, event?: string): void {
  const { sub, email } = isObject(identifier) ? identifier : {};
  audit.subject = sub ?? email;
  audit.callerReason = event;
}

/** Notes whose sessions are to end. */
export function noteUser(audit: AuditRecord, userId: string): void {
  audit.userId = userId;
}

/** Notes what the logout did, also when it failed. */
export function noteResult(audit: AuditRecord, result: LogoutResult): void {
  audit.result = result;
}

function metrics(dimensions: string[][], units: Record<string, string>) {
  const Metrics = Object.entries(units).map(([Name, Unit]) => ({ Name, Unit }));
  const Dimensions = dimensions.map((names) => ['function_name', ...names]);
  return { Namespace: 'auth-logout-user', Dimensions, Metrics };
}

function write(event: APIGatewayProxyEventV2, context: AuditContext, error?: ServiceError, isRejection = false): void {
  const { route, startedAt, caller, fault, subject, userId, callerReason, result } = context.audit;
  const { stores, wasLive, ...counts } = result ?? logoutResult([]);
  const isFailure = error?.code === 'INTERNAL' || error?.code === 'UNAVAILABLE';
  const line = {
    timestamp: new Date(startedAt).toISOString(),
    level: isFailure ? 'ERROR' : 'INFO',
    message: 'logout',
    route,
    outcome: error?.code.toLowerCase() ?? (wasLive ? 'logged_out' : 'no_live_session'),
    reason: error?.reason,
    fault: clean(error ? error.fault : fault),
    subject: typeof subject === 'string' ? printable(subject.slice(0, MAX_SUBJECT)) : undefined,
    user_id: printableOrAbsent(userId),
    caller_reason: clean(callerReason),
    actor: clean(caller?.email) ?? printableOrAbsent(caller?.sub),
    sub: printableOrAbsent(caller?.sub),
    validator: clean(caller?.validator),
    alg: caller?.algorithm,
    key_stage: caller?.keyStage,
    short_key: caller?.shortKey,
    token_id: clean(caller?.tokenId),
    passes: counts.passes,
    retries: counts.retries,
    stores: stores.length > 1 ? stores.map(storeLine) : undefined,
    function_name: context.functionName,
    request_id: context.awsRequestId,
    api_request_id: clean(event?.requestContext?.requestId),
    source_ip: clean(event?.requestContext?.http?.sourceIp),
    user_agent: clean(header(event, 'user-agent')),
    requests: 1,
    rejections: isRejection ? 1 : 0,
    ...countsLine(counts),
    sessions_left: isFailure && caller ? 1 : 0, // 1: some may be left
    stale_record: caller?.isStale ? 1 : 0,
    throttles: counts.throttles,
    duration_ms: Date.now() - startedAt,
    _aws: { Timestamp: startedAt, CloudWatchMetrics: isRejection ? [...METRICS, REJECTIONS] : METRICS },
  };
  // Not console.log: where Lambda logs as JSON, it would wrap the line, and CloudWatch would not find the metrics.
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

/** What happened to the sessions in one of several stores. */
function storeLine({ table, failure, ...counts }: StoreResult) {
  const { passes, retries, throttles } = counts;
  const fault = clean(failure?.fault);
  return { table, reason: failure?.reason, fault, passes, retries, throttles, ...countsLine(counts) };
}

function countsLine({ live, expired, writtenBack, leftAlone, kept }: Counts) {
  return {
    sessions_ended: live,
    sessions_expired: expired,
    sessions_written_back: writtenBack,
    items_left_alone: leftAlone,
    sessions_kept: kept,
  };
}

/** Text fit for a log line: no control or format characters, 256 characters at most. Anything but text is left out. */
function clean(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined;
  return value.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, '').slice(0, MAX_TEXT);
}

function printableOrAbsent(id: string | undefined): string | undefined {
  return id === undefined ? undefined : printable(id);
}
