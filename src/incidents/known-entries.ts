import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileError, writeFileDurably } from '../core/index.ts';

/** Which entries of an incident were seen in a repository, by id. */
export interface KnownEntries {
  /** Id of the repository: another one under the same name has none of them. */
  readonly repository: string;
  readonly entries: readonly string[];
}

/**
 * What was sent to a repository, or came from it, remembered beside the timeline: it says what is still to be sent while the repository is away,
 * and that something is gone from there later. It is no part of the truth: without it the repository is asked.
 */
export class KnownEntriesFolder {
  readonly #folder: string;

  constructor(incidentFolder: string) {
    this.#folder = join(incidentFolder, 'repositories');
  }

  read(repositoryName: string): Promise<KnownEntries | undefined> {
    return readNote(this.#path(repositoryName));
  }

  /** Errors: `disk.full`, `file.unreadable`. */
  async write(repositoryName: string, known: KnownEntries): Promise<void> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    await writeFileDurably(this.#path(repositoryName), JSON.stringify(known));
  }

  /** Ids that any repository is known to have. */
  async everywhere(): Promise<ReadonlySet<string>> {
    const files = await readdir(this.#folder).catch(() => [] as string[]);
    const notes = files.filter((file) => /^[^.].*\.json$/.test(file));
    const all = await Promise.all(notes.map((file) => readNote(join(this.#folder, file))));
    return new Set(all.flatMap((each) => each?.entries ?? []));
  }

  #path(repositoryName: string): string {
    // A repository that is no part of the configuration has its location as its name.
    return join(this.#folder, `${encodeURIComponent(repositoryName).slice(0, 200)}.json`);
  }
}

async function readNote(path: string): Promise<KnownEntries | undefined> {
  try {
    return parse(await readFile(path, 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw fileError(error, `could not read ${path}`);
  }
}

function parse(text: string): KnownEntries | undefined {
  try {
    const { repository, entries } = JSON.parse(text) as Record<string, unknown>;
    if (typeof repository !== 'string' || !Array.isArray(entries)) return undefined;
    return { repository, entries: entries.filter((each) => typeof each === 'string') };
  } catch {
    // Of another version, or damaged: the repository knows better.
    return undefined;
  }
}
