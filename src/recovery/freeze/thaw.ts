import { formatDuration } from '../../core/index.ts';
import { awaitHealth } from './await-health.ts';
import { type FoundFreezes, findFreezes, pickFreeze } from './find-freezes.ts';
import { copyToRepositories, type RepositoryProblem } from './freeze-copies.ts';
import { holdsOf, withoutRun } from './freeze-holds.ts';
import { FreezeJournal } from './freeze-journal.ts';
import { lockFreezes } from './freeze-lock.ts';
import {
  type FreezeHold,
  type FreezeItem,
  type FreezeRecord,
  type FrozenDatabase,
  type FrozenService,
  isFrozen,
} from './freeze-record.ts';
import type { FreezeWorld } from './freeze-request.ts';
import { storeOf } from './freeze-store.ts';
import { FreezeTelling } from './freeze-telling.ts';
import { takeMaintenanceAway } from './maintenance.ts';
import { mayGoOn, requireItsPlace, requireService } from './may-go-on.ts';
import { mergeFreezes } from './merge-freezes.ts';
import { newRecord } from './new-record.ts';
import { reopenDatabase } from './postgres/alter-database.ts';
import { requireSameCluster } from './postgres/require-same-cluster.ts';
import { ServerDesks } from './postgres/server-desks.ts';
import { noteUnsent } from './unsent-records.ts';

export interface ThawRequest extends FreezeWorld {
  /** Default: the only freeze there is. */
  readonly freeze?: string | undefined;
  /** What services remember, where no record of a freeze is left: as `rememberedFreeze` has found it, and a person has seen it. */
  readonly remembered?: FreezeRecord | undefined;
  /** Default: all that are frozen. What is frozen for another source as well stays, and for a run what somebody else wants frozen. */
  readonly sources?: readonly string[];
  /** Of a run that is undone: what was frozen by hand before it, and stays so. */
  readonly before?: readonly FreezeHold[];
  /** Items, by name, that are given up as they are. */
  readonly leave?: readonly string[];
  /** What stays frozen, and stays in the record: a later thaw may put it back. */
  readonly keeps?: (item: FreezeItem) => boolean;
  /** Sources that are in use at another place by now: what is kept of them is their former one. */
  readonly former?: readonly string[];
}

export interface ThawOutcome {
  readonly record: FreezeRecord;
  readonly thawed: readonly string[];
  /** What could not be thawed; the record is kept until all is. */
  readonly failures: readonly ThawFailure[];
  /** Who, by hand or in another run, still wants sources frozen that this thaw was asked for. */
  readonly stands: readonly FreezeHold[];
  readonly notes: readonly string[];
  readonly notCopied: readonly RepositoryProblem[];
  readonly durationMs: number;
}

export interface ThawFailure {
  readonly item: string;
  readonly problem: string;
  readonly remedy: string;
}

/** The items that a thaw of these sources puts back, in order; what is frozen for another source as well is not among them. */
export function itemsToThaw(
  record: FreezeRecord,
  serviceOrder: readonly string[],
  sources: readonly string[] = record.sources,
): readonly FreezeItem[] {
  const others = record.sources.filter((each) => !sources.includes(each));
  const rank = (item: FreezeItem) => {
    if (item.kind === 'database') return -1;
    return item.kind === 'service' ? serviceOrder.indexOf(item.service) : serviceOrder.length;
  };
  return record.items
    .filter((item) => isFrozen(item) && !item.sources.some((each) => others.includes(each)))
    .sort((one, other) => rank(one) - rank(other));
}

/**
 * Puts back what a freeze changed, and only that, in the opposite order: databases, services each after those it needs, the maintenance
 * page last and only when all else is back. Repeated, it goes on with what is left. One that fails does not keep the others. Errors:
 * `thaw.nothing`, `usage.invalid`, `run.busy`, `disk.full`, `file.unreadable`, `cancelled`.
 */
