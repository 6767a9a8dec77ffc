// The parameters of serverless.yml, checked as far as CloudFormation would find out half way only.
export type Params = { default: object; [stage: string]: object | null };

const NUMBER = { form: /^\d+$/, wanted: 'a number' };
const RECORDS = String.raw`(?!(.*,)?\s*(own|none)\s*(,|$)).+`; // `own` and `none` stand alone, and are no record's name
const PARAMETERS: Record<string, { form: RegExp; wanted: string }> = {
  kmsKey: {
    form: /^(none|arn:[\w-]+:kms:[\w-]+:\d{12}:key\/[\w-]+(,\s*arn:[\w-]+:kms:[\w-]+:\d{12}:key\/[\w-]+)*)$/,
    wanted: 'none, or to the ARN of a key, or of several, comma separated',
  },
  alarmTopic: { form: /^(none|arn:[\w-]+:sns:[\w-]+:\d{12}:[\w-]+)$/, wanted: 'none, or to the ARN of an SNS topic' },
  throttleRate: NUMBER,
  throttleBurst: NUMBER,
  openidThrottleRate: NUMBER,
  openidThrottleBurst: NUMBER,
  records: {
    form: new RegExp(`^(own|${RECORDS})$`, 's'),
    wanted: 'own alone, or to names or ARNs of records that are there already',
  },
  openidProviders: {
    form: new RegExp(`^(none|${RECORDS})$`, 's'),
    wanted: 'none alone, or to names or ARNs of records that are there already',
  },
  rejectedTokensAlarm: NUMBER,
};

/** A misspelled parameter would leave its default: a new, empty table instead of yours, whose every logout is `false`. */
export function checkNames({ default: known, ...stages }: Params, options: string[]): void {
  const inStages = Object.keys(Object.assign({}, ...Object.values(stages))); // it passes over a stage that is empty
  const given = [...inStages, ...options.map((option) => option.replace(/=.*/s, ''))];
  const unknown = given.find((name) => !Object.hasOwn(known, name));
  if (unknown) throw new Error(`There is no parameter ${unknown}: serverless.yml has them all under params, default`);
}

export function checkValues(given: Record<string, unknown>): void {
  for (const [name, { form, wanted }] of Object.entries(PARAMETERS)) {
    const value = String(given[name]);
    if (!form.test(value)) throw new Error(`The parameter ${name} is "${value}": set it to ${wanted}`);
  }
}
