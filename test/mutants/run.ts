// npm run mutants [-- lib/token | lib/token/verify.ts | lib/token/verify.ts:40-52 …]
// Changes the code in one place at a time, and lists each change that no test notices. docs/mutants.md has what it found.
import { globSync } from 'node:fs';
import { relative } from 'node:path';
import { Stryker } from '@stryker-mutator/core';

/** For the files that serve a request, the tests that show their facts. The first failure ends a run: quick ones first. */
const TESTS: Record<string, string[]> = {
  'lib/{errors,token/*}.ts': [
    'token/token',
    'token/decode',
    'token/logout_token',
    'token/caller',
    'validator/several_records',
    'validator/rotation',
    'logout_user',
    'sessions/look_up',
    'validator/key_set',
    'hostile/hostile',
    'security_events',
    'global_token_revocation',
    'sessions/email',
  ],
  'lib/{json,validator/{field_names,fields,record,record_kind}}.ts': [
    'validator/record',
    'validator/provider_record',
    'validator/several_records',
    'validator/rotation',
    'validator/key_set',
    'token/caller',
    'validator/receiver_record',
  ],
  'lib/validator/{cached,fetch_key_set,key_set,remote_record}.ts': [
    'validator/isolation',
    'validator/several_records',
    'validator/rotation',
    'validator/remote_record',
    'validator/key_set',
    'faults/secrets_manager',
    'validator/record',
    'validator/prefetch',
  ],
  'lib/{settings/*,sessions/{known_layouts,layout}}.ts': [
    'settings/layout',
    'settings/environment',
    'sessions/layout',
    'layouts/known_layouts',
    'sessions/stores',
    'sessions/look_up',
  ],
  'lib/sessions/{by_index,expressions,settle}.ts': [
    'layouts/found_by_index',
    'sessions/except',
    'layouts/known_layouts',
    'layouts/json_layouts',
    'sessions/settling',
    'sessions/sessions',
    'sessions/stores',
    'faults/dynamodb',
  ],
  'lib/sessions/{by_key,queries,request_limiter}.ts': [
    'sessions/except',
    'sessions/sessions',
    'sessions/request_limiter',
    'sessions/settling',
    'sessions/stores',
    'layouts/found_by_index',
    'faults/dynamodb',
  ],
  'lib/sessions/{logout_result,look_up,session_stores,store,user_ids}.ts': [
    'sessions/look_up',
    'sessions/stores',
    'logout_user',
    'sessions/except',
    'validator/provider_record',
    'sessions/settling',
    'faults/dynamodb',
    'sessions/email',
  ],
  'lib/request/*.ts': [
    'request/audit',
    'sessions/except',
    'logout_user',
    'backchannel_logout',
    'sessions/stores',
    'faults/dynamodb',
    'faults/secrets_manager',
    'sessions/look_up',
    'validator/remote_record',
    'validator/key_set',
    'hostile/hostile',
    'security_events',
    'global_token_revocation',
  ],
  'lib/aws/*.ts': [
    'aws/client',
    'sessions/layout_mismatch',
    'sessions/concurrency',
    'sessions/look_up',
    'sessions/request_limiter',
    'sessions/stores',
    'faults/secrets_manager',
    'faults/dynamodb',
    'faults/network',
  ],
  'functions/*.ts': [
    'backchannel_logout',
    'logout_user',
    'request/audit',
    'sessions/look_up',
    'sessions/settling',
    'validator/prefetch',
    'hostile/hostile',
    'security_events',
    'global_token_revocation',
  ],
};
const MIN_SCORE = 90; // of 100 changes, at least this many are noticed

type Count = { noticed: number; all: number };
const counts = new Map<string, Count>();
const total: Count = { noticed: 0, all: 0 };

const wanted = process.argv.slice(2);
for (const [files, tests] of Object.entries(TESTS)) {
  const mutate = globSync(files).flatMap((file) =>
    wanted.length === 0
      ? file
      : wanted.flatMap((part) => (file.startsWith(part) ? file : part.startsWith(`${file}:`) ? part : [])),
  );
  if (mutate.length === 0) continue;
  const stryker = new Stryker({
    mutate,
    testRunner: 'tap',
    tap: {
      testFiles: tests.map((name) => `test/${name}.test.ts`),
      nodeArgs: ['--test-reporter=tap', '-r', '{{hookFile}}', '{{testFile}}'],
      forceBail: true,
    },
    coverageAnalysis: 'perTest',
    tsconfigFile: 'none', // Node strips the types, and a changed line need not match them
    concurrency: 2,
    timeoutMS: 15_000,
    reporters: ['progress-append-only', 'clear-text'],
    clearTextReporter: { allowColor: false, reportTests: false, logTests: false, reportScoreTable: false },
  });
  for (const { fileName, status } of await stryker.runMutationTest()) {
    if (status === 'RuntimeError') continue; // the test cannot even run: nobody could ship such a change
    const noticed = status === 'Killed' || status === 'Timeout' ? 1 : 0;
    const count = counts.get(fileName) ?? { noticed: 0, all: 0 };
    counts.set(fileName, { noticed: count.noticed + noticed, all: count.all + 1 });
    total.noticed += noticed;
    total.all++;
  }
}

const score = ({ noticed, all }: Count) => Math.floor((1000 * noticed) / all) / 10;
for (const [file, count] of counts)
  console.log(`| ${relative('', file)} | ${count.all} | ${count.noticed} | ${score(count)} % |`);
console.log(`| all | ${total.all} | ${total.noticed} | ${score(total)} % |`);
if (score(total) < MIN_SCORE) process.exitCode = 1;
