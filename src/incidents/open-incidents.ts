import { randomBytes } from 'node:crypto';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileError, LifeboatError } from '../core/index.ts';
import type { Tell, TimelineEntry } from '../recovery/index.ts';
import { type WriterIdentity, writerIn } from '../repository/index.ts';
import { attachable, LocalAttachments } from './attachments.ts';
import { Courier, type IncidentRepository } from './courier.ts';
import { describeChanges } from './describe-changes.ts';
import type { IncidentEntry } from './entry.ts';
import { entryContent } from './entry-content.ts';
import { isIncidentId } from './entry-format.ts';
import { inOrder } from './entry-order.ts';
import type { GoneEntries } from './exchange-entries.ts';
import type { Incident, IncidentChanges, NewIncident } from './incident.ts';
import { incidentState } from './incident-state.ts';
import { KnownEntriesFolder } from './known-entries.ts';
import { LocalTimeline } from './local-timeline.ts';
import { type Verification, verifyIncident } from './verify-incident.ts';

export interface IncidentsOptions {
  /** Folder of this host for state; all that incidents need. */
  readonly stateFolder: string;
  /** Who acts, for the record. */
  readonly actor: string;
  readonly host: string;
  /** Where entries are sent to, and come from. None: they stay on this host. */
  readonly repositories?: readonly IncidentRepository[];
  /** How long disposal waits for repositories. Default: 10 s. */
  readonly sendWithinMs?: number;
}

export interface NewAttachment {
  /** `damage-report.json`. */
  readonly name: string;
  readonly text: string;
  readonly entry: TimelineEntry;
}

/** How far a repository is behind this host. */
export interface Delivery {
  readonly repository: string;
  /** Entries that are not there, as far as is known. */
  readonly pending: number;
  readonly problem?: string;
}

/**
 * The incidents of this host and of its repositories. Everything is durable in the state folder before a call resolves, and nothing else is needed; repositories
 * get it in the background. Disposal waits for them, within limits. Errors of every call: `disk.full`, `file.unreadable`, `incident.unknown`.
 */
export interface Incidents extends AsyncDisposable {
  open(request: NewIncident): Promise<Incident>;
  /**
   * By id, by the beginning of it or of its second half, or `current`: the one that is open. Repositories are asked only for what this host does not know.
   * Errors: `incident.unknown`, also when several fit.
   */
  find(which: string): Promise<Incident>;
  /** That this host knows, newest first. */
  list(filter?: { readonly onlyOpen?: boolean }): Promise<readonly Incident[]>;
  /** For whoever acts: enters what it tells. */
  tell(id: string): Tell;
  /** Enters something with a text that is too large for an entry, such as a damage report. Both are durable when it resolves. */
  attach(id: string, attached: NewAttachment): Promise<void>;
  /** The text of what an entry has attached; undefined when it is not here, or is not what was attached. */
  attachment(id: string, sha256: string): Promise<string | undefined>;
  /** Enters what is told into every incident that is open on this host; there may be none. */
  readonly tellOpen: Tell;
  /** Errors: `incident.closed`. */
  update(id: string, changes: IncidentChanges, text?: string): Promise<Incident>;
  /** Errors: `incident.closed`. */
  close(id: string, summary: string): Promise<Incident>;
  /** All entries in their order. */
  timeline(id: string): Promise<readonly IncidentEntry[]>;
  /** Sends and fetches now: one incident, or all that any repository knows. Never fails for a repository; see `deliveries`. */
  exchange(id: string | undefined, withinMs: number): Promise<void>;
  deliveries(id: string): Promise<readonly Delivery[]>;
  /** Compares what this host and every repository hold with what was signed. Changes nothing. */
  verify(id: string, withinMs: number): Promise<Verification>;
  /** Says that the host with this key takes part; resolves with the key. By a beginning that no other has. Errors: `usage.invalid`. */
  acceptWriter(id: string, key: string): Promise<string>;
}

const sendWithinMsDefault = 10_000;

/** Does no work until it is used. */
export function openIncidents(options: IncidentsOptions): Incidents {
  return new LocalIncidents(options);
}

class LocalIncidents implements Incidents {
  readonly #options: IncidentsOptions;
  readonly #folder: string;
  readonly #timelines = new Map<string, LocalTimeline>();
  readonly #couriers: readonly Courier[];
  #writer: Promise<WriterIdentity> | undefined;

