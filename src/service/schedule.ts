import { Cron } from 'croner';
import { LifeboatError, sleep } from '../core/index.ts';

// A timer cannot wait longer than 2^31 ms, and a suspended machine should notice soon that it is late.
const waitMsMax = 60_000;

/** Checks a cron expression (local time). Throws `config.invalid`. */
export function parseSchedule(expression: string, option: string): Cron {
  try {
    return new Cron(expression, { paused: true });
  } catch (cause) {
    throw new LifeboatError(
      'config.invalid',
      `${option}: expected a cron expression, got ${JSON.stringify(expression)}`,
      { hint: 'Minute, hour, day, month, weekday: "0 2 * * *" is every night at two.', cause },
    );
  }
}

/** Runs `work` at each time of the schedule, one after the other, until the signal aborts. */
export async function runOnSchedule(
  schedule: Cron,
  signal: AbortSignal,
  work: () => Promise<void>,
): Promise<void> {
  while (!signal.aborted) {
    const next = schedule.nextRun();
    if (next === null) return;
    while (Date.now() < next.getTime()) {
      await sleep(Math.min(waitMsMax, Math.max(1, next.getTime() - Date.now())), signal);
    }
    await work();
  }
}
