import { isLifeboatError, LifeboatError } from '../core/index.ts';
import { damaged } from './format/json-shape.ts';
import { decodeSnapshot } from './format/snapshot-file.ts';
import type { OperationOptions, Snapshot } from './repository.ts';
import { aboutFile, type RepositoryAccess, readStoredJson } from './stored-file.ts';

const readsAtOnce = 8;

/** All snapshots, newest first. A damaged one is a warning where somebody listens, else an error. */
export async function listSnapshots(
  access: RepositoryAccess,
  { signal, progress }: OperationOptions,
): Promise<readonly Snapshot[]> {
  const snapshots: Snapshot[] = [];
  const names = (await access.location.list('snapshots', signal)).map(({ name }) => name).values();
  // Small files, each a request: several at a time take from the same list, which ends for all when one of them fails.
  const readSome = async () => {
    for (const name of names) {
      try {
        snapshots.push(await readSnapshot(access, name, signal));
      } catch (error) {
        // It went away meanwhile: somebody forgot it.
        if (isLifeboatError(error, 'location.file-missing')) continue;
        if (!isLifeboatError(error, 'repository.damaged') || progress === undefined) {
          names.return?.();
          throw error;
        }
        progress({ type: 'warning', message: error.message, ...hintOf(error) });
      }
    }
  };
  await Promise.all(Array.from({ length: readsAtOnce }, readSome));
  // Always in the same order, also of those made at the same moment.
  return snapshots.sort((a, b) => b.time.getTime() - a.time.getTime() || (a.id < b.id ? -1 : 1));
}

/** By full id, unique prefix of at least four digits, or `latest`. Errors: `repository.snapshot-missing`. */
export async function findSnapshot(access: RepositoryAccess, wanted: string): Promise<Snapshot> {
  if (wanted === 'latest') {
    const [latest] = await listSnapshots(access, {});
    if (latest === undefined) throw missing('the repository has no snapshot');
    return latest;
  }
  if (!/^[0-9a-f]{4,64}$/.test(wanted)) throw missing(`${wanted} is no snapshot id`);
  const names = (await access.location.list('snapshots'))
    .map(({ name }) => name)
    .filter((name) => name.startsWith(wanted));
  const [name] = names;
  if (name === undefined) throw missing(`no snapshot begins with ${wanted}`);
  if (names.length > 1) throw missing(`${names.length} snapshots begin with ${wanted}`);
  return await readSnapshot(access, name);
}

async function readSnapshot(
  access: RepositoryAccess,
  name: string,
  signal?: AbortSignal,
): Promise<Snapshot> {
  const json = await readStoredJson(access, 'snapshots', name, signal);
  return aboutFile('snapshots', name, () => {
    const snapshot = decodeSnapshot(name, json);
    if (Number.isNaN(snapshot.time.getTime())) throw damaged('its time is out of range');
    return snapshot;
  });
}

function missing(fact: string): LifeboatError {
  return new LifeboatError('repository.snapshot-missing', fact, {
    hint: 'List what there is with `lifeboat points`.',
  });
}

function hintOf(error: LifeboatError): { hint?: string } {
  return error.hint === undefined ? {} : { hint: error.hint };
}
