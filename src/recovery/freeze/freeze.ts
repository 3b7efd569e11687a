import type { Platform } from '../../platforms/index.ts';
import { copyToRepositories, type RepositoryProblem } from './freeze-copies.ts';
import { FreezeJournal } from './freeze-journal.ts';
import { lockFreezes } from './freeze-lock.ts';
import type {
  FreezeGap,
  FreezeItem,
  FreezeRecord,
  FrozenDatabase,
  FrozenService,
} from './freeze-record.ts';
import type { FreezeRequest } from './freeze-request.ts';
import { storeOf } from './freeze-store.ts';
import { FreezeTelling } from './freeze-telling.ts';
import { type FreezeLook, lookWith, requireExpectedPlaces } from './look-at-freeze.ts';
import { showMaintenance } from './maintenance.ts';
import { mayGoOn, requireService } from './may-go-on.ts';
import { closeDatabase } from './postgres/alter-database.ts';
import { endOtherSessions, serverNow } from './postgres/other-sessions.ts';
import { requireSameCluster } from './postgres/require-same-cluster.ts';
import { ServerDesks } from './postgres/server-desks.ts';
import { sessionGaps } from './postgres/session-gaps.ts';
import { subscriptionGaps } from './postgres/subscriptions.ts';

export interface FreezeOutcome {
  readonly record: FreezeRecord;
  /** What can still write, or could not be frozen. Empty: the freeze is complete. */
  readonly gaps: readonly FreezeGap[];
  readonly notes: readonly string[];
  /** How many items were changed; 0 when all was frozen already. */
  readonly changed: number;
  readonly sessionsEnded: number;
  /** Repositories that do not have the record. */
  readonly notCopied: readonly RepositoryProblem[];
  readonly durationMs: number;
}

/**
 * Stops everybody who writes to the sources. What undoes it is durable before the first change; killed anywhere, `thaw` puts back what
 * was recorded, and another freeze goes on. What could not be frozen is a gap, not an error. Errors: those of `lookAtFreeze`, with
 * nothing changed; `run.busy`, `disk.full`, `cancelled`.
 */
export async function freeze(request: FreezeRequest): Promise<FreezeOutcome> {
  const begunMs = performance.now();
  const { stateFolder } = request.surroundings.configuration;
  using _lock = await lockFreezes(stateFolder);
  await using desks = new ServerDesks(request);
  // 1. Look at everything, so that what was before is known of all before the first change.
  const look = await lookWith(request, desks);
  requireExpectedPlaces(look, request.expected ?? {});
  const work = new Freezing(request, look, desks);
  // 2. Write down what undoes it: here, then where another host finds it.
  await work.writeDown();
  // 3. The page first: from then on users are told, instead of being cut off.
  await work.showMaintenance();
  // 4. Services next, each before those it needs: they end what they are at, and do not fight a closed database.
  await work.stopServices();
  // 5. Then the databases are closed, and who is still inside is ended: in this order nobody can come back between the two.
  await work.closeDatabases();
  await work.endSessions();
  return await work.finish(Math.round(performance.now() - begunMs));
}

class Freezing {
  readonly #request: FreezeRequest;
  readonly #look: FreezeLook;
  readonly #desks: ServerDesks;
  readonly #journal: FreezeJournal;
  readonly #telling: FreezeTelling;
  readonly #gaps: FreezeGap[];
  #changed = 0;
  #sessionsEnded = 0;

  constructor(request: FreezeRequest, look: FreezeLook, desks: ServerDesks) {
    this.#request = request;
    this.#look = look;
    this.#desks = desks;
    // As it was before this look: what is new of it is what has to be written.
    this.#journal = new FreezeJournal(storeOf(request), look.record);
    this.#telling = new FreezeTelling(request);
    this.#gaps = [...look.gaps];
  }

  async writeDown(): Promise<void> {
    const { isNew, isUnchanged, record, spent } = this.#look;
    const isWritten = isUnchanged && record.phase !== 'thawing';
    if (!isWritten) await this.#journal.save({ phase: 'freezing' });
    for (const id of spent) await storeOf(this.#request).retire(id);
    if (isWritten) return;
    await copyToRepositories(this.#request, this.#journal.record);
    if (!isNew) return;
    const what = subjectOf(record);
    await this.#telling.tell('freeze.begun', `began to freeze ${what}`, { freeze: record.id });
  }

  async showMaintenance(): Promise<void> {
    for (const item of this.#itemsOf('maintenance-command', 'maintenance-file')) {
      await this.#change(item, 'page', `the maintenance page is not shown`, async () => {
        if (!(await showMaintenance(this.#request, item))) return undefined;
        return { event: 'freeze.maintenance-on', text: `showed the ${item.name}` };
      });
    }
  }

  async stopServices(): Promise<void> {
    const { services } = this.#request.surroundings.configuration;
    const rank = (item: FrozenService) => services.findIndex(({ name }) => name === item.service);
    const items = this.#itemsOf('service').sort((one, other) => rank(other) - rank(one));
    for (const item of items) {
      await this.#change(item, 'service', `the service ${item.service} still runs`, async () => {
        await this.#stop(item);
        if (item.state === 'done' || item.former.status === 'stopped') return undefined;
        return {
          event: 'freeze.service-stopped',
          text: `stopped the service ${item.service} (${item.place.text})`,
        };
      });
    }
  }

  async #stop(item: FrozenService): Promise<void> {
    const { platforms, surroundings, signal, progress } = this.#request;
    const service = requireService(surroundings.configuration, item);
    const platform: Platform = platforms.of(service);
    progress?.({ type: 'note', message: `stopping the service ${service.name}` });
    await platform.stop(service, {
      ...(signal ? { signal } : {}),
      ...(progress ? { progress } : {}),
    });
  }

