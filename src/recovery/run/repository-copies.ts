import { isLifeboatError, type Progress, Turn } from '../../core/index.ts';
import type { Repository } from '../../repository/index.ts';
import type { Holder } from './holder.ts';
import { parseEntry, type RunEntry } from './run-entry.ts';
import { parseNote, type RunNote } from './run-note.ts';
import { mergeEntries } from './run-state.ts';

/** What is kept of runs in a repository: the body of its records of kind `run`. */
export type RunRecord =
  | { readonly type: 'entry'; readonly entry: RunEntry }
  | { readonly type: 'note'; readonly note: RunNote }
  | ({ readonly type: 'claim' | 'withdrawn' } & RunClaim);

/** That a process is about to take a run: where hosts share nothing but the repository, that is how they see each other. */
export interface RunClaim {
  readonly run: string;
  readonly epoch: number;
  /** Random. */
  readonly id: string;
  readonly holder: Holder;
  readonly targets: readonly string[];
}

export interface RunRecords {
  readonly entries: readonly RunEntry[];
  readonly notes: readonly RunNote[];
  readonly claims: readonly (RunClaim & { readonly isWithdrawn: boolean })[];
}

const recordKind = 'run';
/** How long a step waits for one repository; what is late is stored when it can be. */
const patienceMs = 10_000;
/** The same once it did not answer. */
const shortPatienceMs = 1000;

/**
 * The journal in every repository that can be reached. One that cannot is told of once, and gets what it missed, in order, as soon as
 * it answers; it never holds up the recovery for longer than its patience.
 */
export class RepositoryCopies {
  readonly #copies: readonly RepositoryCopy[];

  constructor(
    names: readonly string[],
    open: (name: string) => Promise<Repository>,
    progress: Progress,
  ) {
    this.#copies = names.map((name) => new RepositoryCopy(name, () => open(name), progress));
  }

  /** Names of those that have it, durably. */
  async store(...bodies: readonly RunRecord[]): Promise<readonly string[]> {
    const stored = await Promise.all(this.#copies.map((copy) => copy.store(bodies)));
    return this.#copies.filter((_, index) => stored[index]).map(({ name }) => name);
  }

  /** What all that answer have. */
  async read(): Promise<RunRecords & { readonly unread: readonly string[] }> {
    const found = await Promise.all(this.#copies.map((copy) => copy.read()));
    const bodies = found.flatMap((each) => each ?? []);
    const unread = this.#copies.filter((_, index) => !found[index]).map(({ name }) => name);
    return { ...sorted(bodies), unread };
  }

  /**
   * A process that died may not have got to store all that it wrote. A repository that does not answer gets it before anything else that
   * is stored: with a hole in it the journal could not be gone on with from there.
   */
  async complete(entries: readonly RunEntry[]): Promise<void> {
    if (entries.length === 0) return;
    await Promise.all(this.#copies.map((copy) => copy.complete(entries)));
  }

  /** Names of those that lack something. */
  get behind(): readonly string[] {
    return this.#copies.filter((copy) => copy.isBehind).map(({ name }) => name);
  }
}

class RepositoryCopy {
  readonly name: string;
  readonly #open: () => Promise<Repository>;
  readonly #progress: Progress;
  readonly #turn = new Turn();
  #waiting: RunRecord[] = [];
  /** What it may lack of former processes. */
  #owed: readonly RunEntry[] = [];
  #repository: Promise<Repository> | undefined;
  #isSilent = false;

  constructor(name: string, open: () => Promise<Repository>, progress: Progress) {
    this.name = name;
    this.#open = open;
    this.#progress = progress;
  }

  get isBehind(): boolean {
    return this.#waiting.length + this.#owed.length > 0;
  }

  async store(bodies: readonly RunRecord[]): Promise<boolean> {
    this.#waiting.push(...bodies);
    const done = await this.#patiently(() => this.#flush(), 'the journal of the run is not in');
    return done !== undefined;
  }

  async complete(entries: readonly RunEntry[]): Promise<void> {
    this.#owed = mergeEntries(this.#owed, entries);
    await this.#patiently(() => this.#flush(), 'the journal of the run is not in');
  }

  async read(): Promise<readonly RunRecord[] | undefined> {
    return await this.#patiently(() => this.#list(), 'the journals of runs could not be read from');
  }

  async #list(): Promise<readonly RunRecord[]> {
    const { records } = await this.#opened();
    const found = await records.list({
      kind: recordKind,
      onDamaged: (name, problem) =>
        this.#progress({
          type: 'warning',
          message: `record ${name} of repository ${this.name}: ${problem}`,
        }),
    });
    return found.map(({ body }) => body as RunRecord);
  }