export async function thaw(request: ThawRequest): Promise<ThawOutcome> {
  const begunMs = performance.now();
  const { configuration } = request.surroundings;
  using _lock = await lockFreezes(configuration.stateFolder);
  await using desks = new ServerDesks(request);
  const found = request.remembered ? undefined : await findFreezes(request, request.freeze);
  await retireThawed(request, found);
  const picked = request.remembered ?? pickFreeze(found as FoundFreezes, request.freeze);
  // That of another host goes on here under a name of this one: a record is written by one host only.
  const isOther = found?.from === 'repositories';
  const record = isOther ? takenOver(picked, request) : picked;
  const journal = new FreezeJournal(storeOf(request), record);
  const telling = new FreezeTelling(request);
  // It comes here first: a second thaw goes on with what this one has done.
  // Which is a former place is known should this process die in the middle.
  await journal.save({ phase: 'thawing', items: record.items.map((each) => kept(each, request)) });
  const what = isOther ? `${picked.id} of the host ${picked.host}, as ${record.id}` : record.id;
  await telling.tell('thaw.begun', `began to thaw the freeze ${what}`, { freeze: record.id });
  const failures: ThawFailure[] = [];
  const notes: string[] = [...heldElsewhere(picked, found)];
  const thawed: string[] = [];
  const order = configuration.services.map(({ name }) => name);
  const undo = new Undoing(request, desks);
  const free = freeSources(request, record);
  const isKept = keptBy(request, record);
  for (const item of itemsToThaw(record, order, free)) {
    if (isKept(item)) continue;
    if (request.leave?.includes(item.name)) {
      await journal.note(item.name, { state: 'left', problem: undefined });
      notes.push(`${item.name} is left as it is`);
      await telling.tell('thaw.left', `left ${item.name} as it is`);
      continue;
    }
    const itemBegunMs = performance.now();
    try {
      if (item.kind.startsWith('maintenance') && failures.length > 0) {
        const problem = 'it stays until all else is thawed';
        failures.push({ item: item.name, problem, remedy: 'Run thaw again.' });
        continue;
      }
      notes.push(...(await undo.item(item)));
      await journal.note(item.name, { state: 'undone', problem: undefined });
      thawed.push(item.name);
      const durationMs = Math.round(performance.now() - itemBegunMs);
      await telling.tell('thaw.item', `thawed ${item.name}`, { ...sourceOf(item), durationMs });
    } catch (error) {
      const { message, hint } = mayGoOn(error);
      await journal.note(item.name, { problem: message });
      const remedy = hint ?? 'Put right what is in the way, and run thaw again.';
      failures.push({ item: item.name, problem: message, remedy });
      await telling.tell('thaw.failed', `could not thaw ${item.name}: ${message}`, sourceOf(item));
    }
  }
  const notCopied = await finish(request, journal, free);
  for (const here of found?.here ?? []) {
    // From now on it is in the state folder under the name of the one that goes on with it.
    if (here.left === undefined && here.by.some(({ id }) => id === picked.id)) {
      await storeOf(request).retire(here.record.id);
    }
  }
  const durationMs = Math.round(performance.now() - begunMs);
  const isAll = journal.record.phase === 'thawed';
  const fact = isAll
    ? 'thawed all of it'
    : failures.length > 0
      ? 'not all is thawed'
      : 'thawed a part';
  const text = `${fact}: freeze ${record.id}, ${formatDuration(durationMs)}`;
  await telling.tell(failures.length > 0 ? 'thaw.incomplete' : 'thaw.complete', text, {
    freeze: record.id,
  });
  notes.push(...telling.problems);
  const stands = holdsOf(journal.record).filter(
    ({ source }) => (request.sources?.includes(source) ?? true) && !free.includes(source),
  );
  return { record: journal.record, thawed, failures, stands, notes, notCopied, durationMs };
}

function takenOver(picked: FreezeRecord, request: ThawRequest): FreezeRecord {
  const record = mergeFreezes(newRecord(request), [picked]);
  if (picked.holds !== undefined) return record;
  // Of a former version, which did not write down for whom it is: nor does this one know.
  const { holds: _, ...rest } = record;
  return rest;
}

/** What another host has gone on with, and thawed to its end: this host knew nothing of it. */
async function retireThawed(request: ThawRequest, found: FoundFreezes | undefined): Promise<void> {
  for (const { record, left, by } of found?.here ?? []) {
    if (left === undefined && by.length === 0) await storeOf(request).retire(record.id);
  }
}

/** What of the freezes of this host this thaw does not open, or cannot know. */
function heldElsewhere(record: FreezeRecord, found: FoundFreezes | undefined): readonly string[] {
  const heirs = (found?.here ?? []).flatMap(({ record: { id }, by }) =>
    by.filter((each) => each.id !== record.id).map((each) => ({ id, heir: each })),
  );
  return [
    ...heirs.map(
      ({ id, heir }) =>
        `the host ${heir.host} goes on with what the freeze ${id} of this host has stopped, for ${heir.sources.join(', ')}: \`lifeboat thaw --freeze ${heir.id}\` opens that`,
    ),
    ...(found?.from === 'here' ? found.problems : []).map(
      ({ repository, problem }) =>
        `the repository ${repository} could not be asked whether another host goes on with this freeze: ${problem}`,
    ),
  ];
}

/** Those that nobody else wants frozen. Somebody by hand opens what he names, whoever wanted it. */
function freeSources(request: ThawRequest, record: FreezeRecord): readonly string[] {
  const { run, sources = record.sources } = request;
  // Of a former version, where it is not known: it was this run that named them.
  if (run === undefined || record.holds === undefined) return sources;
  const stand = withoutRun(holdsOf(record), run, request.before).filter((each) => !each.isFormer);
  return sources.filter((source) => !stand.some((each) => each.source === source));
}

