import type { Configuration } from '../config/index.ts';
import type { Platforms } from '../platforms/index.ts';
import { recordServicePerformance, serverOf } from '../recovery/index.ts';
import type { Repository } from '../repository/index.ts';
import type { AnySource } from '../sources/index.ts';
import { checkSurroundings } from './check-surroundings.ts';
import type { CommandContext } from './command.ts';

/** How fast services and statements are, with the backup that was just taken. Loaded only where there is something to ask. */
export async function measureAfterBackup(
  context: CommandContext,
  about: {
    readonly configuration: Configuration;
    readonly platforms: Platforms;
    readonly repository: Repository;
    readonly source: string;
    readonly snapshot: string;
  },
  source: AnySource,
): Promise<void> {
  const { signal, output } = context;
  await recordServicePerformance({
    ...about,
    checks: checkSurroundings(context),
    server: serverOf(source),
    signal,
    progress: output.progress,
  });
}
