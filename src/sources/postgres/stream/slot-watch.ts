import { isLifeboatError, sleep } from '../../../core/index.ts';
import type { ConnectionSettings } from '../connection-settings.ts';
import { connectSql } from '../sql-connection.ts';
import { lookAtSlot, type SlotLook } from './slot-look.ts';

/** A server that does not answer is asked again; nothing hangs on it. */
const lookTimeoutMs = 20_000;

/** Looks at the slot by SQL until the signal aborts, whether or not anything streams just then: that is when slots are lost. */
export async function watchSlot(options: {
  /** Of the server that streams, or is to. */
  readonly settings: () => ConnectionSettings;
  readonly slot: string;
  readonly intervalMs: number;
  readonly signal: AbortSignal;
  /** Returns after how long to look again. */
  onLook(look: SlotLook): number;
  /** Undefined: it can be looked at again. */
  onProblem(problem: string | undefined): void;
}): Promise<void> {
  const { settings, slot, intervalMs, signal, onLook, onProblem } = options;
  while (!signal.aborted) {
    let pauseMs = intervalMs;
    try {
      const limited = AbortSignal.any([signal, AbortSignal.timeout(lookTimeoutMs)]);
      await using connection = await connectSql(settings(), { signal: limited });
      pauseMs = onLook(await lookAtSlot(connection, slot));
      onProblem(undefined);
    } catch (error) {
      if (isLifeboatError(error, 'bug')) throw error;
      if (signal.aborted) return;
      // That the server cannot be reached the stream says itself.
      if (isLifeboatError(error, 'postgres.refused', 'postgres.query')) {
        onProblem(`the slot cannot be looked at by SQL: ${error.message}`);
      }
    }
    await sleep(pauseMs, signal).catch(() => {});
  }
}
