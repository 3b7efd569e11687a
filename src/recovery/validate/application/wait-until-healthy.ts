import type { ApplicationCheckFile } from '../../../config/index.ts';
import { sleep } from '../../../core/index.ts';
import type { ApplicationResult } from './application-result.ts';
import type { CheckSurroundings } from './check-surroundings.ts';
import { runApplicationCheck } from './run-application-check.ts';

const pauseMs = 500;

export interface HealthWait {
  readonly check: ApplicationCheckFile;
  readonly surroundings: CheckSurroundings;
  /** How long it is asked again and again. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
  /** Told after each answer that was not the right one. */
  readonly onStill?: (result: ApplicationResult) => void;
}

/** Asks until the check holds; resolves with the last answer when it never does. Errors: `cancelled`. */
export async function waitUntilHealthy(wait: HealthWait): Promise<ApplicationResult> {
  const endMs = performance.now() + wait.timeoutMs;
  for (;;) {
    const result = await runApplicationCheck(wait.check, wait.surroundings, wait.signal);
    if (result.verdict !== 'failed' || performance.now() + pauseMs >= endMs) return result;
    wait.onStill?.(result);
    await sleep(pauseMs, wait.signal);
  }
}
