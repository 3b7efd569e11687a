import { randomBytes } from 'node:crypto';
import { isLifeboatError, LifeboatError, type Progress, steadyNow } from '../../core/index.ts';
import { within } from '../freeze/within.ts';
import type { Plan } from '../plan/plan.ts';
import type { Surroundings } from '../surroundings.ts';
import type { Tell } from '../timeline.ts';
import { requireMayLeaveOut } from './built-on.ts';
import { driveRun } from './drive-run.ts';
import type { Engine } from './engine/engine.ts';
import { type Holder, thisProcess } from './holder.ts';
import { isRecovered } from './is-recovered.ts';
import { Journal } from './journal.ts';
import { mayAllow, personOf, requireEnoughPeople } from './people.ts';
import { RepositoryCopies } from './repository-copies.ts';
import { happened, type RunContext, type StepKinds } from './run-context.ts';
import type { RunDesk } from './run-desk.ts';
import type { RunEvent } from './run-event.ts';
import { makeRunFolder } from './run-folder.ts';
import type { NoteBody } from './run-note.ts';
import { foldRun, mergeEntries, type RunState } from './run-state.ts';
import { isDrivenElsewhere, isEnded, stillDriven, takeRun } from './take-run.ts';
import { requireWayBack } from './way-back.ts';

export interface RecoveryRunsOptions {
  readonly surroundings: Surroundings;
  readonly engine: Engine;
  readonly kinds: StepKinds;
  /** Into the timeline of an incident. */
  readonly tell: (incident: string) => Tell;
  readonly desk: RunDesk;
  readonly progress: Progress;
  readonly onEvent: (event: RunEvent) => void;
  readonly signal: AbortSignal;
  /** Default: this process. */
  readonly holder?: Holder;
  /** Default: a clock that is not moved when somebody sets that of the host. */
  readonly now?: () => Date;
  /** Default 2 s. */
  readonly pollMs?: number;
}

export interface StartOptions {
  readonly declaredAt?: Date;
  readonly objectiveMs?: number;
}

export interface ResumeOptions {
  /** Name of the host that is gone. */
  readonly takeOver?: string;
  /** What was replaced is let go of now, not when its time has come. */
  readonly letGo?: true;
  /** Give it up instead. */
  readonly abort?: { readonly reason: string };
  /** Leave a step out, before anything else. */
  readonly skip?: { readonly step: string; readonly reason: string };
}

/** How long a repository may take to give up the locks of a host that is gone. */
const lockPatienceMs = 10_000;
/** How often repositories are asked, while a step runs, whether another host has taken over. */
const elsewhereMs = 30_000;

/** The runs that this host, its state and its repositories know of. */
export class RecoveryRuns {
  readonly #options: RecoveryRunsOptions;
  readonly #copies: RepositoryCopies;

