import { readNotes } from './stored-note.ts';

/** Where this host has kept its configuration, as it does after a backup: what lies there was in use. As they were written. */
export async function keptLocations(stateFolder: string): Promise<readonly string[]> {
  const notes = Object.values(await readNotes(stateFolder));
  return notes.flatMap((each) => Object.values(each ?? {}).map(({ location }) => location));
}
