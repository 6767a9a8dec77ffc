// `npm run logout -- 2`: a client of the route, for the local run and for an operator's own stack.
import { readFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { printable } from '../request/printable.ts';
import { Caller } from './caller.ts';
import { fail, failureOf, isLocal, readCommand, readUrl, refuseUsage } from './command.ts';
import { useLocalAws } from './local_aws.ts';
import { logOutMany, type Outcome } from './logout_many.ts';
import { explain, fitsAddress, requestLogout } from './request_logout.ts';
import { Results } from './results.ts';
import { readUserIds } from './user_ids.ts';

const SECRET_ID = 'auth-logout-user-dev-validator'; // as serverless.yml names it in the stage dev
const SHOWN_IDS = 10;
const MAX_KEYS = 10;
const USAGE = `Logs users out everywhere.

  npm run logout -- <user id>... [options]
  npm run logout -- --from FILE [options]

  --from              file of the user ids, - for standard input: one a line, or JSON lines
                      with user_id. \\u{...} is read back, as the audit record writes it
  --out               file to add a JSON line to for each user. Those whom it holds as done
                      at the same address are passed over: so an interrupted run goes on
  --except-from       file of session keys to keep, one a line, at most ten; for one user
  --rate              requests a second, at most; default 20
  --url               address of the service; default http://localhost:8069, where npm start serves
  --secret-id         id or ARN of the validator record; default ${SECRET_ID}
  --secrets-manager   address of the local Secrets Manager, for a service on localhost;
                      default: two ports above the service
  --audience          of the token; default: the record's first
  --issuer            of the token; default: the record's
  --email             who asks; default: admin
  --reason            why, for the audit record
  --help              this text

The record is read with your AWS credentials and region (AWS_PROFILE, AWS_REGION, ...).
For a service on localhost it is read from the local Secrets Manager, whatever your AWS
settings are. Of several users, one whose answer is 429 or 503 is asked for again after
retry-after, for ten minutes at most.

Exit code: 0 all are logged out, 1 an error, 2 wrong usage.`;

const CALLER = ['secret-id', 'secrets-manager', 'audience', 'issuer', 'email'];
const TEXT = ['from', 'out', 'except-from', 'rate', 'url', 'reason', ...CALLER];
const { option, words } = readCommand(USAGE, TEXT, 'any');
const url = readUrl(option.get('url'));
const address = url.href.replace(/\/$/, '');
const rate = Number(option.get('rate') ?? 20);
const userIds = await readList();
const secretsManager = readSecretsManager();
const secretId = option.get('secret-id') ?? SECRET_ID;
const email = option.get('email') ?? 'admin';
const reason = option.get('reason');
if (url.protocol !== 'https:' && !isLocal(url))
  refuseUsage(`--url must begin with https://, or the token is in the open`);
if (!(rate > 0 && rate <= 1000)) refuseUsage('--rate must be a number of requests a second, up to 1000.');

const isSingle = words.length === 1 && !option.has('out');
const except = readExcept();
const results = isSingle ? undefined : openResults();
const caller = new Caller({
  secretId,
  address,
  audience: option.get('audience'),
  issuer: option.get('issuer'),
  email,
  secretsManager,
});
results ? await logOutAll(results) : await logOutOne(userIds[0] ?? '');

async function readList(): Promise<string[]> {
  const from = option.get('from');
  if ((from === undefined) === (words.length === 0)) refuseUsage(`Name users, or a file with --from.\n\n${USAGE}`);
  if (from === undefined) return [...new Set(words)];
  try {
    const userIds = readUserIds(from === '-' ? await text(process.stdin) : readFileSync(from, 'utf8'));
    return userIds.length > 0 ? userIds : refuseUsage(`--from ${from} names no user.`);
  } catch (error) {
    return refuseUsage(`--from ${from}: ${failureOf(error)}`);
  }
}

/** The keys of sessions to keep. They are credentials: never on the command line, where others see them, or in an error. */
function readExcept(): string[] | undefined {
  const file = option.get('except-from');
  if (file === undefined) return undefined;
  if (!isSingle) refuseUsage('--except-from is for one user, without --out.');
  try {
    const keys = readFileSync(file, 'utf8').split(/\r?\n/).filter(Boolean);
    if (keys.length > 0 && keys.length <= MAX_KEYS) return keys;
    return refuseUsage(`--except-from ${file} has ${keys.length} keys: it must have 1 to ${MAX_KEYS}, one a line.`);
  } catch (error) {
    return refuseUsage(`--except-from: ${failureOf(error)}`);
  }
}

/** Points to the Secrets Manager that belongs to the service. Returns where that is, for an error. */
function readSecretsManager(): string {
  const given = option.get('secrets-manager');
  if (!isLocal(url)) {
    if (given !== undefined) refuseUsage('--secrets-manager is for a service on localhost.');
    return 'Secrets Manager';
  }
  const local = given === undefined ? `http://127.0.0.1:${Number(url.port || 80) + 2}` : given;
  const { href } = readUrl(local, '--secrets-manager');
  useLocalAws({ secretsManager: href });
  return href.replace(/\/$/, '');
}

function openResults(): Results {
  try {
    return new Results(option.get('out'), address);
  } catch (error) {
    return refuseUsage(`--out: ${failureOf(error)}`);
  }
}

async function logOutOne(userId: string): Promise<void> {
  if (!fitsAddress(userId)) refuseUsage('No address can hold this id.');
  const token = await caller.token();
  const answer = await requestLogout(url, userId, token.text, { reason, except }).catch((error) =>
    fail(`No answer from ${address}: ${failureOf(error)}.${isLocal(url) ? ' Is npm start running?' : ''}`),
  );
  const user = `User ${printable(userId)}`;
  if (answer.body) console.log(JSON.stringify(answer.body));
  const kept = except ? ' but those to keep' : '';
  if (answer.body?.result === true) console.log(`${user} is logged out at ${address}: no session is left${kept}.`);
  else if (answer.body?.result === false) console.log(`${user} had no live session at ${address}.`);
  else fail(`${user} may still be logged in: ${address} answered ${explain(answer, secretId, email)}`);
}

async function logOutAll(results: Results): Promise<void> {
  const left = userIds.filter((userId) => !results.done.has(userId));
  if (option.has('out'))
    console.log(`${userIds.length - left.length} passed over, done before: see ${option.get('out')}`);
  const order = { service: url, address, caller, secretId, email, reason, rate };
  const outcome = await logOutMany(left, order, results).catch((error) => fail(`--out: ${failureOf(error)}`));
  report(outcome, left.length);
}

function report({ yes, no, failed, stopped }: Outcome, asked: number): void {
  const failures = [...failed.values()].flat().length;
  console.log(`${yes} true, ${no} false, ${failures} failed at ${address}`);
  for (const [error, users] of failed) {
    const more = users.length > SHOWN_IDS ? ` and ${users.length - SHOWN_IDS} more` : '';
    console.error(`Failed: ${users.slice(0, SHOWN_IDS).join(', ')}${more}: ${error}`);
  }
  const untried = asked - yes - no - failures;
  if (stopped) console.error(`Stopped, with ${untried} not tried: ${stopped}`);
  if (failures > 0 || stopped) process.exitCode = 1;
}