  /** One after the other, so that whoever reads a part of the journal reads its beginning. */
  async #flush(): Promise<true> {
    if (this.#owed.length > 0) {
      const has = new Set(
        sorted([...(await this.#list()), ...this.#waiting]).entries.map(({ id }) => id),
      );
      const missing = this.#owed.filter(({ id }) => !has.has(id));
      this.#waiting.unshift(...missing.map((entry) => ({ type: 'entry' as const, entry })));
      this.#owed = [];
    }
    while (this.#waiting.length > 0) {
      const { records } = await this.#opened();
      const [body] = this.#waiting;
      await records.append({ kind: recordKind, source: '', body });
      this.#waiting.shift();
    }
    return true;
  }

  async #opened(): Promise<Repository> {
    this.#repository ??= this.#open();
    try {
      return await this.#repository;
    } catch (error) {
      this.#repository = undefined;
      throw error;
    }
  }

  /** Undefined when it failed, or is not done yet; then it goes on behind this. */
  async #patiently<Value>(work: () => Promise<Value>, what: string): Promise<Value | undefined> {
    const result = this.#turn.take(work);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<undefined>((resolve) => {
      timer = setTimeout(() => resolve(undefined), this.#isSilent ? shortPatienceMs : patienceMs);
    });
    try {
      const value = await Promise.race([result, late]);
      if (value === undefined) {
        result.catch(() => {});
        this.#tell(`${what} repository ${this.name} yet: it does not answer in time`);
      } else if (this.#isSilent && !this.isBehind) {
        this.#isSilent = false;
        this.#progress({ type: 'note', message: `repository ${this.name} answers again` });
      }
      return value;
    } catch (error) {
      if (!isLifeboatError(error) || error.code === 'bug') throw error;
      this.#tell(`${what} repository ${this.name}: ${error.message}`);
      return undefined;
    } finally {
      clearTimeout(timer);
    }
  }

  #tell(message: string): void {
    if (this.#isSilent) return;
    this.#isSilent = true;
    const hint = this.isBehind
      ? 'The run goes on; a new host could not resume it from there as it stands now.'
      : 'What other hosts have done is seen when it answers.';
    this.#progress({ type: 'warning', message, hint });
  }
}

function sorted(bodies: readonly RunRecord[]): RunRecords {
  const entries = new Map<string, RunEntry>();
  const notes = new Map<string, RunNote>();
  const claims = new Map<string, RunClaim>();
  const withdrawn = new Set<string>();
  for (const body of bodies) {
    switch (body?.type) {
      case 'entry': {
        const entry = parseEntry(body.entry);
        if (entry) entries.set(entry.id, entry);
        break;
      }
      case 'note': {
        const note = parseNote(body.note);
        if (note) notes.set(note.id, note);
        break;
      }
      case 'claim':
        claims.set(body.id, body);
        break;
      case 'withdrawn':
        withdrawn.add(body.id);
    }
  }
  return {
    entries: [...entries.values()],
    notes: [...notes.values()],
    claims: [...claims.values()].map((claim) => ({
      ...claim,
      isWithdrawn: withdrawn.has(claim.id),
    })),
  };
}
