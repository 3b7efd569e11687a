import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import {
  fileError,
  isLifeboatError,
  LifeboatError,
  syncFolder,
  writeFileDurably,
} from '../../../core/index.ts';
import type { Repository } from '../../../repository/index.ts';
import { type GivenUpTimeline, giveUpTimeline } from './given-up.ts';

const noteSchema = z.object({
  format: z.literal(1),
  timeline: z.number().int().min(2),
  history: z.string(),
  by: z.string(),
  /** Names of repositories. */
  owedTo: z.array(z.string()),
});

/** Where a repository is opened, by its name. */
export type OpenByName = ReadonlyMap<string, () => Promise<Repository>>;

export interface Delivered {
  /** Timelines that are marked now. */
  readonly left: readonly number[];
  /** Repositories that still have to be told, and why they could not be. */
  readonly owed: readonly { readonly repository: string; readonly problem: string }[];
}

/**
 * What repositories have to be told of timelines that were given up, on this host, until each knows it: one that does not answer must not keep
 * an abort from its end.
 */
export class OwedMarks {
  readonly #folder: string;
  readonly #source: string;

  constructor(stateFolder: string, source: string) {
    this.#folder = join(stateFolder, 'given-up', source);
    this.#source = source;
  }

  /** Durable when it resolves. */
  async owe(given: GivenUpTimeline, owedTo: readonly string[]): Promise<void> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    // New folders outlive a power cut only when those that hold them are synced.
    for (const each of [dirname(this.#folder), dirname(dirname(this.#folder))])
      await syncFolder(each);
    await this.#write({ format: 1, ...given, owedTo: [...owedTo] });
  }

  /** Tells those that can be opened now. `isLate`: whether they know of the timeline cannot be told from what they hold yet. Errors: of files, `bug`, `cancelled`. */
  async deliver(open: OpenByName, { isLate }: { readonly isLate: boolean }): Promise<Delivered> {
    const left = new Set<number>();
    const owed: Delivered['owed'][number][] = [];
    for (const note of await this.#notes()) {
      const still: string[] = [];
      for (const name of note.owedTo) {
        const opening = open.get(name);
        if (opening === undefined) {
          still.push(name);
          continue;
        }
        try {
          const place = { repository: await opening(), source: this.#source };
          for (const each of await giveUpTimeline(place, note, isLate)) left.add(each);
        } catch (error) {
          if (!isLifeboatError(error) || ['bug', 'cancelled'].includes(error.code)) throw error;
          still.push(name);
          owed.push({ repository: name, problem: error.message });
        }
      }
      if (still.length === 0) await this.#forget(note);
      else if (still.length < note.owedTo.length) await this.#write({ ...note, owedTo: still });
    }
    return { left: [...left].toSorted((a, b) => a - b), owed };
  }

  async #notes(): Promise<readonly z.infer<typeof noteSchema>[]> {
    const names = await readdir(this.#folder).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return [];
      throw fileError(error, `could not read ${this.#folder}`);
    });
    const notes = [];
    for (const name of names.filter((each) => /^\d+-[0-9a-f]{16}\.json$/.test(each)).toSorted()) {
      const path = join(this.#folder, name);
      const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
        // Delivered by another process meanwhile.
        if (error.code === 'ENOENT') return undefined;
        throw fileError(error, `could not read ${path}`);
      });
      if (text !== undefined) notes.push(parse(text, path));
    }
    return notes;
  }

  async #write(note: z.infer<typeof noteSchema>): Promise<void> {
    await writeFileDurably(join(this.#folder, nameOf(note)), JSON.stringify(note));
  }

  async #forget(note: GivenUpTimeline): Promise<void> {
    await rm(join(this.#folder, nameOf(note)), { force: true });
    await syncFolder(this.#folder);
  }
}

function nameOf({ timeline, history }: GivenUpTimeline): string {
  const of = createHash('sha256').update(history).digest('hex');
  return `${timeline}-${of.slice(0, 16)}.json`;
}

function parse(text: string, path: string): z.infer<typeof noteSchema> {
  try {
    return noteSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new LifeboatError('file.unreadable', `${path} does not parse`, {
      hint: 'It says which timeline of PostgreSQL was given up when a recovery was taken back. Move it away; until the repository knows, `serve` and `backup` refuse the server (postgres.old-primary).',
      cause,
    });
  }
}
