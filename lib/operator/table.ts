// `npm run table -- NAME`: whose sessions are in a table, and what to set so that a logout finds them.
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { readAnyLayout } from '../deploy/library_layouts.ts';
import { printable } from '../request/printable.ts';
import type { Layout } from '../sessions/layout.ts';
import { fail, failureOf, readCommand, readUrl, refuseUsage } from './command.ts';
import { useLocalAws } from './local_aws.ts';
import { lookAtTable } from './table_look.ts';
import { type Given, noReport, type Report, reportOn } from './table_report.ts';
import { countUserSessions } from './table_sessions.ts';

const USAGE = `Looks at a table: whose sessions these are, what to set, and what is missing.

  npm run table -- <table name> [options]

  --layout     hold the table against this layout: a name of docs/session-stores.md, or JSON
  --user       how many sessions a logout of this user id would end; ends none
  --dynamodb   address of a local DynamoDB, as npm start prints it
  --json       for scripts: table, fits, library, layout, params, missing, sessions
  --help       this text

It reads at most 1000 items and 4 MB with your AWS credentials and region (AWS_PROFILE,
AWS_REGION, ...), changes nothing, and prints no value of an item. A local DynamoDB is
asked with AWS_ACCESS_KEY_ID and AWS_REGION, where they are set.

Exit code: 0 a logout would find the sessions, 1 it would not, or an error, 2 wrong usage.`;

const { option, words } = readCommand(USAGE, ['layout', 'user', 'dynamodb'], 1, ['json']);
const name = words[0] ?? '';
if (!/^[\w.-]{3,255}$/.test(name)) refuseUsage('A table has a name of 3 to 255 letters, digits, _, - and .');
const endpoint = option.has('dynamodb') ? useDynamodb(readUrl(option.get('dynamodb'), '--dynamodb')) : undefined;
const given = readGivenLayout();
const client = new DynamoDBClient();
const report = await look();
console.log(option.has('json') ? JSON.stringify(report) : inWords(report));
process.exitCode = report.fits ? 0 : 1;

/** Whose database a local DynamoDB shows depends on access key and region: the shell's, or those of npm start. */
function useDynamodb(url: URL): string {
  const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION, AWS_DEFAULT_REGION } = process.env;
  const region = AWS_REGION || AWS_DEFAULT_REGION;
  const dynamodb = url.href.replace(/\/$/, '');
  useLocalAws({ dynamodb });
  if (AWS_ACCESS_KEY_ID && AWS_SECRET_ACCESS_KEY)
    Object.assign(process.env, { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY });
  if (region) process.env.AWS_REGION = region;
  return dynamodb;
}

function readGivenLayout(): Given | undefined {
  const text = option.get('layout');
  try {
    return text === undefined ? undefined : { text: text.trim(), layout: readAnyLayout(text) };
  } catch (error) {
    return refuseUsage(`--layout: ${failureOf(error)}`);
  }
}

async function look(): Promise<Report> {
  const table = await lookAtTable(client, name).catch((error) =>
    fail(`The table ${name} cannot be looked at${endpoint ? ` at ${endpoint}` : ''}: ${failureOf(error)}`),
  );
  if (!table) return noReport(name, await absent());
  const { layoutHeld, ...report } = reportOn(table, given, endpoint);
  if (!report.fits || !layoutHeld || !option.has('user')) return report;
  return { ...report, sessions: await countSessionsOf(layoutHeld, option.get('user') ?? '') };
}

async function countSessionsOf(layout: Layout, userId: string): Promise<{ live: number; expired: number }> {
  try {
    const count = await countUserSessions(client, name, layout, userId);
    return count ?? refuseUsage(`--user: this layout cannot hold the id ${printable(userId)}.`);
  } catch (error) {
    return fail(`The sessions of ${printable(userId)} in ${name} cannot be counted: ${failureOf(error)}`);
  }
}

async function absent(): Promise<string> {
  const region = await client.config.region();
  if (!endpoint) return `the table: there is no ${name} in ${region}, for these credentials`;
  const { AWS_ACCESS_KEY_ID } = process.env;
  const each = 'DynamoDB Local keeps a database for each of them';
  return `the table: there is no ${name} at ${endpoint}, for the access key ${AWS_ACCESS_KEY_ID} and the region ${region} (${each})`;
}

function inWords({ table, fits, library, params, missing, sessions }: Report): string {
  return [
    `${table}: ${library === null ? 'no library of docs/session-stores.md that can be told' : `sessions of ${library}`}`,
    ...(Object.keys(params).length > 0 ? ['', 'In serverless.yml, under params:'] : []),
    ...Object.entries(params).map(([name, value]) => `    ${name}: ${/^[\w.-]+$/.test(value) ? value : yaml(value)}`),
    ...(missing.length > 0 ? ['', 'Missing:'] : []),
    ...missing.flatMap(({ what, command }) => [`  - ${what}`, ...(command ? [`    ${command}`] : [])]),
    '',
    `A logout ${fits ? 'finds' : 'would not find'} these sessions.`,
    ...(sessions
      ? [`A logout of this user would end ${sessions.live} live and ${sessions.expired} expired ones.`]
      : []),
  ].join('\n');
}

function yaml(value: string): string {
  return `'${value.replaceAll("'", "''")}'`;
}
