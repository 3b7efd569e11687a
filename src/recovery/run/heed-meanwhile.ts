import { sleep } from '../../core/index.ts';
import { AbortAsked, type ApprovalNotes, heedNotes } from './heed-notes.ts';
import type { RunContext } from './run-context.ts';

/** What others ask for while a step runs that changes nothing, so that it may end at any moment. */
export interface Heeding {
  /** Of the step: aborted when the run has to stop, and when somebody asked it to pause or to be given up. */
  readonly signal: AbortSignal;
  /** No look goes on behind it. Resolves with what the driver has to throw: somebody asked for it; undefined: nobody did. */
  end(): Promise<{ readonly asked: unknown; readonly text: string } | undefined>;
}

/** As between two steps, but at every `pollMs`; the journal is written by nobody else meanwhile. */
export function heedMeanwhile(run: RunContext, notes: ApprovalNotes): Heeding {
  const stepEnds = new AbortController();
  const heard = new AbortController();
  const signal = AbortSignal.any([run.stop, stepEnds.signal]);
  const looking = (async () => {
    while (!signal.aborted && !heard.signal.aborted) {
      await sleep(run.pollMs, signal).catch(() => {});
      if (!signal.aborted) await look(run, notes, heard);
    }
  })();
  return {
    signal: AbortSignal.any([run.stop, heard.signal]),
    async end() {
      stepEnds.abort();
      await looking;
      if (!heard.signal.aborted) return undefined;
      const asked = heard.signal.reason;
      return { asked, text: textOf(asked) };
    },
  };
}

/** A look that fails says nothing: the driver looks again when the step has ended, and a lost lease ends it by itself. */
async function look(run: RunContext, notes: ApprovalNotes, heard: AbortController): Promise<void> {
  try {
    await heedNotes(run, notes, { elsewhere: false });
  } catch (error) {
    const isAnswer = error instanceof AbortAsked || run.journal.state.phase === 'paused';
    if (isAnswer) heard.abort(error);
  }
}

function textOf(asked: unknown): string {
  if (!(asked instanceof AbortAsked)) return (asked as Error).message;
  return `${asked.person} asked to give the run up: ${asked.reason}`;
}
