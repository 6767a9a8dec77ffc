// Checks the parameters of serverless.yml where CloudFormation would find the mistake only halfway through a deploy.
export type Params = { default: object; [stage: string]: object | null };

const NUMBER = { form: /^[1-9]\d*$/, wanted: 'a number above 0' };
const RECORDS = String.raw`(?!(.*,)?\s*(own|none)\s*(,|$)).+`; // `own` and `none` stand alone: neither is the name of a record
const PARAMETERS: Record<string, { form: RegExp; wanted: string }> = {
  kmsKey: {
    form: /^(none|arn:[\w-]+:kms:[\w-]+:\d{12}:key\/[\w-]+(,\s*arn:[\w-]+:kms:[\w-]+:\d{12}:key\/[\w-]+)*)$/,
    wanted: 'none, or to the ARNs of one or more keys, comma separated',
  },
  alarmTopic: { form: /^(none|arn:[\w-]+:sns:[\w-]+:\d{12}:[\w-]+)$/, wanted: 'none, or to the ARN of an SNS topic' },
  throttleRate: NUMBER,
  throttleBurst: NUMBER,
  openidThrottleRate: NUMBER,
  openidThrottleBurst: NUMBER,
  records: {
    form: new RegExp(`^(own|${RECORDS})$`, 's'),
    wanted: 'own alone, or to names or ARNs of records that exist',
  },
  openidProviders: {
    form: new RegExp(`^(none|${RECORDS})$`, 's'),
    wanted: 'none alone, or to names or ARNs of records that exist',
  },
  rejectedTokensAlarm: NUMBER,
};

/**
 * Checks what serverless.yml and the command line set. A misspelled or empty parameter would leave the default: a new,
 * empty table, where every logout is `false`.
 */
export function checkParams(params: Params, options: string[]): void {
  const written = Object.values(params).flatMap((stage) => Object.entries(stage ?? {}));
  const names = [...written.map(([name]) => name), ...options.map((option) => option.replace(/=.*/s, ''))];
  const unknown = names.find((name) => !Object.hasOwn(params.default, name));
  if (unknown) throw new Error(`There is no parameter ${unknown}: serverless.yml lists them all under params, default`);
  for (const [name, value] of written) {
    if (value === null) throw new Error(`The parameter ${name} has no value: set it, or remove its line`);
    if (typeof value === 'object')
      throw new Error(`The parameter ${name} is a list or an object: write it as JSON in single quotes`);
  }
}

export function checkValues(given: Record<string, unknown>): void {
  for (const [name, { form, wanted }] of Object.entries(PARAMETERS)) {
    const value = String(given[name]);
    if (!form.test(value)) throw new Error(`The parameter ${name} is "${value}": set it to ${wanted}`);
  }
}
