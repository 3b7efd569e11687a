import { isLifeboatError, LifeboatError, silentProgress } from '../../../core/index.ts';
import { type AnySource, listPostgresSnapshots, readDumpDocument } from '../../../sources/index.ts';
import type { FreezeWorld } from '../freeze-request.ts';
import { within } from '../within.ts';

const patienceMs = 15_000;

/**
 * The server that the address leads to must be the one that was backed up under the name of the source. Resolves with why that could
 * not be compared. Errors: `postgres.other-cluster`.
 */
export async function compareWithBackup(
  { surroundings }: FreezeWorld,
  source: AnySource,
  found: { readonly systemId: string; readonly databases: readonly string[] },
): Promise<string | undefined> {
  const look = async () => {
    const repository = await surroundings.repositoryOf(source.name);
    if (source.kind === 'postgres') {
      const [newest] = await listPostgresSnapshots(repository, source.name, silentProgress);
      const former = newest?.info.systemId;
      if (former !== undefined && former !== found.systemId) {
        throw other(source.name, `cluster ${former}`, `cluster ${found.systemId}`);
      }
      return former !== undefined;
    }
    if (source.kind !== 'postgres-dump') return false;
    const [newest] = await source.snapshots({ repository, progress: silentProgress });
    if (newest === undefined) return false;
    // A dump knows no identity of its server, only what was in it.
    const { databases } = await readDumpDocument(repository, newest);
    const names = databases.map(({ name }) => name);
    if (names.length > 0 && !names.some((name) => found.databases.includes(name))) {
      throw other(source.name, `a server with ${names.join(', ')}`, 'one without any of these');
    }
    return true;
  };
  try {
    const isCompared = await within(patienceMs, look());
    if (isCompared) return undefined;
    return isCompared === undefined
      ? `the server of ${source.name} was not compared with its last backup: the repository does not answer`
      : `the server of ${source.name} was not compared with a backup: there is none yet`;
  } catch (error) {
    if (!isLifeboatError(error)) throw error;
    if (['postgres.other-cluster', 'cancelled', 'bug'].includes(error.code)) throw error;
    return `the server of ${source.name} was not compared with its last backup: ${error.message}`;
  }
}

function other(source: string, stored: string, found: string): LifeboatError {
  return new LifeboatError(
    'postgres.other-cluster',
    `${source} was ${stored} at the last backup, its address leads to ${found} now`,
    {
      hint: 'Nothing was changed. See that the address in lifeboat.yaml leads to the server that is meant.',
      context: { source, stored, found },
    },
  );
}
