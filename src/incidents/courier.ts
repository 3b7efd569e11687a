import { join } from 'node:path';
import { sleep } from '../core/index.ts';
import type { Repository } from '../repository/index.ts';
import { exchangeAttachments } from './attachment-record.ts';
import { LocalAttachments } from './attachments.ts';
import type { SignedEntry } from './entry.ts';
import { readStored, type StoredEntries, sendEntries, storedIncidents } from './incident-record.ts';
import { KnownEntriesFolder } from './known-entries.ts';
import type { LocalTimeline } from './local-timeline.ts';

export interface IncidentRepository {
  readonly name: string;
  /** Called when there is something to send or to fetch, again after it failed. Whoever gives it closes what it opens. */
  open(): Promise<Pick<Repository, 'id' | 'records'>>;
}

/** What others have added is looked for again after so long. */
const freshForMs = 30_000;
/** A repository that failed is left alone for so long, unless somebody waits for it. */
const pauseMs = 30_000;

interface Seen {
  ids: Set<string>;
  attachments: ReadonlySet<string>;
  listedAtMs: number;
}

/**
 * Carries entries between the state folder and one repository, in the background: what it lacks is sent, what others wrote is fetched. Nothing that fails here
 * disturbs whoever tells; it is kept as `problem` and tried again.
 */
export class Courier {
  readonly name: string;
  readonly #repository: IncidentRepository;
  readonly #folder: string;
  readonly #timelineOf: (incident: string) => LocalTimeline;
  readonly #ownWriter: () => Promise<string>;
  readonly #wanted = new Set<string>();
  readonly #seen = new Map<string, Seen>();
  #opened: Pick<Repository, 'id' | 'records'> | undefined;
  #running: Promise<void> | undefined;
  #problem: string | undefined;
  #failedAtMs = Number.NEGATIVE_INFINITY;

  constructor(
    repository: IncidentRepository,
    options: {
      readonly folder: string;
      readonly timelineOf: (incident: string) => LocalTimeline;
      readonly ownWriter: () => Promise<string>;
    },
  ) {
    this.name = repository.name;
    this.#repository = repository;
    this.#folder = options.folder;
    this.#timelineOf = options.timelineOf;
    this.#ownWriter = options.ownWriter;
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
    if (!this.#running) return;
    const controller = new AbortController();
    const timeIsUp = sleep(withinMs, controller.signal).then(
      () => 'time is up',
      () => undefined,
    );
    const ended = await Promise.race([this.#running, timeIsUp]);
    controller.abort();
    if (ended === 'time is up') this.#problem ??= 'no answer yet';
  }

  /** What the repository holds of an incident, changing nothing here; undefined when it did not answer in time: see `problem`. */
  async look(
    incident: string,
    withinMs: number,
  ): Promise<(StoredEntries & { readonly repository: string }) | undefined> {
    const work = async () => {
      try {
        const { id, records } = await this.#open();
        return { repository: id, ...(await readStored(records, incident)) };
      } catch (error) {
        this.#failed(error);
        return undefined;
      }
    };
    const found = await Promise.race([work(), sleep(withinMs)]);
    if (found === undefined) this.#problem ??= 'no answer yet';
    return found ?? undefined;
  }

  /** Fetches every incident that the repository knows. Never throws; see `problem`. */
  async discover(withinMs: number): Promise<void> {
    const found = (async () => {
      try {
        const { records } = await this.#open();
        for (const incident of await storedIncidents(records)) this.#wanted.add(incident);
      } catch (error) {
        this.#failed(error);
      }
    })();
    await Promise.race([found, sleep(withinMs)]);
    await this.settle(withinMs);
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
        await this.#exchange(incident);
        this.#problem = undefined;
        this.#failedAtMs = Number.NEGATIVE_INFINITY;
      } catch (error) {
        this.#wanted.add(incident);
        this.#failed(error);
        return;
      }
    }
  }

  #failed(error: unknown): void {
    this.#problem = error instanceof Error ? error.message : String(error);
    this.#failedAtMs = performance.now();
  }

  async #open(): Promise<Pick<Repository, 'id' | 'records'>> {
    this.#opened ??= await this.#repository.open();
    return this.#opened;
  }

  /** Trouble of this host's disk does not keep what is there from being sent. */
  async #exchange(incident: string): Promise<void> {
    const repository = await this.#open();
    const timeline = this.#timelineOf(incident);
    const notes = new KnownEntriesFolder(join(this.#folder, incident));
    const seen = this.#seen.get(incident) ?? { ids: new Set(), attachments: new Set(), listedAtMs: -freshForMs };
    this.#seen.set(incident, seen);
    const trouble: unknown[] = [];
    const here = (work: () => Promise<void>) => work().catch((error) => void trouble.push(error));
    if (performance.now() - seen.listedAtMs >= freshForMs) {
      const { entries } = await readStored(repository.records, incident);
      seen.ids = new Set(entries.map(({ entry }) => entry.id));
      seen.listedAtMs = performance.now();
      for (const each of entries) await here(() => timeline.add(each));
    }
    const missing = await this.#missing(timeline, notes, seen.ids);
    await sendEntries(repository.records, incident, missing, (sent) => {
      for (const { entry } of sent) seen.ids.add(entry.id);
    });
    const { entries } = await timeline.read();
    await here(async () => {
      const local = new LocalAttachments(join(this.#folder, incident));
      const { records } = repository;
      const { attachments: there } = seen;
      seen.attachments = await exchangeAttachments({ records, incident, local, entries, there });
    });
    const known = { repository: repository.id, entries: [...seen.ids].sort() };
    await here(() => notes.write(this.name, known));
    if (trouble.length > 0) throw trouble[0];
  }

  /** Our own, and those of others that some repository has: what lies in the folder without either was not written by anybody who may. */
  async #missing(
    timeline: LocalTimeline,
    notes: KnownEntriesFolder,
    there: ReadonlySet<string>,
  ): Promise<readonly SignedEntry[]> {
    const own = await this.#ownWriter();
    const vouched = await notes.everywhere();
    const { entries } = await timeline.read();
    return entries.filter(
      ({ entry }) => !there.has(entry.id) && (entry.writer === own || vouched.has(entry.id)),
    );
  }
}