  async closeDatabases(): Promise<void> {
    for (const item of await this.#databases()) {
      const fact = `the database ${item.database} is not closed`;
      await this.#change(item, 'server', fact, async () => {
        const desk = await this.#desks.of(item.source);
        requireSameCluster(item, desk);
        if (!(await closeDatabase(desk.session, item))) return undefined;
        return {
          event: 'freeze.database-closed',
          text: `made the database ${item.database} of ${item.source} read-only and refused connections`,
          source: item.source,
        };
      });
    }
  }

  async endSessions(): Promise<void> {
    const { signal, looks } = this.#request;
    const clusters = Map.groupBy(await this.#databases(), ({ systemId }) => systemId);
    for (const items of clusters.values()) {
      const [item] = items as [FrozenDatabase];
      const { source } = item;
      const databases = items.map(({ oid }) => oid);
      try {
        const desk = await this.#desks.of(source);
        requireSameCluster(item, desk);
        const { session, ownRoles } = desk;
        const closedAt = await serverNow(session);
        const own = ownRoles.map(({ name }) => name);
        const where = { databases, ownRoles: own, closedAt, signal, looks };
        const ended = await endOtherSessions(session, where);
        this.#sessionsEnded += ended.ended;
        this.#gaps.push(...sessionGaps(source, ended));
        this.#gaps.push(...(await subscriptionGaps(session, source, databases)));
        if (ended.ended > 0) {
          const text = `ended ${ended.ended} other sessions of ${source}`;
          await this.#telling.tell('freeze.sessions-ended', text, { source });
        }
      } catch (error) {
        const { message, hint } = mayGoOn(error);
        const remedy = hint ?? 'Freeze again when the server answers.';
        const what = `the other sessions of ${source} were not ended: ${message}`;
        this.#gaps.push({ kind: 'server', source, what, remedy });
      }
    }
  }

  async finish(durationMs: number): Promise<FreezeOutcome> {
    const gaps = this.#gaps;
    const { record } = this.#journal;
    let notCopied: readonly RepositoryProblem[] = [];
    const isAsBefore = record.phase === 'frozen' && sameGaps(record.gaps, gaps);
    if (!isAsBefore) {
      await this.#journal.save({ phase: 'frozen', gaps });
      notCopied = await copyToRepositories(this.#request, this.#journal.record);
      const what = subjectOf(record);
      const data = { freeze: record.id, gaps: gaps.length };
      if (gaps.length === 0) await this.#telling.tell('freeze.complete', `froze ${what}`, data);
      else {
        const text = `froze ${what}, not completely: ${gaps.map((gap) => gap.what).join('; ')}`;
        await this.#telling.tell('freeze.incomplete', text, data);
      }
    }
    return {
      record: this.#journal.record,
      gaps,
      notes: [...this.#look.notes, ...this.#telling.problems],
      changed: this.#changed,
      sessionsEnded: this.#sessionsEnded,
      notCopied,
      durationMs,
    };
  }

  /** Does one item; what fails is a gap, and the next item is tried all the same. */
  async #change(
    item: FreezeItem,
    kind: FreezeGap['kind'],
    fact: string,
    work: () => Promise<{ event: string; text: string; source?: string } | undefined>,
  ): Promise<void> {
    const begunMs = performance.now();
    try {
      const done = await work();
      await this.#journal.note(item.name, { state: 'done', problem: undefined });
      if (done === undefined) return;
      this.#changed++;
      const { event, text, ...about } = done;
      const durationMs = Math.round(performance.now() - begunMs);
      await this.#telling.tell(event, text, { ...about, durationMs });
    } catch (error) {
      const { message, hint } = mayGoOn(error);
      await this.#journal.note(item.name, { problem: message });
      const source = item.kind === 'database' ? { source: item.source } : {};
      const remedy = hint ?? 'Put right what is in the way, and freeze again.';
      this.#gaps.push({ kind, ...source, what: `${fact}: ${message}`, remedy });
    }
  }

  #itemsOf<Kind extends FreezeItem['kind']>(...kinds: readonly Kind[]) {
    const { sources } = this.#request;
    return this.#journal.record.items.filter(
      (item): item is Extract<FreezeItem, { kind: Kind }> =>
        kinds.includes(item.kind as Kind) &&
        (item.sources.length === 0 || item.sources.some((each) => sources.includes(each))),
    );
  }

  /** Without those whose server was found out of reach already, and former places elsewhere, which are closed. */
  async #databases(): Promise<readonly FrozenDatabase[]> {
    const { sources, databases = sources } = this.#request;
    const away = this.#look.gaps
      .filter(({ kind }) => kind === 'server')
      .map(({ source }) => source);
    const found: FrozenDatabase[] = [];
    for (const item of this.#itemsOf('database')) {
      if (away.includes(item.source)) continue;
      if (!item.sources.some((each) => databases.includes(each))) continue;
      const isElsewhere = async () =>
        (await this.#desks.of(item.source)).systemId !== item.systemId;
      if (!item.isFormer || !(await isElsewhere())) found.push(item);
    }
    return found;
  }
}

/** Services that are stopped for no source's sake are named themselves. */
function subjectOf({ sources, items }: FreezeRecord): string {
  return (sources.length > 0 ? sources : items.map(({ name }) => name)).join(', ');
}

function sameGaps(one: readonly FreezeGap[], other: readonly FreezeGap[]): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
