// The routes as the stack sees them. For another optional one: a file in functions/, a description here, its parameters
// in serverless.yml, and a chapter in docs/operations.md for each alarm.
import type { RecordsVariable } from '../settings/environment.ts';
import type { Alarm, Expression, Metric } from './alarms.ts';
import { logoutWidgets, routeWidgets, type Shown, type Widget } from './dashboard.ts';
import type { LookUpName } from './grants.ts';

/** What the stack has for a route. */
export type Route = {
  /** Of the function, and of its file in functions/. */
  name: string;
  /** The parameter that names its validator records, and the variable by which the function learns them. */
  records: { parameter: string; variable: RecordsVariable };
  /** The members of a layout by which it finds users. */
  lookUps: LookUpName[];
  /** By name; docs/operations.md has a chapter for each. */
  alarms: (parameters: Record<string, unknown>) => Record<string, Alarm>;
  widgets: (shown: Shown) => Widget[];
};

/** A route that is there only when its parameter names records. */
export type OptionalRoute = Route & {
  description: string;
  path: string;
  /** The parameters of its throttle. A 429 is a lost logout: few callers send one again. */
  throttle: { rate: string; burst: string };
};

const lambda = (metric: string): Metric => ['AWS/Lambda', metric];
const audit = (metric: string, outcome?: string): Metric => ['auth-logout-user', metric, outcome];
const api = (metric: string): Metric => ['AWS/ApiGateway', metric];
const requests = (outcome: string) => audit('requests', outcome);
/** Accounts or addresses that are linked to no user, in an hour in which none was found. */
const NO_ACCOUNT: Expression = {
  outcomes: ['no_account', 'logged_out', 'no_live_session'],
  expression: 'IF(no_account >= 5 AND FILL(logged_out, 0) + FILL(no_live_session, 0) == 0, 1, 0)',
  seconds: 3600,
};

/** The route that is always there: serverless.yml has its function. */
export const LOGOUT_USER: Route = {
  name: 'logout_user',
  records: { parameter: 'records', variable: 'VALIDATOR_SECRET_IDS' },
  lookUps: [],
  alarms: ({ rejectedTokensAlarm }) => ({
    'function-errors': ['The function did not start, crashed or ran out of time', lambda('Errors')],
    'function-throttles': ['Lambda turned requests away; more came at once than it can run', lambda('Throttles')],
    slow: [
      'One request in a hundred took more than 10 of its 25 seconds, for a quarter of an hour',
      lambda('Duration'),
      { ExtendedStatistic: 'p99', EvaluationPeriods: 3, Threshold: 10_000 },
    ],
    'server-errors': ['Five answers of the API in five minutes were 500 or 503', api('5xx'), { Threshold: 5 }],
    'internal-errors': ['An answer was 500; our own configuration or code is wrong', requests('internal')],
    'rejected-tokens': [
      'Many tokens were rejected in five minutes',
      requests('unauthenticated'),
      { Threshold: Number(rejectedTokensAlarm) },
    ],
    'sessions-left': ['A logout failed halfway; some sessions of the user may still be live', audit('sessions_left')],
    'stale-record': [
      'A validator record or a key set cannot be read; the last good one stays in use for an hour at most',
      audit('stale_record'),
    ],
  }),
  widgets: logoutWidgets,
};

export const OPTIONAL_ROUTES: OptionalRoute[] = [
  {
    name: 'backchannel_logout',
    description: 'Ends all sessions of a user whom an OpenID provider has logged out',
    path: '/auth/backchannel_logout',
    records: { parameter: 'openidProviders', variable: 'OPENID_PROVIDER_SECRET_IDS' },
    throttle: { rate: 'openidThrottleRate', burst: 'openidThrottleBurst' },
    lookUps: ['account'],
    alarms: () =>
      receiverAlarms('backchannel', {
        senders: 'OpenID providers',
        rejected: 'Logout tokens were rejected, or no form came; a provider and its record may not agree',
      }),
    widgets: routeWidgets('OpenID providers'),
  },
  {
    name: 'global_token_revocation',
    description: 'Ends all sessions of a user whom an issuer such as Okta revokes',
    path: '/auth/global_token_revocation',
    records: { parameter: 'revocationIssuers', variable: 'REVOCATION_ISSUER_SECRET_IDS' },
    throttle: { rate: 'revocationThrottleRate', burst: 'revocationThrottleBurst' },
    lookUps: ['account', 'email'],
    alarms: () =>
      receiverAlarms('revocation', {
        senders: 'issuers of revocations',
        rejected: 'Revocations were rejected; an issuer and its record may not agree',
        subjects: 'A good revocation names nobody in a form that the record takes',
      }),
    widgets: routeWidgets('Issuers of revocations'),
  },
  {
    name: 'security_events',
    description: 'Ends all sessions of a user about whom a security event is reported',
    path: '/auth/security_events',
    records: { parameter: 'eventTransmitters', variable: 'EVENT_TRANSMITTER_SECRET_IDS' },
    throttle: { rate: 'eventThrottleRate', burst: 'eventThrottleBurst' },
    lookUps: ['account', 'email'],
    alarms: () =>
      receiverAlarms('events', {
        senders: 'transmitters of events',
        rejected: 'Security events were rejected, or name no user; a transmitter and its record may not agree',
        subjects: 'A good security event names nobody in a form that the record takes',
      }),
    widgets: routeWidgets('Transmitters of events'),
  },
];

/** The alarms of a route by which others report users. Few of them send a request again. */
function receiverAlarms(
  prefix: string,
  { senders, rejected, subjects }: { senders: string; rejected: string; subjects?: string },
): Record<string, Alarm> {
  return {
    [`${prefix}-function-errors`]: [
      `The function for ${senders} did not start, crashed or ran out of time`,
      lambda('Errors'),
    ],
    [`${prefix}-function-throttles`]: [
      `Lambda turned requests of ${senders} away; more came at once than it can run`,
      lambda('Throttles'),
    ],
    [`${prefix}-internal-errors`]: [
      `An answer to ${senders} was 500; our own configuration or code is wrong`,
      requests('internal'),
    ],
    [`${prefix}-unavailable`]: [
      `An answer to ${senders} was 503; the user may still have sessions, and few senders try again`,
      requests('unavailable'),
    ],
    [`${prefix}-user-ids`]: [
      'A good token names a user whose id our own settings refuse',
      requests('user_id_not_accepted'),
    ],
    ...(subjects && { [`${prefix}-subjects`]: [subjects, requests('invalid_request')] }),
    [`${prefix}-no-account`]: [
      'Five accounts in an hour are linked to no user, and none to one; account_provider or a look-up may be wrong',
      NO_ACCOUNT,
    ],
    [`${prefix}-rejected-tokens`]: [rejected, audit('rejections'), { Threshold: 5 }],
  };
}
