import { join } from 'node:path';
import { sleep } from '../core/index.ts';
import type { Repository } from '../repository/index.ts';
import type { SignedEntry } from './entry.ts';
import { exchangeEntries, type GoneEntries, type RepositoryView } from './exchange-entries.ts';
import { readStored, type StoredEntries } from './incident-record.ts';
import type { LocalTimeline } from './local-timeline.ts';

type OpenRepository = Pick<Repository, 'id' | 'records'>;

export interface IncidentRepository {
  readonly name: string;
  /** Called when there is something to send or to fetch, again after it failed. Whoever gives it closes what it opens. */
  open(): Promise<OpenRepository>;
}

export interface CourierOptions {
  /** Of all incidents, in the state folder. */
  readonly folder: string;
  readonly timelineOf: (incident: string) => LocalTimeline;
  readonly ownWriter: () => Promise<string>;
  readonly onGone: (incident: string, repository: string, gone: GoneEntries) => Promise<void>;
}

/** What others have added is looked for again after so long. */
const freshForMs = 30_000;
/** A repository that failed is left alone for so long, unless somebody waits for it. */
const pauseMs = 30_000;
const timeIsUp = Symbol('time is up');

/**
 * Carries entries between the state folder and one repository, in the background: what it lacks is sent, what others wrote is fetched. Nothing that
 * fails here disturbs whoever tells; it is kept as `problem` and tried again.
 */
export class Courier {
  readonly name: string;
  readonly #repository: IncidentRepository;
  readonly #options: CourierOptions;
  readonly #wanted = new Set<string>();
  readonly #views = new Map<string, RepositoryView>();
  #opening: Promise<OpenRepository> | undefined;
  #running: Promise<void> | undefined;
  #problem: string | undefined;
  #failedAtMs = Number.NEGATIVE_INFINITY;

  constructor(repository: IncidentRepository, options: CourierOptions) {
    this.name = repository.name;
    this.#repository = repository;
    this.#options = options;
  }

  /** Why the last attempt failed; undefined when it did not. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** Begins in the background. */
  request(incident: string): void {
    this.#wanted.add(incident);
    if (performance.now() - this.#failedAtMs >= pauseMs) this.#start();
  }

  /** Waits until everything that was requested is exchanged, or failed, or `withinMs` is over. */
  async settle(withinMs: number): Promise<void> {
    if (this.#wanted.size > 0) this.#start();
    if (this.#running) await this.#inTime(this.#running, withinMs);
  }

  /** What the repository holds of an incident, changing nothing here; undefined when that could not be read: see `problem`. */
  async look(
    incident: string,
    withinMs: number,
  ): Promise<(StoredEntries & { readonly repository: string }) | undefined> {
    const work = async () => {
      const { id, records } = await this.#open();
      return { repository: id, ...(await readStored(records, incident)) };
    };
    const found = await this.#inTime(work(), withinMs);
    return found === timeIsUp ? undefined : found;
  }

  /** Fetches every incident that the repository knows. Never throws; see `problem`. */
  async discover(withinMs: number): Promise<void> {
    const work = async () => {
      const { records } = await this.#open();
      const { entries } = await readStored(records);
      const byIncident = Map.groupBy(entries, ({ entry }) => entry.incident);
      for (const [incident, stored] of byIncident) await this.#exchange(incident, stored);
      this.#problem = undefined;
    };
    await this.#inTime(work(), withinMs);
  }

  /** The result of `work`; undefined when it failed. What takes longer goes on. */
  async #inTime<Result>(
    work: Promise<Result>,
    withinMs: number,
  ): Promise<Result | typeof timeIsUp | undefined> {
    const clock = new AbortController();
    const late = sleep(withinMs, clock.signal).then(
      () => timeIsUp,
      () => timeIsUp,
    );
    const guarded = work.catch((error: unknown) => this.#failed(error));
    const result = await Promise.race([guarded, late]);
    clock.abort();
    if (result === timeIsUp) this.#problem ??= 'no answer yet';
    return result as Result | typeof timeIsUp | undefined;
  }

  #start(): void {
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
    });
  }

  async #run(): Promise<void> {
    for (const incident of this.#wanted) {
      // Before the work: what is requested while it goes on comes again.
      this.#wanted.delete(incident);
      try {
        const { records } = await this.#open();
        const isStale = performance.now() - this.#viewOf(incident).askedAtMs >= freshForMs;
        const stored = isStale ? (await readStored(records, incident)).entries : undefined;
        await this.#exchange(incident, stored);
        this.#problem = undefined;
        this.#failedAtMs = Number.NEGATIVE_INFINITY;
      } catch (error) {
        this.#wanted.add(incident);
        this.#failed(error);
        return;
      }
    }
  }

  async #exchange(incident: string, stored: readonly SignedEntry[] | undefined): Promise<void> {
    const { folder, timelineOf, ownWriter, onGone } = this.#options;
    const view = this.#viewOf(incident);
    if (stored !== undefined) view.askedAtMs = performance.now();
    await exchangeEntries({
      repository: await this.#open(),
      name: this.name,
      timeline: timelineOf(incident),
      folder: join(folder, incident),
      view,
      stored,
      own: await ownWriter(),
      onGone: (gone) => onGone(incident, this.name, gone),
    });
  }

  #viewOf(incident: string): RepositoryView {
    const none = { entries: new Set<string>(), attachments: new Set<string>() };
    const view = this.#views.get(incident) ?? { ...none, askedAtMs: Number.NEGATIVE_INFINITY };
    this.#views.set(incident, view);
    return view;
  }

  #failed(error: unknown): undefined {
    this.#problem = error instanceof Error ? error.message : String(error);
    this.#failedAtMs = performance.now();
    return undefined;
  }

  async #open(): Promise<OpenRepository> {
    this.#opening ??= this.#repository.open();
    try {
      return await this.#opening;
    } catch (error) {
      this.#opening = undefined;
      throw error;
    }
  }
}