  constructor(options: IncidentsOptions) {
    this.#options = options;
    this.#folder = join(options.stateFolder, 'incidents');
    const timelineOf = (id: string) => this.#timeline(id);
    const ownWriter = async () => (await this.#identity()).publicKey;
    const onGone = (id: string, repository: string, { place, entries }: GoneEntries) =>
      this.#enter(id, goneEntry(repository, place, entries));
    const common = { folder: this.#folder, timelineOf, ownWriter, onGone };
    this.#couriers = (options.repositories ?? []).map((each) => new Courier(each, common));
  }

  async open(request: NewIncident): Promise<Incident> {
    const id = newId(new Date());
    const { title, ...rest } = request;
    const data = { ...rest, title, sources: request.sources ?? [] };
    const text = `opened as ${request.severity}: ${title}`;
    await this.tell(id)({ event: 'incident.opened', text, data });
    return await this.#state(id);
  }

  async find(which: string): Promise<Incident> {
    const here = await this.#matching(which);
    if (here.length === 1) return here[0] as Incident;
    if (here.length === 0 && this.#couriers.length > 0) {
      await this.exchange(undefined, this.#sendWithinMs);
      const fetched = await this.#matching(which);
      if (fetched.length === 1) return fetched[0] as Incident;
      if (fetched.length > 1) throw ambiguous(which, fetched);
    }
    throw here.length > 1 ? ambiguous(which, here) : this.#unknown(which);
  }

  async list({ onlyOpen = false } = {}): Promise<readonly Incident[]> {
    const found: Incident[] = [];
    for (const id of await this.#ids()) {
      if (onlyOpen && (await this.#isMarkedClosed(id))) continue;
      const state = await this.#stateIfThere(id);
      if (state === undefined) continue;
      if (!onlyOpen || state.status !== 'closed') found.push(state);
      else await this.#markClosed(id);
    }
    return found.sort((a, b) => b.openedAt.getTime() - a.openedAt.getTime());
  }

  tell(id: string): Tell {
    return async ({ attachment, ...entry }) => {
      await this.#enter(id, attachment ? await this.#attached(id, entry, attachment) : entry);
      for (const courier of this.#couriers) courier.request(id);
    };
  }

  async attach(id: string, { name, text, entry }: NewAttachment): Promise<void> {
    await this.tell(id)({ ...entry, attachment: { name, text } });
  }

  async attachment(id: string, sha256: string): Promise<string | undefined> {
    return await this.#attachments(id).read(sha256);
  }

  readonly tellOpen: Tell = async (entry) => {
    for (const { id } of await this.list({ onlyOpen: true })) await this.tell(id)(entry);
  };

  async update(id: string, changes: IncidentChanges, text?: string): Promise<Incident> {
    const former = await this.#notClosed(id);
    const { nextUpdateDue, ...rest } = changes;
    const due = nextUpdateDue ? { nextUpdateDue: nextUpdateDue.toISOString() } : {};
    const isNews =
      text !== undefined || changes.status !== undefined || nextUpdateDue !== undefined;
    const data = { ...rest, ...due, ...(isNews ? { isNews } : {}) };
    const told = text ?? describeChanges(changes, former);
    await this.tell(id)({ event: 'incident.updated', text: told, data });
    return await this.#state(id);
  }

  async close(id: string, summary: string): Promise<Incident> {
    await this.#notClosed(id);
    const text = `closed: ${summary}`;
    await this.tell(id)({ event: 'incident.closed', text, data: { summary } });
    await this.#timeline(id).removeLeftovers();
    return await this.#state(id);
  }

  async timeline(id: string): Promise<readonly IncidentEntry[]> {
    const { entries } = await this.#timeline(id).read();
    return inOrder(entries.map(({ entry }) => entry));
  }

  async exchange(id: string | undefined, withinMs: number): Promise<void> {
    await Promise.all(
      this.#couriers.map(async (courier) => {
        if (id === undefined) return await courier.discover(withinMs);
        courier.request(id);
        await courier.settle(withinMs);
      }),
    );
  }

  async deliveries(id: string): Promise<readonly Delivery[]> {
    const { entries } = await this.#timeline(id).read();
    const notes = new KnownEntriesFolder(join(this.#folder, id));
    return await Promise.all(
      this.#couriers.map(async ({ name, problem }) => {
        const there = new Set((await notes.read(name))?.entries);
        const pending = entries.filter(({ entry }) => !there.has(entry.id)).length;
        return { repository: name, pending, ...(problem === undefined ? {} : { problem }) };
      }),
    );
  }

  async verify(id: string, withinMs: number): Promise<Verification> {
    const own = (await this.#identity()).publicKey;
    const folder = join(this.#folder, id);
    return await verifyIncident({ id, folder, couriers: this.#couriers, own, withinMs });
  }

  async acceptWriter(id: string, key: string): Promise<string> {
    const entries = await this.timeline(id);
    const fitting = new Map(
      entries.filter(({ writer }) => writer.startsWith(key)).map((each) => [each.writer, each]),
    );
    const [found] = fitting.values();
    if (fitting.size !== 1 || found === undefined) {
      throw new LifeboatError('usage.invalid', `${fitting.size} keys begin with ${key}`, {
        hint: '`lifeboat incident verify` lists the keys that wrote entries.',
      });
    }
    const { writer, host } = found;
    const text = `accepted the entries of ${host} (key ${writer.slice(0, 16)})`;
    await this.tell(id)({ event: 'incident.writer-accepted', text, data: { writer, host } });
    return writer;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#couriers.map((courier) => courier.settle(this.#sendWithinMs)));
  }

  /** Before the entry that names it: killed in between, nothing is missing. */
  async #attached(
    id: string,
    entry: TimelineEntry,
    { name, text }: NonNullable<TimelineEntry['attachment']>,
  ): Promise<TimelineEntry> {
    const safe = attachable(text);
    const sha256 = await this.#attachments(id).write(safe);
    const attachment = { name: name.slice(0, 200), sha256, bytes: Buffer.byteLength(safe) };
    return { ...entry, data: { ...entry.data, attachment } };
  }

  async #enter(id: string, entry: TimelineEntry): Promise<void> {
    const { actor, host } = this.#options;
    await this.#timeline(id).append(entryContent(entry, { actor, host }), await this.#identity());
  }

  get #sendWithinMs(): number {
    return this.#options.sendWithinMs ?? sendWithinMsDefault;
  }

  #identity(): Promise<WriterIdentity> {
    this.#writer ??= writerIn(this.#options.stateFolder).catch((error) => {
      this.#writer = undefined;
      throw error;
    });
    return this.#writer;
  }

  #timeline(id: string): LocalTimeline {
    if (!isIncidentId(id)) throw this.#unknown(id);
    const known = this.#timelines.get(id) ?? new LocalTimeline(join(this.#folder, id), id);
    this.#timelines.set(id, known);
    return known;
  }

  #attachments(id: string): LocalAttachments {
    if (!isIncidentId(id)) throw this.#unknown(id);
    return new LocalAttachments(join(this.#folder, id));
  }

  async #ids(): Promise<readonly string[]> {
    try {
      return (await readdir(this.#folder)).filter(isIncidentId).sort();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw fileError(error, `could not read ${this.#folder}`);
    }
  }

  async #matching(which: string): Promise<readonly Incident[]> {
    if (which === 'current') return await this.list({ onlyOpen: true });
    const ids = await this.#ids();
    const fitting = ids.filter((id) => id.startsWith(which) || id.slice(9).startsWith(which));
    const wanted = ids.includes(which) ? [which] : which === '' ? [] : fitting;
    const states = await Promise.all(wanted.map((id) => this.#stateIfThere(id)));
    return states.filter((each) => each !== undefined);
  }

  async #stateIfThere(id: string): Promise<Incident | undefined> {
    const { entries } = await this.#timeline(id).read();
    return incidentState(entries.map(({ entry }) => entry));
  }

  async #state(id: string): Promise<Incident> {
    const state = await this.#stateIfThere(id);
    if (state === undefined) throw this.#unknown(id);
    return state;
  }

  async #notClosed(id: string): Promise<Incident> {
    const state = await this.#state(id);
    if (state.status !== 'closed') return state;
    throw new LifeboatError('incident.closed', `the incident ${id} is closed already`, {
      hint: 'Open a new one with `lifeboat incident open`, and name this one in its title.',
    });
  }

  /** A shortcut, so that no command reads the timelines of years: the timeline itself says whether it is closed. */
  async #markClosed(id: string): Promise<void> {
    await writeFile(join(this.#folder, id, 'closed'), '').catch(() => {});
  }

  async #isMarkedClosed(id: string): Promise<boolean> {
    const names = await readdir(join(this.#folder, id)).catch(() => [] as string[]);
    return names.includes('closed');
  }

  #unknown(which: string): LifeboatError {
    const problems = this.#couriers
      .filter(({ problem }) => problem !== undefined)
      .map(({ name, problem }) => `the repository ${name} could not be asked (${problem})`);
    const fact =
      which === 'current' ? 'no incident is open' : `there is no incident ${JSON.stringify(which)}`;
    return new LifeboatError('incident.unknown', [fact, ...problems].join('; '), {
      hint: '`lifeboat incident list` shows all, `lifeboat incident open` opens one.',
    });
  }
}

function goneEntry(repository: string, place: GoneEntries['place'], entries: number) {
  const what = entries === 1 ? '1 entry that was' : `${entries} entries that were`;
  const text =
    place === 'repository'
      ? `${what} in the repository ${repository} had gone from there; sent again`
      : `${what} on this host had gone, or had been changed; fetched again from the repository ${repository}`;
  return { event: 'incident.entries-gone', text, data: { repository, place, entries } };
}

function ambiguous(which: string, found: readonly Incident[]): LifeboatError {
  const ids = found.map(({ id }) => id);
  const fact =
    which === 'current'
      ? `${found.length} incidents are open`
      : `${found.length} incidents fit ${JSON.stringify(which)}`;
  return new LifeboatError('incident.unknown', fact, {
    hint: `Name one of them: ${found.map(({ id, title }) => `${id} (${title})`).join(', ')}.`,
    context: { incidents: ids },
  });
}

function newId(now: Date): string {
  const day = now.toISOString().slice(0, 10).replaceAll('-', '');
  return `${day}-${randomBytes(3).toString('hex')}`;
}