  constructor(options: RecoveryRunsOptions) {
    const { surroundings, progress } = options;
    this.#options = options;
    this.#copies = new RepositoryCopies(
      Object.keys(surroundings.configuration.repositories),
      (name) => surroundings.repository(name),
      progress,
    );
  }

  /** Newest first. */
  async list(): Promise<readonly RunState[]> {
    const { engine } = this.#options;
    const ids = await engine.runs();
    const here = (await Promise.all(ids.map((run) => engine.entries(run)))).flat();
    const { entries } = await this.#copies.read();
    const byRun = Map.groupBy(mergeEntries(here, entries), ({ run }) => run);
    const states = [...byRun.values()].flatMap((own) => foldRun(own) ?? []);
    // A process that died as it ended the run would close its targets to other hosts for ever.
    const stored = new Set(entries.map(({ id }) => id));
    for (const state of states) {
      if (!isEnded(state) || stored.has(state.lastId)) continue;
      await this.#copies.complete(byRun.get(state.run) ?? []);
    }
    return states.sort((a, b) => (a.openedAt < b.openedAt ? 1 : -1));
  }

  /**
   * The run with this id, or the newest of this incident; when none is named the only one that is under way, else the only one that has not
   * ended. Errors: `usage.invalid`.
   */
  async find(wanted: string | undefined): Promise<RunState> {
    return findRun(await this.list(), wanted);
  }

  /** Begins a plan, and takes it to its end. Errors: `run.busy`, `plan.refused`, and those of `driveRun`. */
  async start(plan: Plan, { declaredAt, objectiveMs }: StartOptions = {}): Promise<RunState> {
    const { surroundings } = this.#options;
    requireLive(plan);
    this.#requireMayRun();
    requireEnoughPeople(surroundings.configuration.recovery, plan);
    // A kind that is not known would stop the run in the middle.
    for (const { kind } of plan.steps) await this.#options.kinds(kind);
    const targets = targetsOf(plan);
    const all = await this.list();
    const over = keptOf(all)
      .filter((each) => targetsOf(each.plan).some((target) => targets.includes(target)))
      .map((each) => each.run);
    const run = randomBytes(6).toString('hex');
    const opened = {
      type: 'opened' as const,
      plan,
      declaredAt: declaredAt?.toISOString() ?? plan.createdAt,
      ...(objectiveMs === undefined ? {} : { objectiveMs }),
      ...(over.length === 0 ? {} : { over }),
    };
    return await this.#drive(
      { run, epoch: 1, plan, isShared: false, givesUp: false, over },
      async (journal) => {
        await journal.write(opened);
      },
    );
  }

  /** Goes on exactly where it stands. Errors: `run.busy`, `record.invalid`, and those of `driveRun`. */
  async resume(wanted: string | undefined, options: ResumeOptions = {}): Promise<RunState> {
    const { engine } = this.#options;
    this.#requireMayRun();
    const all = await this.list();
    const found = findRun(all, wanted);
    if (options.skip) requireStep(found, options.skip.step);
    if (options.skip && !options.abort) requireMayLeaveOut(found, options.skip.step);
    if (isEnded(found)) {
      throw new LifeboatError('usage.invalid', `run ${found.run} has ended: it is ${found.phase}`, {
        hint: 'A new one is begun from a plan.',
      });
    }
    if (options.abort) requireWayBack(found, all);
    const { entries } = await this.#copies.read();
    // Where the state is shared, it knows whether the former process lives; else only a person does.
    const isShared = await engine.wrote(found.run, found.epoch);
    const { takeOver } = options;
    if (takeOver !== undefined && found.holder && takeOver !== found.holder.host) {
      const fact = `run ${found.run} was driven from ${found.holder.host}, not from ${takeOver}`;
      throw new LifeboatError('usage.invalid', fact, {
        hint: 'Name that host with --take-over, when it is gone for good.',
      });
    }
    if (!isShared && isDrivenElsewhere(found, takeOver)) {
      const { text, hint } = stillDriven(found);
      throw new LifeboatError('run.busy', text, { hint, context: { run: found.run } });
    }
    await engine.adopt(entries.filter(({ run }) => run === found.run));
    const { run, epoch, plan } = found;
    const givesUp = options.abort !== undefined || found.phase === 'aborting';
    const kept = keptOf(all).map((each) => each.run);
    const over = kept.filter((each) => each !== run);
    const place = { run, epoch: epoch + 1, plan, isShared, givesUp, over };
    return await this.#drive({ ...place, ...options });
  }

  /** Tells a run something, wherever it is driven. */
  async say(run: string, body: NoteBody): Promise<void> {
    const { engine, surroundings, now = steadyNow } = this.#options;
    const { actor, host } = surroundings;
    const id = randomBytes(8).toString('hex');
    const note = { format: 1 as const, run, id, time: now().toISOString(), actor, host, body };
    await engine.addNote(note);
    await this.#copies.store({ type: 'note', note });
  }

  #requireMayRun(): void {
    const { configuration, actor, host } = this.#options.surroundings;
    const person = personOf(configuration.recovery, actor, host);
    if (mayAllow(person, { authority: 'execute' })) return;
    throw new LifeboatError('approval.refused', `${person.name} may not run a recovery`, {
      hint: 'Somebody does who has the authority "execute" in `recovery.people` of lifeboat.yaml.',
    });
  }

  async #drive(
    place: ResumeOptions & {
      readonly run: string;
      readonly epoch: number;
      readonly plan: Plan;
      readonly isShared: boolean;
      readonly givesUp: boolean;
      readonly over: readonly string[];
    },
    begin?: (journal: Journal) => Promise<void>,
  ): Promise<RunState> {
    const { surroundings, engine, signal, now = steadyNow, pollMs = 2000 } = this.#options;
    const { kinds, tell, desk, progress, onEvent } = this.#options;
    const { actor, host, configuration } = surroundings;
    const { run, epoch, plan, takeOver, isShared, givesUp, over } = place;
    const targets = [...targetsOf(plan), `run ${run}`];
    const { holder = thisProcess(actor) } = this.#options;
    const copies = this.#copies;
    await using lease = await takeRun({
      engine,
      copies,
      run,
      epoch,
      targets,
      nameOf: (target) => nameOfTarget(plan, target),
      holder,
      now,
      isShared,
      givesUp,
      over,
      progress,
      signal,
      ...(takeOver === undefined ? {} : { takeOver }),
    });
    const entries = mergeEntries(await engine.entries(run));
    await copies.complete(entries);
    const journal = new Journal({ engine, copies, lease, actor, host, now }, entries);
    await begin?.(journal);
    const mayLack = !begin && !isShared ? { mayLack: true as const } : {};
    await journal.write({ type: 'taken', holder, targets, ...mayLack });
    if (!begin) await this.#freeLocks(takeOver);
    const folder = await makeRunFolder(configuration, run);
    const context: RunContext = {
      journal,
      lease,
      surroundings,
      kinds,
      me: personOf(configuration.recovery, actor, host),
      desk,
      tell: tell(plan.incident),
      progress,
      onEvent,
      folder,
      allRuns: () => this.list(),
      signal,
      stop: AbortSignal.any([signal, lease.signal]),
      now,
      isEarly: place.letGo ?? false,
      pollMs,
    };
    await happened(context, { type: begin ? 'opened' : 'resumed' });
    const watch = setInterval(() => void journal.lookElsewhere().catch(() => {}), elsewhereMs);
    try {
      return await driveRun(context, place);
    } finally {
      clearInterval(watch);
      await this.#catchUp();
    }
  }

  /**
   * Steps would wait for a lock whose host is gone, for up to half an hour, and fail; and one of a process of this host that was killed would be
   * in the way of other hosts when the run has ended. A repository that is silent is asked once more only for the sake of those steps.
   */
  async #freeLocks(goneHost: string | undefined): Promise<void> {
    const { surroundings, progress, signal } = this.#options;
    const { behind } = this.#copies;
    const names = Object.keys(surroundings.configuration.repositories);
    const whose = goneHost === undefined ? { onlyDead: true } : { goneHost };
    const free = async (name: string) => {
      const repository = await surroundings.repository(name);
      await repository.unlock({ ...whose, progress, signal });
    };
    const answering = names.filter((name) => goneHost !== undefined || !behind.includes(name));
    const freeing = answering.map(async (name) => {
      await within(lockPatienceMs, free(name)).catch((error) => {
        if (!isLifeboatError(error) || error.code === 'bug') throw error;
        const of = goneHost ?? 'processes that were killed';
        const message = `locks of ${of} may be left in repository ${name}: ${error.message}`;
        progress({ type: 'warning', message });
      });
    });
    await Promise.all(freeing);
  }

  /** What repositories missed is tried once more, and told. */
  async #catchUp(): Promise<void> {
    if (this.#copies.behind.length === 0) return;
    await this.#copies.store();
    const { behind } = this.#copies;
    if (behind.length === 0) return;
    this.#options.progress({
      type: 'warning',
      message: `the journal of the run is not whole in ${behind.join(', ')}`,
      hint: 'It is whole in the state of this host.',
    });
  }
}

