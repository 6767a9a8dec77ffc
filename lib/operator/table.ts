// `npm run table -- NAME`: whose sessions are in a table, and what to set so that a logout finds them.
import { isDeepStrictEqual } from 'node:util';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { readAnyLayout } from '../deploy/library_layouts.ts';
import type { Layout } from '../sessions/layout.ts';
import { fail, failureOf, readCommand, readUrl, refuseUsage } from './command.ts';
import { countSessions, LIBRARIES, type Library, recognise } from './libraries.ts';
import { useLocalAws } from './local_aws.ts';
import { userIdIn } from './session_item.ts';
import { type Fit, fitOf, type Missing } from './table_fit.ts';
import { adapted, guess } from './table_layout.ts';
import { lookAtTable, type Table } from './table_look.ts';
import { countUserSessions } from './table_sessions.ts';
import { printable } from './user_ids.ts';

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

/** Forms of user ids that parameters need not be more exact about. The first one is the default. */
const ID_FORMS = [
  '0|[1-9][0-9]{0,18}',
  '[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}',
  '[0-9a-f]{24}',
  '[0-9A-HJKMNP-TV-Z]{26}',
  '[A-Za-z0-9_\\-]{1,64}',
  '[A-Za-z0-9.@+_\\-]{1,254}',
];

type Report = {
  table: string;
  fits: boolean;
  library: string | null;
  layout: string | Layout | null;
  params: Record<string, string>;
  missing: Missing[];
  sessions?: { live: number; expired: number };
};

const { option, words } = readCommand(USAGE, ['layout', 'user', 'dynamodb'], 1, ['json']);
const name = words[0] ?? '';
if (!/^[\w.-]{3,255}$/.test(name)) refuseUsage('A table has a name of 3 to 255 letters, digits, _, - and .');
const endpoint = option.has('dynamodb') ? useDynamodb(readUrl(option.get('dynamodb'), '--dynamodb')) : undefined;
const given = readGivenLayout();
const client = new DynamoDBClient();
const report = await reportOn(await look());
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

function readGivenLayout(): Layout | undefined {
  const layout = option.get('layout');
  try {
    return layout === undefined ? undefined : readAnyLayout(layout);
  } catch (error) {
    return refuseUsage(`--layout: ${failureOf(error)}`);
  }
}

async function look(): Promise<Table | undefined> {
  try {
    return await lookAtTable(client, name);
  } catch (error) {
    return fail(`The table ${name} cannot be looked at${endpoint ? ` at ${endpoint}` : ''}: ${failureOf(error)}`);
  }
}

async function reportOn(table: Table | undefined): Promise<Report> {
  const none = { table: name, fits: false, library: null, layout: null, params: {} };
  if (!table) return { ...none, missing: [{ what: await absent(), command: null }] };
  const found = recognise(table);
  const library = found?.title ?? null;
  const { layout, marks, isKnown } = choose(table, found);
  if (!layout) {
    const what =
      table.items.length > 0
        ? 'the user: no attribute of the items seen names one, so put it beside the session (docs/session-stores.md)'
        : 'sessions: the table is empty, so log in once and look again, or name its --layout';
    return { ...none, library, missing: [{ what, command: null }] };
  }
  const fit = fitOf(table, layout, marks, endpoint);
  if (!isKnown) {
    const what = 'a known library: if every item that names a user is a session, hold the table against this --layout';
    fit.missing.unshift({ what, command: null });
  }
  const layoutName = nameOf(layout, found);
  const fits = fit.fits && isKnown;
  return {
    table: name,
    fits,
    library,
    layout: layoutName ?? layout,
    params: paramsOf(fit, layout, layoutName),
    missing: missingIn(table, fit),
    ...(fits && option.has('user') && { sessions: await countSessionsOf(layout, option.get('user') ?? '') }),
  };
}

/** The layout to hold the table against: the one that is given, the library's, or what the attributes suggest. */
function choose(table: Table, found: Library | undefined): { layout?: Layout; marks: string[]; isKnown: boolean } {
  if (given) {
    const named = LIBRARIES.find(({ layoutName }) => layoutName === option.get('layout')?.trim());
    return { layout: given, marks: named?.marks ?? [], isKnown: true };
  }
  if (found) return { layout: adapted(table, found.layout, found.marks), marks: found.marks, isKnown: true };
  return { layout: guess(table), marks: [], isKnown: false };
}

function nameOf(layout: Layout, found: Library | undefined): string | undefined {
  const isSame = (library: Library) => isDeepStrictEqual(library.layout, layout);
  const named = LIBRARIES.find(({ layoutName }) => layoutName === option.get('layout')?.trim());
  return [named, found].find((library) => library && isSame(library))?.layoutName;
}

/** The lines for `params` in serverless.yml. */
function paramsOf({ sessions }: Fit, layout: Layout, layoutName: string | undefined): Record<string, string> {
  const userIds = sessions.map((item) => userIdIn(item, layout)).filter((userId) => userId !== undefined);
  const fold = layout.userKey.value.includes(':lower');
  const forms = fold ? ID_FORMS.slice(4) : ID_FORMS;
  const form = forms.find((form) => userIds.every((userId) => new RegExp(`^(${form})$`).test(userId))) ?? '.{1,254}';
  return {
    table: name,
    layout: layoutName ?? JSON.stringify(layout),
    ...(userIds.length > 0 && form !== ID_FORMS[0] && { userIdPattern: form }),
  };
}

/** What is missing, and whose the other items are: of a layout that is given, or of a second store in the same table. */
function missingIn(table: Table, { missing, sessions }: Fit): Missing[] {
  const others = table.items.filter((item) => !sessions.includes(item));
  const found = recognise({ ...table, items: others });
  const count = found && others.length > 0 ? countSessions(found, others) : 0;
  if (!found || count === 0) return missing;
  const whose = `${count} of the ${table.items.length} items seen are those of ${found.title} (layout ${found.layoutName})`;
  const what = sessions.length > 0 ? `a further store: ${whose}, so name it in moreStores` : `another layout: ${whose}`;
  return [...missing, { what, command: null }];
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
