import { isLifeboatError } from '../core/index.ts';
import type { Repository } from '../repository/index.ts';
import { type Activity, noteActivity } from '../service/index.ts';
import type { CommandContext } from './command.ts';
import { loadConfigured } from './configured.ts';

/** Remembers for `status` what was done by hand. A machine without a configuration has nothing to remember it in. */
export async function noteDone(
  context: CommandContext,
  repository: Repository,
  activity: Activity,
  outcome: { readonly isGood: boolean; readonly result: string },
): Promise<void> {
  try {
    const { stateFolder } = loadConfigured(context);
    await noteActivity(stateFolder, repository, activity, { time: new Date(), ...outcome });
  } catch (error) {
    if (!isLifeboatError(error, 'config.missing', 'config.invalid')) throw error;
  }
}
