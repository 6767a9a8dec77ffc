import { SettingError } from '../settings/setting_error.ts';
import { OPTIONAL_ROUTES } from './routes.ts';

/** What serverless.yml has under `params`: for all stages, and for one. */
export type Params = { default: object; [stage: string]: object | null };
export type Parameters = Record<string, string | number | boolean>;

const NUMBER = { form: /^[1-9]\d*$/, wanted: 'a number above 0' };
const RECORDS = String.raw`(?!(.*,)?\s*(own|none)\s*(,|$)).+`; // `own` and `none` stand alone: neither is the name of a record
/** Where CloudFormation would find a mistake only halfway through a deploy. */
const CHECKED: Record<string, { form: RegExp; wanted: string }> = {
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
};
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
  const given = options.map((option) => [option.replace(/=.*/s, ''), option.replace(/^[^=]*=/, '').trimEnd()] as const);
  const written = Object.values(params).flatMap((values) => Object.entries(values ?? {}));
  const unknown = [...written, ...given].find(([name]) => !Object.hasOwn(params.default, name));
  if (unknown)
    throw new SettingError(`There is no parameter ${unknown[0]}: serverless.yml lists them all under params, default`);
  for (const [parameter, value] of written) {
    if (value === null) throw new SettingError('has no value: set it, or remove its line', [], { parameter });
    if (typeof value === 'object')
      throw new SettingError('is a list or an object: write it as JSON in single quotes', [], { parameter });
  }
  const parameters = { ...params.default, ...params[stage], ...Object.fromEntries(given) };
  for (const [parameter, { form, wanted }] of Object.entries(CHECKED)) {
    const value = String(parameters[parameter]);
    if (!form.test(value)) throw new SettingError(`is "${value}": set it to ${wanted}`, [], { parameter });
  }
  return parameters;
}
