import { isLifeboatError } from '../../core/index.ts';
import { decodeSnapshot } from '../format/snapshot-file.ts';
import type { Snapshot } from '../repository.ts';
import { aboutFile, readStoredJson } from '../stored-file.ts';
import type { CheckState } from './check-state.ts';

/** Reads every snapshot file; the sound ones come back. */
export async function checkSnapshots({
  access,
  findings,
  signal,
}: CheckState): Promise<readonly Snapshot[]> {
  const snapshots: Snapshot[] = [];
  for (const { name } of await access.location.list('snapshots', signal)) {
    try {
      const json = await readStoredJson(access, 'snapshots', name, signal);
      snapshots.push(aboutFile('snapshots', name, () => decodeSnapshot(name, json)));
    } catch (error) {
      if (isLifeboatError(error, 'location.file-missing')) continue;
      if (!isLifeboatError(error, 'repository.damaged')) throw error;
      findings
        .add({ kind: 'snapshot', name, problem: error.message, severity: 'error' })
        .affects(`snapshot ${name.slice(0, 8)}`);
    }
  }
  return snapshots;
}
