import { join, normalize } from 'node:path';
import { LifeboatError } from '../core/index.ts';
import { placeInVolume } from '../recovery/index.ts';
import type { Snapshot } from '../repository/index.ts';
import { kindTag, type VolumeSource } from '../sources/index.ts';
import type { CommandContext } from './command.ts';
import { createConfiguredSource, loadConfigured } from './configured.ts';

/** A volume of the configuration that files are restored of. */
export interface VolumeOfSource {
  describe(): string;
  /** What of a snapshot is meant by `--path`: a path in the volume, or one as `ls` shows it. Default: all of the volume. Errors: `usage.invalid`. */
  pathIn(snapshot: Snapshot, path: string | undefined): string;
  /** Where it is now. Undefined: it is gone. */
  folder(): Promise<string | undefined>;
  /** Makes one that is gone as its services want it. Resolves with where it is. */
  make(): Promise<string>;
}

/** Undefined: the source is of another kind. */
export async function volumeOfSource(
  context: CommandContext,
  name: string | undefined,
): Promise<VolumeOfSource | undefined> {
  if (name === undefined) return undefined;
  const configuration = loadConfigured(context);
  if (configuration.sources[name]?.kind !== 'volume') return undefined;
  const source = (await createConfiguredSource(context, configuration, name)) as VolumeSource;
  const { environment, signal } = context;
  return {
    describe: () => source.describe(),
    pathIn: ({ paths: [root = '/'] }, path) => {
      if (path === undefined) return root;
      const whole = isWithin(path, root) ? normalize(path) : join(root, path);
      if (isWithin(whole, root)) return whole;
      throw new LifeboatError('usage.invalid', `${path} is no path in ${source.describe()}`, {
        hint: `Name one that \`lifeboat ls --source ${name}\` shows, or what of it lies in the volume.`,
      });
    },
    folder: async () => ((await source.isThere(signal)) ? await source.locate(signal) : undefined),
    make: async () => {
      const { services } = configuration;
      return await placeInVolume(source, { services, environment, signal });
    },
  };
}

function isWithin(path: string, root: string): boolean {
  const whole = normalize(path);
  return whole === root || whole.startsWith(root === '/' ? root : `${root}/`);
}

/** Errors: `usage.invalid`: without its source nobody says in which volume such files are to be put. */
export function refuseVolumeInPlace({ id, tags }: Snapshot): void {
  if (!tags.includes(kindTag('volume'))) return;
  const short = id.slice(0, 8);
  throw new LifeboatError('usage.invalid', `snapshot ${short} is of a Docker volume`, {
    hint: `Name its source, which says where it is now: \`lifeboat restore SOURCE --snapshot ${short} --in-place\`; or a folder: --target FOLDER.`,
  });
}
