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

/** A misspelled or empty parameter would leave the default: a new, empty table, where every logout is `false`. */
export function checkNames({ default: known, ...stages }: Params, options: string[]): void {
  const inStages = Object.values(stages).flatMap((stage) => Object.entries(stage ?? {}));
  const given = [...inStages.map(([name]) => name), ...options.map((option) => option.replace(/=.*/s, ''))];
  const unknown = given.find((name) => !Object.hasOwn(known, name));
  if (unknown) throw new Error(`There is no parameter ${unknown}: serverless.yml lists them all under params, default`);
  const empty = inStages.find(([, value]) => value === null);
  if (empty) throw new Error(`The parameter ${empty[0]} has no value: set it, or remove its line`);
}

export function checkValues(given: Record<string, unknown>): void {
  for (const [name, { form, wanted }] of Object.entries(PARAMETERS)) {
    const value = String(given[name]);
    if (!form.test(value)) throw new Error(`The parameter ${name} is "${value}": set it to ${wanted}`);
  }
}
