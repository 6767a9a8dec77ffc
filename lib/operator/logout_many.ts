import { setTimeout as sleep } from 'node:timers/promises';
import { SingleBar } from 'cli-progress';
import PQueue from 'p-queue';
import { printable } from '../request/printable.ts';
import type { Caller } from './caller.ts';
import { failureOf } from './command.ts';
import { type Answer, explain, fitsAddress, requestLogout } from './request_logout.ts';
import type { Result, Results } from './results.ts';

const SIDE_BY_SIDE = 50; // users; a request may take as long as the API waits
const PATIENCE_MS = 600_000; // for a user whose sessions do not end in one call, or while AWS fails
const NO_ANSWERS = 3; // in a row for one user: then there is no service to ask
const BAR = '{bar} {value} of {total}: {yes} true, {no} false, {failed} failed, {eta_formatted} left';

export type Order = {
  service: URL;
  address: string;
  caller: Caller;
  secretId: string;
  email: string;
  reason: string | undefined;
  /** Requests a second, at most. */
  rate: number;
};
export type Outcome = {
  yes: number;
  no: number;
  /** The users of each failure. */
  failed: Map<string, string[]>;
  /** Why the others were not tried. */
  stopped: string | undefined;
};

/**
 * Logs the users out, side by side, and adds each one's result to the file as it comes. What would fail for all of them
 * stops the run: the others stay undone, for the next one.
 */
export async function logOutMany(userIds: string[], order: Order, results: Results): Promise<Outcome> {
  const { service, address, caller, secretId, email, reason, rate } = order;
  const outcome: Outcome = { yes: 0, no: 0, failed: new Map(), stopped: undefined };
  const turns = new PQueue({ interval: 1000 / rate, intervalCap: 1 });
  const stopping = new AbortController();
  let lastDone = Date.now();
  let isService = false; // it has answered in JSON-RPC once

  const stop = (why: string) => {
    outcome.stopped ??= why;
    stopping.abort();
  };

  /** The last answer for the user. 429 and 503 are tried again, for ten minutes. */
  async function ask(userId: string): Promise<Answer> {
    let began: number | undefined;
    let renewed = false;
    for (let unanswered = 0; ; ) {
      await turns.add(() => {}, { signal: stopping.signal });
      began ??= Date.now();
      const token = await caller.token();
      try {
        const answer = await requestLogout(service, userId, token.text, { reason });
        if (answer.status === 401 && !renewed) {
          renewed = await caller.hasNewKey(token);
          if (renewed) continue;
        }
        if (answer.status !== 429 && answer.status !== 503) return answer;
        if (Date.now() - began > PATIENCE_MS) {
          if (lastDone < began) stop(`for ten minutes ${address} has answered no request but with 429 or 503.`);
          return answer;
        }
        await sleep(answer.retryAfterMs, undefined, { signal: stopping.signal });
      } catch (error) {
        if (stopping.signal.aborted || ++unanswered === NO_ANSWERS) throw error;
        await sleep(1000, undefined, { signal: stopping.signal });
      }
    }
  }

  async function logOut(userId: string): Promise<Result | undefined> {
    if (!fitsAddress(userId)) return { error: 'no address can hold this id.' };
    try {
      const answer = await ask(userId);
      const { status, body } = answer;
      if (body) isService = true;
      if (typeof body?.result === 'boolean') {
        lastDone = Date.now();
        return { result: body.result };
      }
      const error = explain(answer, secretId, email);
      if (status === 401 || (!isService && status !== 429 && status !== 503)) stop(`${address} answered ${error}`);
      return { status, error };
    } catch (error) {
      if (stopping.signal.aborted) return undefined; // not tried to the end, so undone
      stop(`no answer from ${address}: ${failureOf(error)}.`);
      return { error: `no answer: ${failureOf(error)}` };
    }
  }

  const bar = new SingleBar({
    format: BAR,
    stream: process.stderr,
    clearOnComplete: true,
    linewrap: true,
    etaBuffer: 100,
  });
  bar.start(userIds.length, 0, { yes: 0, no: 0, failed: 0 });
  const users = new PQueue({ concurrency: SIDE_BY_SIDE });
  let failed = 0;
  await users.addAll(
    userIds.map((userId) => async () => {
      const result = stopping.signal.aborted ? undefined : await logOut(userId);
      if (!result) return;
      results.add(userId, result);
      if ('error' in result) {
        failed++;
        const others = outcome.failed.get(result.error);
        others ? others.push(printable(userId)) : outcome.failed.set(result.error, [printable(userId)]);
      } else if (result.result) outcome.yes++;
      else outcome.no++;
      bar.increment({ yes: outcome.yes, no: outcome.no, failed });
    }),
  );
  bar.stop();
  return outcome;
}
