import type { Configuration } from '../config/index.ts';
import { isLifeboatError, type Progress } from '../core/index.ts';
import { type ConfigurationWorld, storeConfiguration } from '../recovery/index.ts';
import type { CommandContext } from './command.ts';
import { quietOutput } from './output/quiet.ts';
import { recoverySurroundings } from './recovery-surroundings.ts';

/**
 * Keeps the configuration in its repositories, so that a new host finds it: behind what was done, and that stays done whatever comes of it. Asks
 * nobody anything; a cancellation ends it.
 */
export async function keepConfiguration(
  context: CommandContext,
  configuration: Configuration,
): Promise<void> {
  const quiet = { ...context, output: quietOutput, ask: undefined };
  await using surroundings = recoverySurroundings(quiet, configuration);
  try {
    await tellWhereNotKept(surroundings, context.output.progress);
  } catch (error) {
    if (!isLifeboatError(error, 'cancelled')) throw error;
  }
}

/** Fails only when it is cancelled. */
export async function tellWhereNotKept(
  world: ConfigurationWorld,
  progress: Progress,
): Promise<void> {
  try {
    for (const { repository, problem } of await storeConfiguration(world)) {
      const message = `the configuration is not kept in repository ${repository}: ${problem}`;
      progress({ type: 'note', message });
    }
  } catch (error) {
    if (isLifeboatError(error, 'cancelled')) throw error;
    // Even a mistake of ours: no backup fails by it, and no recovery waits for it.
    const message = `the configuration is not kept in the repositories: ${(error as Error).message}`;
    progress({ type: 'warning', message });
  }
}
