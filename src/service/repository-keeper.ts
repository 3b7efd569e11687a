import { LifeboatError } from '../core/index.ts';
import type { Repository } from '../repository/index.ts';
import { logsNeededFrom } from '../sources/index.ts';
import { type Activity, noteActivity } from './activity.ts';
import { alarmOf } from './alarm.ts';
import { copyBetween } from './copy-between.ts';
import { forgetOf } from './forget-of.ts';
import { type KeptSource, promisesOf } from './kept-sources.ts';
import { RepositoryOpening } from './repository-opening.ts';
import { RepositoryTurns } from './repository-turns.ts';
import { parseSchedule, runOnSchedule } from './schedule.ts';
import type { ServiceEvent } from './service-event.ts';
import { untilAborted } from './until-aborted.ts';

/** Others may hold a lock for a while: a check by hand, a prune of another host. */
const lockWaitMs = 30 * 60_000;
/** What is exclusive holds up the backups of this process while it waits; there is always another time for it. */
const exclusiveWaitMs = 5 * 60_000;

export interface RepositoryKeeperOptions {
  readonly name: string;
  readonly open: () => Promise<Repository>;
  readonly sources: readonly KeptSource[];
  /** Cron expressions. */
  readonly prune?: string | undefined;
  readonly check?: string | undefined;
  readonly checkData?: 'all' | number | undefined;
  readonly copySchedule?: string | undefined;
  readonly stateFolder: string;
  readonly signal: AbortSignal;
  readonly onEvent: (event: ServiceEvent) => void;
}

/** Keeps one repository in order: what is forgotten, pruned, checked, and copied to it, one not in the way of the other. */
export class RepositoryKeeper {
  readonly name: string;
  readonly opening: RepositoryOpening;
  readonly turns: RepositoryTurns;
  /** The repository whose copy this one is. */
  from: RepositoryKeeper | undefined;
  readonly #options: RepositoryKeeperOptions;
  readonly #copies: RepositoryKeeper[] = [];
  #copying: Promise<unknown> = Promise.resolve();
  /** Under way; each removes itself. */
  readonly #work = new Set<Promise<void>>();
  /** Asked for and not begun: asking again changes nothing. */
  readonly #pending = new Set<string>();

  constructor(options: RepositoryKeeperOptions) {
    this.#options = options;
    this.name = options.name;
    this.opening = new RepositoryOpening(options.open);
    this.turns = new RepositoryTurns((task, waitsFor) =>
      options.onEvent({ type: 'waiting', repository: options.name, task, waitsFor }),
    );
  }

