import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isLifeboatError, writeFileDurably } from '../core/index.ts';

/** What is done to a repository now and then, and worth knowing when it was. */
export const activities = ['check', 'prune', 'copy'] as const;
export type Activity = (typeof activities)[number];

export interface ActivityNote {
  readonly time: Date;
  /** In one line, for people. */
  readonly result: string;
  readonly isGood: boolean;
}

export type ActivityNotes = { readonly [Name in Activity]?: ActivityNote };

/**
 * Remembers in the state folder of this host when something was last done. Only a help for `status`: what cannot be written is
 * left out.
 */
export async function noteActivity(
  stateFolder: string,
  repository: { readonly id: string },
  activity: Activity,
  note: ActivityNote,
): Promise<void> {
  const folder = join(stateFolder, 'activity', repository.id);
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await writeFileDurably(join(folder, `${activity}.json`), JSON.stringify(note));
  } catch (error) {
    const isFile = isLifeboatError(error) || (error as NodeJS.ErrnoException).code !== undefined;
    if (!isFile) throw error;
  }
}

export async function readActivities(
  stateFolder: string,
  repository: { readonly id: string },
): Promise<ActivityNotes> {
  const notes: { [Name in Activity]?: ActivityNote } = {};
  for (const activity of activities) {
    const path = join(stateFolder, 'activity', repository.id, `${activity}.json`);
    const note = parseNote(await readFile(path, 'utf8').catch(() => ''));
    if (note !== undefined) notes[activity] = note;
  }
  return notes;
}

function parseNote(text: string): ActivityNote | undefined {
  try {
    const { time, result, isGood } = JSON.parse(text) as Record<string, unknown>;
    const at = new Date(String(time));
    if (Number.isNaN(at.getTime())) return undefined;
    return { time: at, result: String(result), isGood: isGood === true };
  } catch {
    // Absent, or written by another version.
    return undefined;
  }
}
