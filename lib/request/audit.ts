import { hash } from 'node:crypto';
import type { MiddlewareObj } from '@middy/core';
import type { APIGatewayProxyEventV2, Context } from 'aws-lambda';
import { type Reason, type ServiceError, serviceError } from '../errors.ts';
import { type StoreTally, total } from '../sessions/tally.ts';
import type { Verified } from '../token/verify.ts';
import { header } from './http.ts';

const MAX_TEXT = 256;

// CloudWatch embedded metric format: which members of the line are metrics, and by which dimensions. All are by
// function too: otherwise the alarms of one stage would go off for another in the same account.
const METRICS = [
  metrics(['outcome'], { requests: 'Count' }),
  metrics([], {
    sessions_ended: 'Count',
    sessions_written_back: 'Count',
    items_left_alone: 'Count',
    sessions_left: 'Count',
    stale_record: 'Count',
    throttles: 'Count',
    duration_ms: 'Milliseconds',
  }),
];
const REJECTIONS = metrics(['reason'], { rejections: 'Count' });

// Reasons whose cause is in our own words, for an operator. The message of any other error may quote its input.
const OWN_WORDS = new Set<Reason>([
  'record_missing',
  'record_refused',
  'record_invalid',
  'key_set_invalid',
  'jwks_unavailable',
]);

/** What is noted about a request while it is served. The log line has only known fields, whatever the request holds. */
export type AuditRecord = {
  route: string;
  startedAt: number;
  userId?: string;
  callerReason?: unknown;
  caller?: Pick<Verified, 'claims' | 'version'> & { tokenId: string };
  fault?: ServiceError;
  outcome?: string;
  tallies: StoreTally[];
};
export type AuditContext = Context & { audit: AuditRecord };

/** Writes one JSON line for each request, whatever its outcome, with its metrics in CloudWatch's embedded format. */
export function audit(route: string): MiddlewareObj<APIGatewayProxyEventV2, unknown, Error, AuditContext> {
  return {
    before: (request) => {
      request.context.audit = { route, startedAt: Date.now(), tallies: [] };
    },
    after: (request) => {
      write(request.event, request.context);
    },
    onError: (request) => {
      write(request.event, request.context, serviceError(request.error));
    },
  };
}

/** Notes who called: the claims, and the token's jti or else its hash. */
export function noteCaller(audit: AuditRecord, { token, claims, version, faults }: Verified): void {
  const tokenId = claims.jti ?? `sha256:${hash('sha256', token, 'base64url')}`;
  audit.caller = { claims, version, tokenId };
  audit.fault = faults[0];
}

/** Notes whose sessions are to end, and the reason that the caller gives. */
export function noteRequest(audit: AuditRecord, userId: string, reason?: unknown): void {
  audit.userId = userId;
  audit.callerReason = reason;
}

/** Notes that there is nobody to log out: the provider's account is not linked to a user. */
export function noteNoAccount(audit: AuditRecord): void {
  audit.outcome = 'no_account';
}

function metrics(dimensions: string[], units: Record<string, string>) {
  const Metrics = Object.entries(units).map(([Name, Unit]) => ({ Name, Unit }));
  return { Namespace: 'auth-logout-user', Dimensions: [['function_name', ...dimensions]], Metrics };
}

function write(event: APIGatewayProxyEventV2, context: AuditContext, error?: ServiceError): void {
  const { route, startedAt, outcome, userId, callerReason, caller, fault, tallies } = context.audit;
  const tally = total(tallies);
  const refused = error?.code === 'UNAUTHENTICATED' || error?.code === 'NOT_ALLOWED';
  const failed = error?.code === 'INTERNAL' || error?.code === 'UNAVAILABLE';
  const line = {
    timestamp: new Date(startedAt).toISOString(),
    level: failed ? 'ERROR' : 'INFO',
    message: 'logout',
    route,
    outcome: error?.code.toLowerCase() ?? outcome ?? (tally.live > 0 ? 'logged_out' : 'no_live_session'),
    reason: error?.reason,
    fault: describe(error ?? fault ?? caller?.version.stale),
    user_id: clean(userId),
    caller_reason: clean(callerReason),
    actor: clean(caller?.claims.email) ?? clean(caller?.claims.sub),
    validator: clean(caller?.version.record.name),
    alg: caller?.version.record.algorithm,
    key_stage: caller?.version.stage,
    short_key: caller?.version.record.shortKey,
    token_id: clean(caller?.tokenId),
    passes: tally.passes,
    retries: tally.retries,
    stores: tallies.length > 1 ? tallies.map(storeLine) : undefined,
    function_name: context.functionName,
    request_id: context.awsRequestId,
    api_request_id: clean(event?.requestContext?.requestId),
    source_ip: clean(event?.requestContext?.http?.sourceIp),
    user_agent: clean(header(event, 'user-agent')),
    requests: 1,
    rejections: refused ? 1 : 0,
    sessions_ended: tally.live,
    sessions_expired: tally.expired,
    sessions_written_back: tally.writtenBack,
    items_left_alone: tally.leftAlone,
    sessions_left: failed && caller ? 1 : 0, // 1: some may be left
    stale_record: caller?.version.stale ? 1 : 0,
    throttles: tally.throttles,
    duration_ms: Date.now() - startedAt,
    _aws: { Timestamp: startedAt, CloudWatchMetrics: refused ? [...METRICS, REJECTIONS] : METRICS },
  };
  // Not console.log: where Lambda logs as JSON, it would wrap the line, and CloudWatch would not find the metrics.
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

/** What happened to the sessions in one of several stores. */
function storeLine({ table, failure, ...tally }: StoreTally) {
  return {
    table,
    reason: failure?.reason,
    fault: describe(failure),
    passes: tally.passes,
    retries: tally.retries,
    throttles: tally.throttles,
    sessions_ended: tally.live,
    sessions_expired: tally.expired,
    sessions_written_back: tally.writtenBack,
    items_left_alone: tally.leftAlone,
  };
}

/** Text fit for a log line: no control or format characters, 256 characters at most. Anything but text is left out. */
function clean(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined;
  const printable = /^[ -~]*$/.test(value); // nearly always true, and much faster to check
  return (printable ? value : value.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, '')).slice(0, MAX_TEXT);
}

/** What went wrong: in our own words, or else the error's name and codes: its message may quote ARNs and addresses. */
function describe(error: ServiceError | undefined): string | undefined {
  const cause = error?.cause;
  if (!(cause instanceof Error)) return clean(cause);
  if (error && OWN_WORDS.has(error.reason)) return clean(cause.message);
  const { $metadata, code }: Error & { $metadata?: { httpStatusCode?: number }; code?: unknown } = cause;
  const frame = error?.reason === 'unexpected' ? cause.stack?.match(/^ {4}at .*/m)?.[0].trim() : undefined;
  return [cause.name, code, $metadata?.httpStatusCode, frame].filter(Boolean).join(' ');
}