  /** Makes this one a copy of another. */
  copyFrom(from: RepositoryKeeper): void {
    this.from = from;
    if (this.#options.copySchedule === undefined) from.#copies.push(this);
  }

  /** Resolves after the signal aborted and everything has stopped. Errors: `config.invalid` (a schedule). */
  async run(): Promise<void> {
    const { prune, check, copySchedule, signal } = this.#options;
    // What came into the original while nobody copied.
    if (this.from && copySchedule === undefined) this.#begin('copy', () => this.copyNow());
    await Promise.all([
      this.#onSchedule('prune', prune, () => this.#prune()),
      this.#onSchedule('check', check, () => this.#check()),
      this.from && this.#onSchedule('copySchedule', copySchedule, () => this.copyNow()),
      untilAborted(signal),
    ]);
    while (this.#work.size > 0) await Promise.all(this.#work);
  }

  /** After a backup of a source into this repository: what its policy lets go, and then the copies. Does not wait for them. */
  backedUp(source: string): void {
    this.#begin(`forget ${source}`, () => this.#forget(source));
    this.#copyOnwards();
  }

  /** Brings here what the repository has that this one copies. One after the other: two at once would bring it twice. */
  copyNow(): Promise<void> {
    const copying = this.#copying.then(() => this.#copy());
    this.#copying = copying.catch(() => {});
    return copying;
  }

  async #copy(): Promise<void> {
    const { from } = this;
    const { signal, onEvent } = this.#options;
    if (from === undefined || signal.aborted) return;
    const task = `copy from ${from.name} to ${this.name}`;
    const [source, destination] = [await from.opening.now(), await this.opening.now()];
    const pair = [
      { name: from.name, repository: source },
      { name: this.name, repository: destination },
    ] as const;
    const report = await from.turns.shared(task, () =>
      this.turns.shared(task, () =>
        copyBetween(...pair, { signal, onEvent, lockWaitMs, sources: this.#options.sources }),
      ),
    );
    const isGood = report.problems.length === 0;
    await this.#note('copy', isGood, `${report.snapshots.length} new from ${from.name}`);
    if (!isGood) {
      const fact = `${report.problems.length} parts of ${from.name} could not be copied: ${report.problems[0]}`;
      this.#alarm(new LifeboatError('repository.damaged', fact), 'everything else was copied');
    }
    for (const { name } of this.#options.sources) await this.#forget(name);
    this.#copyOnwards();
  }

  #copyOnwards(): void {
    for (const each of this.#copies) each.#begin('copy', () => each.copyNow());
  }

  async #forget(source: string): Promise<void> {
    const { sources, signal, onEvent } = this.#options;
    const kept = sources.find(({ name }) => name === source);
    if (kept?.policy === undefined || signal.aborted) return;
    const { name, turns } = this;
    const place = { name, turns, repository: await this.opening.now() };
    await forgetOf(
      place,
      { ...kept, policy: kept.policy },
      { signal, onEvent, lockWaitMs: exclusiveWaitMs },
    );
  }

  async #prune(): Promise<void> {
    const { signal, onEvent } = this.#options;
    const repository = await this.opening.now();
    await this.turns.exclusive('prune', async () => {
      const promises = promisesOf(this.#options.sources);
      const logsNeeded = () => logsNeededFrom(repository, promises, signal);
      const report = await repository.prune({ logsNeeded, signal, lockWaitMs: exclusiveWaitMs });
      onEvent({ type: 'prune', repository: this.name, ...report });
      await this.#note('prune', true, `${report.filesRemoved} files removed`);
    });
  }

  async #check(): Promise<void> {
    const { signal, onEvent, checkData } = this.#options;
    const repository = await this.opening.now();
    await this.turns.shared('check', async () => {
      const readData = checkData === 'all' || (checkData !== undefined && { share: checkData });
      const report = await repository.check({ readData, signal, lockWaitMs });
      const errors = report.findings.filter(({ severity }) => severity === 'error');
      const { snapshots, bytesRead } = report;
      const counts = { errors: errors.length, hints: report.findings.length - errors.length };
      onEvent({ type: 'check', repository: this.name, ...counts, snapshots, bytesRead });
      await this.#note('check', errors.length === 0, `${errors.length} errors`);
      const [first] = errors;
      if (first === undefined) return;
      const fact = `the check found ${errors.length} errors; the first: ${first.kind} ${first.name}: ${first.problem}`;
      const hint = `Run \`lifeboat check -r ${this.name}\` to see all of them and what they affect.`;
      this.#alarm(new LifeboatError('repository.damaged', fact, { hint }), 'backups go on');
    });
  }

  async #onSchedule(
    task: 'prune' | 'check' | 'copySchedule',
    expression: string | undefined,
    work: () => Promise<void>,
  ): Promise<void> {
    if (expression === undefined) return;
    const { signal, onEvent } = this.#options;
    const what = task === 'copySchedule' ? 'copy' : task;
    const schedule = parseSchedule(expression, `repositories.${this.name}.${task}`);
    const announce = () => {
      const time = schedule.nextRun();
      if (time) onEvent({ type: 'next', repository: this.name, task: what, time });
    };
    announce();
    await runOnSchedule(schedule, signal, async () => {
      await this.#guarded(`the next scheduled ${what} tries again`, work);
      announce();
    }).catch((error: unknown) => {
      if (!signal.aborted) throw error;
    });
  }

  /** Does something soon, unless it is asked for already. */
  #begin(task: string, work: () => Promise<void>): void {
    if (this.#pending.has(task) || this.#options.signal.aborted) return;
    this.#pending.add(task);
    const running = this.#guarded('the next backup tries again', async () => {
      await Promise.resolve();
      this.#pending.delete(task);
      await work();
    }).finally(() => this.#work.delete(running));
    this.#work.add(running);
  }

  async #guarded(action: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#alarm(error, action);
    }
  }

  async #note(activity: Activity, isGood: boolean, result: string): Promise<void> {
    const note = { time: new Date(), isGood, result };
    const repository = await this.opening.now();
    await noteActivity(this.#options.stateFolder, repository, activity, note);
  }

  #alarm(error: unknown, action: string): void {
    const { signal, onEvent } = this.#options;
    if (!signal.aborted) onEvent(alarmOf({ repository: this.name }, error, action));
  }
}
