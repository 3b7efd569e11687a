import { isLifeboatError, LifeboatError } from '../../core/index.ts';
import type { Engine } from './engine/engine.ts';
import type { Lease } from './lease.ts';
import type { RepositoryCopies } from './repository-copies.ts';
import { type EntryBody, type RunEntry, sealEntry } from './run-entry.ts';
import type { RunNote } from './run-note.ts';
import { applyEntry, foldRun, type RunState, requireWhole } from './run-state.ts';

export interface JournalOptions {
  readonly engine: Engine;
  readonly copies: RepositoryCopies;
  readonly lease: Lease;
  readonly actor: string;
  readonly host: string;
  readonly now: () => Date;
}

/**
 * The journal of one run, as the process that drives it writes it: an entry is durable in the state, and was offered to every
 * repository, when `write` resolves. What the journal says then is in `state`.
 */
export class Journal {
  readonly #options: JournalOptions;
  readonly #notesSeen = new Set<string>();
  #state: RunState | undefined;

  constructor(options: JournalOptions, entries: readonly RunEntry[]) {
    this.#options = options;
    requireWhole(entries);
    this.#state = foldRun(entries);
  }

  get state(): RunState {
    if (!this.#state) throw new LifeboatError('bug', 'the journal of the run has not begun');
    return this.#state;
  }

  /** Errors: `run.lease-lost`, then nothing was written; those of the engine. */
  async write(body: EntryBody): Promise<RunEntry> {
    const { engine, copies, lease, actor, host, now } = this.#options;
    if (lease.signal.aborted) throw lease.signal.reason;
    const entry = sealEntry({
      run: lease.run,
      sequence: (this.#state?.lastSequence ?? 0) + 1,
      epoch: lease.epoch,
      time: now().toISOString(),
      actor,
      host,
      previous: this.#state?.lastId ?? '',
      body,
    });
    if (!(await engine.append(entry))) {
      lease.lose('another process has taken it over');
      throw lease.signal.reason;
    }
    this.#state = this.#state ? applyEntry(this.#state, entry) : foldRun([entry]);
    await copies.store({ type: 'entry', entry });
    return entry;
  }

  /**
   * What others said since it was asked last, here or through a repository. With `elsewhere` also whether a run of another host went on
   * with this one: then the lease is lost.
   */
  async news(options: { readonly elsewhere: boolean }): Promise<readonly RunNote[]> {
    const { engine, copies, lease } = this.#options;
    const notes = [...(await engine.notes(lease.run))];
    if (options.elsewhere) {
      const found = await copies.read();
      notes.push(...found.notes.filter(({ run }) => run === lease.run));
      this.#yieldTo(found.entries);
    }
    const answered = this.state.notes;
    const fresh = notes.filter(({ id }) => !this.#notesSeen.has(id) && !answered.includes(id));
    for (const { id } of fresh) this.#notesSeen.add(id);
    return [...new Map(fresh.map((note) => [note.id, note])).values()];
  }

  /** While a step runs: whether a host that shares nothing but a repository has taken the run over. */
  async lookElsewhere(): Promise<void> {
    this.#yieldTo((await this.#options.copies.read()).entries);
  }

  #yieldTo(entries: readonly RunEntry[]): void {
    const { lease } = this.#options;
    const later = entries.find(({ run, epoch }) => run === lease.run && epoch > lease.epoch);
    if (later) lease.lose(`${later.actor} on ${later.host} has taken it over`);
  }
}

export function stepError(error: unknown): { code: string; message: string; hint?: string } {
  if (!isLifeboatError(error)) {
    return { code: 'bug', message: error instanceof Error ? error.message : String(error) };
  }
  const { code, message, hint } = error;
  return { code, message, ...(hint === undefined ? {} : { hint }) };
}
