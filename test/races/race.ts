// One race: a logout and the applications around it, one step at a time. Each request of the function and each write of
// an application is held until fast-check's scheduler lets it go. Clock, timers and chance are ours: the same scenario
// and schedule give the same steps.
import { mock } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import type { Scheduler } from 'fast-check';
import type { Layout } from '../../lib/sessions/layout.ts';
import type { Answer } from '../setup/lambda.ts';
import type { Item } from '../setup/tables.ts';
import { brokenPromise, type Seen } from './invariant.ts';
import { type Scenario, type Session, STORES, sessionItem, UNSAFE, type Write, writesOf } from './scenario.ts';
import type { Held, Logout, Stage } from './stage.ts';
import { carryOut, itemAt, keyOf, nameOf } from './wire.ts';

const STEP_MS = 1; // by the clock
const IDLE_MS = 10; // the clock moves on when nobody can go
const END_MS = 30_000;

/** What happened, step by step, and how a promise was broken, if one was. */
export type Outcome = { steps: string[]; broken: string | undefined };

type Running = { logout: Logout; seen: Seen; requests: number; answer?: Answer; isChecked: boolean };

/** Runs a race on the stage. `number` sets its items apart from those of other races. */
export async function runRace(
  stage: Stage,
  number: number,
  scenario: Scenario,
  scheduler: Scheduler,
): Promise<Outcome> {
  const table = stage.tableOf(scenario.layout);
  const stores = STORES[scenario.layout] ?? [];
  const [userId, otherId, prefix] = [`user${number}`, `other${number}`, `${number}-`];
  const sessions = scenario.sessions.flatMap((session, n) => {
    const layout = stores[session.store];
    return layout ? [{ session, layout, id: `${prefix}${'abc'[n]}` }] : [];
  });
  const items = sessions.map(({ session, layout, id }) => sessionItem(layout, userId, id, session.expired));
  const others = stores.map((layout, n) => sessionItem(layout, otherId, `${prefix}other’s${n || ''}`));
  const profiles = stores.flatMap((layout) => profileOf(layout, userId, `${prefix}profile`));
  await write([...items, ...others, ...profiles].map((Item) => ({ PutRequest: { Item } })));
  mock.method(Math, 'random', chance(number));

  const logouts = (await stage.logoutsOf(scenario)).slice(0, scenario.secondLogout ? 2 : 1);
  const running: Running[] = logouts.map((logout) => ({
    logout,
    seen: { userId, queried: false, shown: new Map(), removals: [], unanswered: new Set() },
    requests: 0,
    isChecked: false,
  }));
  const kept = sessions.slice(0, scenario.keeps ? 1 : 0).map(({ id }) => id);
  const steps: string[] = [];
  let saving = 0; // applications that have not come to their end
  let broken: { how: string; at: number } | undefined;

  stage.hold();
  for (const { session, layout, id } of sessions) save(id, writesOf(session, layout, userId, otherId, id));
  for (const [n, logout] of running.entries()) step(`logout ${n + 1} starts`, () => start(logout));
  for (const end = Date.now() + END_MS; ; ) {
    await stage.idle();
    const arrived = stage.arrived().map((held) => ({ held, what: nameOf(held) }));
    for (const { held, what } of arrived.sort((a, b) => (a.what < b.what ? -1 : 1))) step(what, () => letGo(held));
    for (const [n, logout] of running.entries()) await check(logout, n);
    if (running.every(({ isChecked }) => isChecked) && saving === 0 && scheduler.count() === 0) break;
    if (Date.now() > end) throw new Error(`a race has no end:\n${steps.join('\n')}`);
    if (scheduler.count() > 0) await scheduler.waitOne();
    else mock.timers.tick(IDLE_MS);
  }
  stage.release();
  breaks(await brokenTogether());
  const moved = sessions.map(({ layout, id }) => sessionItem(layout, userId, `${id}'`));
  await write([...items, ...moved, ...others, ...profiles].map((item) => ({ DeleteRequest: { Key: keyIn(item) } })));
  return { steps: steps.slice(0, broken?.at), broken: broken?.how };

  /** Holds the step until the scheduler chooses it. It says what came of it. */
  function step(what: string, happen: () => Promise<string>): void {
    scheduler.schedule(Promise.resolve(), readable(what), undefined, async (choose) => {
      await choose();
      mock.timers.tick(STEP_MS);
      steps.push(readable(`${what}${await happen()}`));
    });
  }

  /** Saves a session, write after write. Once one is refused, the application drops it. */
  function save(id: string, [write, ...more]: Write[]): void {
    if (!write) return;
    saving++;
    step(`${id} ${write.what}`, async () => {
      const { status } = await stage.call(write.operation, { TableName: table, ...write.input });
      saving--;
      if (status === 200) save(id, more);
      return status === 200 ? '' : ': refused, and dropped';
    });
  }

  async function start(started: Running): Promise<string> {
    const before = stage.arrivals();
    started.logout(userId, kept).then(
      (answer) => {
        started.answer = answer;
      },
      (error: unknown) => {
        breaks(`it throws ${error}`);
        started.isChecked = true;
      },
    );
    const isUnderWay = () => stage.arrivals() >= before + stores.length || started.answer || started.isChecked;
    while (!isUnderWay()) await setImmediate(); // the token is verified on another thread
    return '';
  }

  async function letGo(held: Held): Promise<string> {
    const logout = running[held.logout];
    if (!logout) throw new Error('a request of no logout');
    const nth = logout.requests++;
    const fault = held.logout === 0 ? scenario.faults.find((fault) => fault.nth === nth)?.fault : undefined;
    return carryOut(held, logout.seen, fault, { stage, table, stores, others, queryMs: scenario.slow ? 1000 : 0 });
  }

  /** Holds an answer that has come against what the table holds now. */
  async function check(logout: Running, n: number): Promise<void> {
    const { answer, seen } = logout;
    if (!answer || logout.isChecked) return;
    logout.isChecked = true;
    steps.push(`logout ${n + 1} is answered ${answer.status} ${answer.json.result ?? answer.audit.reason}`);
    const itemOf = (layout: Layout, id: string) => itemAt(stage, table, keyIn(sessionItem(layout, userId, id)));
    const isUnsafe = (id: string) => sessions.some((each) => each.id === id && UNSAFE.includes(each.session.writer));
    breaks(await brokenPromise(answer, seen, itemOf, { settles: scenario.settle > 0, isUnsafe, kept }));
  }

  /** What holds for all logouts together, and for what is nobody's to log out. */
  async function brokenTogether(): Promise<string | undefined> {
    const isStill = ({ expired, writer }: Session, n: number) =>
      n >= kept.length && !expired && ['none', 'update', 'put'].includes(writer);
    const isHidden = scenario.faults.some(({ fault }) => fault === 'lagging index');
    const allFalse = running.every(({ answer }) => answer?.json.result === false);
    if (allFalse && !isHidden && scenario.sessions.some(isStill)) return 'nobody was told true, and one was live';
    for (const item of [...others, ...profiles]) {
      if (!(await itemAt(stage, table, keyIn(item)))) return `${JSON.stringify(keyIn(item))} is gone`;
    }
    return undefined;
  }

  function breaks(how: string | undefined): void {
    if (how !== undefined) broken ??= { how: readable(how), at: steps.length };
  }

  function readable(words: string): string {
    return words.replaceAll(prefix, '').replaceAll(userId, 'user').replaceAll(otherId, 'other');
  }

  function keyIn(item: Item): Item {
    return keyOf(item, stores[0]);
  }

  function write(requests: object[]) {
    return stage.call('BatchWriteItem', { RequestItems: { [table]: requests } });
  }
}

/** An item of the user that is no session, where guard or sort key tell the two apart. */
function profileOf(layout: Layout, userId: string, id: string): Item[] {
  const item = sessionItem(layout, userId, id, false, ['kind']);
  if (layout.sortKey) return [{ ...item, kind: { S: 'PROFILE' } }];
  return layout.guard ? [item] : [];
}

/** Chance that is the same in each run of a race: a linear congruential generator. */
function chance(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