/** What is to stay as it is; of a run also the place that a source has left in another one, which may still go back there. */
function keptBy(
  { run, keeps }: ThawRequest,
  { holds = [] }: FreezeRecord,
): (item: FreezeItem) => boolean {
  const isOfOther = (item: FreezeItem) =>
    run !== undefined &&
    item.kind === 'database' &&
    item.isFormer === true &&
    holds.some((each) => each.isFormer && each.source === item.source) &&
    !holds.some((each) => each.isFormer && each.source === item.source && each.run === run);
  return (item) => isOfOther(item) || (keeps?.(item) ?? false);
}

/** `sources`: what is frozen from now on. What could not be thawed is held as before, until it is. */
function holdsAfter(
  { run, before, former = [], sources: asked }: ThawRequest,
  record: FreezeRecord,
  { free, sources }: { readonly free: readonly string[]; readonly sources: readonly string[] },
): readonly FreezeHold[] {
  const isLetGo = ({ source }: FreezeHold) =>
    run !== undefined && !free.includes(source) && (asked?.includes(source) ?? true);
  const holds = holdsOf(record);
  const kept = holds.filter((each) => !isLetGo(each));
  const letGo = withoutRun(holds.filter(isLetGo), run ?? '', before?.filter(isLetGo));
  return [...kept, ...letGo]
    .filter(({ source }) => sources.includes(source))
    .map((each) =>
      each.run === run && former.includes(each.source) ? { ...each, isFormer: true } : each,
    );
}

function kept(item: FreezeItem, { keeps, former = [] }: ThawRequest): FreezeItem {
  const isFormer = item.kind === 'database' && former.includes(item.source) && keeps?.(item);
  return isFormer ? { ...item, isFormer } : item;
}

/** What is frozen still decides for which sources the freeze goes on. */
async function finish(
  request: ThawRequest,
  journal: FreezeJournal,
  free: readonly string[],
): Promise<readonly RepositoryProblem[]> {
  const { items, sources: before } = journal.record;
  const left = items.filter(isFrozen);
  const isKept = keptBy(request, journal.record);
  const due = itemsToThaw(journal.record, [], free).filter((item) => !isKept(item));
  const goOn = [...due, ...left.filter(isKept)];
  const sources = before.filter(
    (each) => !free.includes(each) || goOn.some((item) => item.sources.includes(each)),
  );
  if (left.length === 0 && sources.length === 0) {
    const thawedAt = new Date().toISOString();
    const end = { phase: 'thawed', sources: [], holds: [], gaps: [], thawedAt } as const;
    // Noted first: killed behind the end nobody would come back here, and repositories would say "frozen" for ever.
    const { stateFolder, repositories } = request.surroundings.configuration;
    await noteUnsent(stateFolder, journal.next(end), Object.keys(repositories));
    await journal.save(end);
  } else {
    await journal.save({
      phase: due.length > 0 ? 'thawing' : 'frozen',
      sources,
      holds: holdsAfter(request, journal.record, { free, sources }),
    });
  }
  return await copyToRepositories(request, journal.record);
}

class Undoing {
  readonly #request: ThawRequest;
  readonly #desks: ServerDesks;

  constructor(request: ThawRequest, desks: ServerDesks) {
    this.#request = request;
    this.#desks = desks;
  }

  /** Resolves with what a person should know. */
  async item(item: FreezeItem): Promise<readonly string[]> {
    if (item.kind === 'database') return await this.#database(item);
    if (item.kind === 'service') return await this.#service(item);
    const note = await takeMaintenanceAway(this.#request, item);
    return note === undefined ? [] : [note];
  }

  async #database(item: FrozenDatabase): Promise<readonly string[]> {
    const desk = await this.#desks.of(item.source);
    requireSameCluster(item, desk);
    return await reopenDatabase(desk.session, item);
  }

  async #service(item: FrozenService): Promise<readonly string[]> {
    const { surroundings, platforms, signal, progress } = this.#request;
    const service = requireService(surroundings.configuration, item);
    const platform = platforms.of(service);
    const options = { ...(signal ? { signal } : {}), ...(progress ? { progress } : {}) };
    await requireItsPlace(platform, item, options);
    await platform.restore(service, item.former, options);
    if (item.former.status === 'stopped') {
      return [`the service ${service.name} was stopped before, and is`];
    }
    // What did not work before the freeze need not work now.
    if (item.former.status === 'running') await awaitHealth(service, this.#request);
    return [];
  }
}

function sourceOf(item: FreezeItem): { readonly source?: string } {
  return item.kind === 'database' ? { source: item.source } : {};
}
