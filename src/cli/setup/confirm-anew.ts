import { LifeboatError } from '../../core/index.ts';
import { keptLocations } from '../../recovery/index.ts';
import type { Location } from '../../repository/index.ts';
import type { CommandContext } from '../command.ts';
import { confirmTarget } from '../confirm.ts';
import { isSamePlace } from '../same-place.ts';

/**
 * Where this host has backups and nothing is there, a disk is not mounted more often than a repository is gone. An empty one in its place
 * would take the next backups, and lie under the disk once that is back. Errors: `confirmation.missing`.
 */
export async function confirmAnew(
  context: CommandContext,
  place: {
    readonly name: string;
    readonly address: string;
    readonly location: Location;
    readonly stateFolder: string;
    readonly yes: string | undefined;
  },
): Promise<void> {
  const { name, address, location, stateFolder, yes } = place;
  const { environment, ask, output, signal } = context;
  const kept = await keptLocations(stateFolder);
  const same = await Promise.all(kept.map((each) => isSamePlace(each, address, environment)));
  if (!same.includes(true) || (await location.list('config', signal)).length > 0) return;
  const fact = `this host has used the repository "${name}" at ${location.describe()}, and there is none now`;
  const disk =
    'Is its disk not mounted? A new repository holds no backup, and takes the place of the one that does.';
  if (ask === undefined && yes === undefined) {
    throw new LifeboatError('confirmation.missing', fact, {
      hint: `${disk} Nothing was changed. If that one is gone for good: --yes ${name} creates it anew.`,
    });
  }
  if (yes === undefined) output.warn(fact, disk);
  await confirmTarget(context, { what: 'repository', name, yes });
}
