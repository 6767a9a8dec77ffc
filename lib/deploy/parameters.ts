import { SettingError } from '../settings/setting_error.ts';
import { OPTIONAL_ROUTES } from './routes.ts';

/** What serverless.yml has under `params`: for all stages, and for one. */
export type Params = { default: object; [stage: string]: object | null };
export type Parameters = Record<string, string | number | boolean>;

type Check = { form: { test: (value: string) => boolean }; wanted: string };

// What CloudWatch Logs takes (PutRetentionPolicy), and the framework too.
const RETENTION_DAYS =
  '1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1827, 2192, 2557, 2922, 3288, 3653';

const NUMBER = { form: /^[1-9]\d*$/, wanted: 'a number above 0' };
const RECORDS = String.raw`(?!(.*,)?\s*(own|none)\s*(,|$)).+`; // `own` and `none` stand alone: neither is the name of a record
/** Where CloudFormation would find a mistake only halfway through a deploy, or the framework would not name the parameter. */
const CHECKED: Record<string, Check> = {
  kmsKey: {
    form: /^(none|arn:[\w-]+:kms:[\w-]+:\d{12}:key\/[\w-]+(,\s*arn:[\w-]+:kms:[\w-]+:\d{12}:key\/[\w-]+)*)$/,
    wanted: 'none, or to the ARNs of one or more keys, comma separated',
  },
  alarmTopic: { form: /^(none|arn:[\w-]+:sns:[\w-]+:\d{12}:[\w-]+)$/, wanted: 'none, or to the ARN of an SNS topic' },
  reservedConcurrency: { form: /^(none|\d+)$/, wanted: 'none, or to a whole number' },
  throttleRate: NUMBER,
  throttleBurst: NUMBER,
  records: {
    form: new RegExp(`^(own|${RECORDS})$`, 's'),
    wanted: 'own alone, or to names or ARNs of records that exist',
  },
  rejectedTokensAlarm: NUMBER,
  logRetentionDays: {
    form: { test: (value) => RETENTION_DAYS.split(', ').includes(value) },
    wanted: `one of ${RETENTION_DAYS}`,
  },
  memory: {
    form: { test: (value) => /^\d+$/.test(value) && Number(value) >= 128 && Number(value) <= 10_240 },
    wanted: 'a whole number of MB from 128 to 10240',
  },
  disableDefaultEndpoint: { form: /^(true|false)$/, wanted: 'true or false' },
};
/** The parameters that take several values. */
const IN_JSON = ['layout', 'moreStores'];
const LISTS = ['records', 'kmsKey', ...OPTIONAL_ROUTES.map(({ records }) => records.parameter)];
for (const { records, throttle } of OPTIONAL_ROUTES) {
  const wanted = 'none alone, or to names or ARNs of records that exist';
  CHECKED[records.parameter] = { form: new RegExp(`^(none|${RECORDS})$`, 's'), wanted };
  CHECKED[throttle.rate] = CHECKED[throttle.burst] = NUMBER;
}

/**
 * The parameters of a stage, from serverless.yml and the options of the command line, checked. A misspelled or empty
 * parameter would leave the default: a new, empty table, where every logout is `false`.
 */
export function readParameters(params: Params, stage: string, options: string[]): Parameters {
  checkStage(stage, Object.keys(params));
  const given = options.map((option) => [option.replace(/=.*/s, ''), option.replace(/^[^=]*=/, '').trimEnd()] as const);
  const written = Object.values(params).flatMap((values) => Object.entries(values ?? {}));
  const unknown = [...written, ...given].find(([name]) => !Object.hasOwn(params.default, name));
  if (unknown) {
    const name = unknown[0].replace(/\s+/g, ' ');
    throw new SettingError(`There is no parameter ${name}: serverless.yml lists them all under params, default`);
  }
  for (const [parameter, value] of written) {
    if (value === null) throw new SettingError('has no value: set it, or remove its line', [], { parameter });
    if (typeof value === 'object') throw new SettingError(notText(parameter), [], { parameter });
  }
  for (const [parameter, value] of given) {
    if (/[\n\r\u2028\u2029]/.test(value))
      throw new SettingError('has a line feed: write it in one line, since the framework reads no further', [], {
        parameter,
      });
  }
  const parameters = { ...params.default, ...params[stage], ...Object.fromEntries(given) };
  for (const [parameter, { form, wanted }] of Object.entries(CHECKED)) {
    const value = String(parameters[parameter]);
    if (!form.test(value))
      throw new SettingError(`is ${JSON.stringify(value)}: set it to ${wanted}`, [], { parameter });
  }
  return parameters;
}

/** With another case it would get the parameters of no stage, and no one would notice. */
function checkStage(stage: string, known: string[]): void {
  const meant = known.find((name) => name.toLowerCase() === stage.toLowerCase());
  if (meant === undefined || known.includes(stage)) return;
  const what = `The stage ${stage} has no parameters, but ${meant} has: use --stage ${meant}, or rename one of them`;
  throw new SettingError(what);
}

function notText(parameter: string): string {
  const what = 'is a list or an object: write it';
  if (IN_JSON.includes(parameter)) return `${what} as JSON in single quotes`;
  return LISTS.includes(parameter) ? `${what} as text, comma separated` : `${what} as one value`;
}

/** Refuses the ARN of something in another region than the stack's: nothing here can use it. */
export function checkRegion(parameters: Parameters, region: string): void {
  for (const parameter of [...LISTS, 'alarmTopic']) {
    for (const [arn, elsewhere] of String(parameters[parameter]).matchAll(/arn:[\w-]+:\w+:([\w-]+):[^,\s]*/g)) {
      if (elsewhere === region) continue;
      const what = `has ${arn}, which is not in ${region}, where the function is deployed: use one there`;
      throw new SettingError(what, [], { parameter });
    }
  }
}