/** Its steps ask for nothing, because they are to touch nothing that is in use: here they would. Errors: `plan.refused`. */
function requireLive({ mode, id, sources }: Plan): void {
  if (mode === 'live') return;
  throw new LifeboatError('plan.refused', `plan ${id} is a rehearsal, which is only to be read`, {
    hint: `Nothing was changed. A plan that is carried out is made without --drill: \`lifeboat recover ${sources[0] ?? ''}\`.`,
    context: { plan: id },
  });
}

function findRun(all: readonly RunState[], wanted: string | undefined): RunState {
  const known = all.filter(
    ({ run, plan }) => run === wanted || plan.incident === wanted || wanted === undefined,
  );
  const notEnded = known.filter((state) => !isEnded(state));
  const underWay = notEnded.filter((state) => !isRecovered(state));
  const open = underWay.length > 0 ? underWay : notEnded;
  const [found, other] = open.length > 0 ? open : known;
  if (found && (wanted !== undefined || open.length === 1 || !other)) return found;
  const names = open.map(({ run, plan }) => `${run} (incident ${plan.incident})`).join(', ');
  throw new LifeboatError(
    'usage.invalid',
    wanted === undefined
      ? open.length === 0
        ? 'there is no run'
        : `several runs have not ended: ${names}`
      : `there is no run or incident ${JSON.stringify(wanted)}`,
    {
      hint: 'See `lifeboat recover --status`; name one of its runs, or an incident that has one.',
    },
  );
}

/** Those that do nothing but keep what they replaced. */
function keptOf(all: readonly RunState[]): readonly RunState[] {
  return all.filter(isRecovered);
}

/** Errors: `usage.invalid`. */
export function requireStep({ plan, run }: RunState, id: string): void {
  if (plan.steps.some((each) => each.id === id)) return;
  throw new LifeboatError('usage.invalid', `run ${run} has no step ${JSON.stringify(id)}`, {
    hint: `Its steps are ${plan.steps.map((each) => each.id).join(', ')}.`,
  });
}

/** A fingerprint says nothing to people: the place, in the words of the plan. */
function nameOfTarget({ places }: Plan, target: string): string {
  return Object.values(places).find(({ fingerprint }) => fingerprint === target)?.text ?? target;
}

/** What no other run may change meanwhile: the sources by name, and the places by what they say of themselves. */
export function targetsOf({ sources, places }: Plan): readonly string[] {
  const all = [
    ...sources.map((name) => `source ${name}`),
    ...Object.values(places).map(({ fingerprint }) => fingerprint),
  ];
  return [...new Set(all)];
}
