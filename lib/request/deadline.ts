import type { MiddlewareObj } from '@middy/core';
import type { Context } from 'aws-lambda';

const ANSWER_MS = 1500; // of Lambda's time limit, kept for the answer

export type DeadlineContext = Context & { deadline: AbortSignal };

/** Gives each request a signal that stops its work when time is nearly up, so that an answer can still be sent. */
export function deadline(): MiddlewareObj<unknown, unknown, Error, DeadlineContext> {
  return {
    before: ({ context }) => {
      const remainingMs = Math.floor(context.getRemainingTimeInMillis()) - ANSWER_MS;
      context.deadline = AbortSignal.timeout(Math.max(0, remainingMs));
    },
  };
}
