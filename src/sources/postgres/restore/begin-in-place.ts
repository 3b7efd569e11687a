import { refuseRunning } from './running-server.ts';
import { beginUnfinished, type UnfinishedRestore, undoBegin } from './unfinished-restore.ts';

/**
 * From here on nothing starts on the folder. A server that was started just before has the control file still open: it gets it back,
 * unless what it belonged to is half restored already. Errors: `target.in-use`.
 */
export async function beginInPlace(
  folder: string,
  facts: UnfinishedRestore,
  isUnchanged: boolean,
): Promise<void> {
  await beginUnfinished(folder, facts);
  try {
    await refuseRunning(folder);
  } catch (error) {
    if (isUnchanged) await undoBegin(folder);
    throw error;
  }
}
