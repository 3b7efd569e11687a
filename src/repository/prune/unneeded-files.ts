import { isLifeboatError, type Progress, throwIfAborted } from '../../core/index.ts';
import type { FileKind, Location } from '../location/location.ts';
import type { Mark, MarkedFolder, Marks } from './marks.ts';

/** Files that nothing needs, with their sizes, by folder and name. */
export class UnneededFiles {
  readonly #sizes = new Map<string, { folder: MarkedFolder; name: string; sizeBytes: number }>();

  add(folder: MarkedFolder, name: string, sizeBytes: number): void {
    this.#sizes.set(`${folder}/${name}`, { folder, name, sizeBytes });
  }

  sizeOf(folder: MarkedFolder, name: string): number | undefined {
    return this.#sizes.get(`${folder}/${name}`)?.sizeBytes;
  }

  delete(folder: MarkedFolder, name: string): void {
    this.#sizes.delete(`${folder}/${name}`);
  }

  get all() {
    return [...this.#sizes.values()];
  }
}

export interface Swept {
  readonly files: number;
  readonly bytes: number;
  readonly refused: number;
}

const removalsAtOnce = 8;
/** Appending to a log takes no lock: a file may be there whose manifest is about to be written. */
const leastLogMarkMs = 60 * 60_000;

/** When a marked file may go. */
export function removableFrom({ folder, since }: Mark, keepMarkedMs: number): number {
  const ofLogs = folder !== 'data';
  return since.getTime() + (ofLogs ? Math.max(keepMarkedMs, leastLogMarkMs) : keepMarkedMs);
}

/**
 * The second phase: removes what is unneeded now and was marked at least `keepMarkedMs` ago. What is needed again, or
 * gone, loses its mark.
 */
export async function sweep(options: {
  readonly location: Location;
  readonly marks: Marks;
  readonly unneeded: UnneededFiles;
  readonly keepMarkedMs: number;
  /** Throws when the lock was lost. */
  readonly confirm: () => Promise<void>;
  readonly signal?: AbortSignal | undefined;
  readonly progress: Progress;
}): Promise<Swept> {
  const { marks, unneeded, keepMarkedMs, confirm, signal, progress } = options;
  const due: Mark[] = [];
  for (const mark of marks.all) {
    const isUnneeded = unneeded.sizeOf(mark.folder, mark.name) !== undefined;
    if (!isUnneeded) marks.delete(mark.folder, mark.name);
    else if (removableFrom(mark, keepMarkedMs) <= Date.now()) due.push(mark);
  }
  const swept = { files: 0, bytes: 0, refused: 0 };
  if (due.length === 0) return swept;
  const task = 'remove files';
  progress({ type: 'begin', task, title: 'removing what nothing needs' });
  for (let at = 0; at < due.length; at += removalsAtOnce) {
    throwIfAborted(signal);
    await confirm();
    await Promise.all(
      due.slice(at, at + removalsAtOnce).map(async ({ folder, name }) => {
        if (!(await removed(options.location, folder, name, signal))) {
          swept.refused++;
          return;
        }
        swept.files++;
        swept.bytes += unneeded.sizeOf(folder, name) as number;
        unneeded.delete(folder, name);
        marks.delete(folder, name);
      }),
    );
    const done = Math.min(at + removalsAtOnce, due.length);
    progress({ type: 'progress', task, done, total: due.length, unit: 'files' });
  }
  progress({ type: 'end', task });
  return swept;
}

/** False when the location keeps it: an object lock that has not run out. */
async function removed(
  location: Location,
  folder: MarkedFolder,
  name: string,
  signal?: AbortSignal,
): Promise<boolean> {
  const place = folder === 'data' ? location : location.nested('lifeboat');
  const kind = folder.replace('lifeboat/', '') as FileKind;
  try {
    await place.remove(kind, name, signal);
    return true;
  } catch (error) {
    if (isLifeboatError(error, 'location.refused')) return false;
    throw error;
  }
}
