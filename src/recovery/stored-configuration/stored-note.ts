import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isLifeboatError, writeFileDurably } from '../../core/index.ts';

/** What this host knows of the configuration that a repository holds of it. */
export interface StoredNote {
  readonly location: string;
  readonly fingerprint: string;
}

/** By file of the configuration and name of the repository. */
type Notes = Readonly<Record<string, Readonly<Record<string, StoredNote>>>>;

/** In the state folder: so that nothing has to be asked of a repository while nothing changes. */
const fileName = 'stored-configuration.json';

/** None, when there is nothing to be read: then the repositories are asked. */
export async function readNotes(stateFolder: string): Promise<Notes> {
  try {
    const notes = JSON.parse(await readFile(join(stateFolder, fileName), 'utf8')) as Notes | null;
    return typeof notes === 'object' && notes !== null ? notes : {};
  } catch {
    return {};
  }
}

/** A state folder that cannot be written to only makes the next time slower. */
export async function writeNotes(stateFolder: string, notes: Notes): Promise<void> {
  try {
    await writeFileDurably(join(stateFolder, fileName), `${JSON.stringify(notes)}\n`);
  } catch (error) {
    if (!isLifeboatError(error)) throw error;
  }
}
