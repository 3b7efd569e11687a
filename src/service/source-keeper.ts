import type { Cron } from 'croner';
import { isLifeboatError, sleep } from '../core/index.ts';
import type { Repository, SnapshotId } from '../repository/index.ts';
import type { LogGap, Source, SourceLog, StreamState } from '../sources/index.ts';
import { alarmOf } from './alarm.ts';
import { ArchiveOutcomes } from './archive-outcomes.ts';
import type { RepositoryKeeper } from './repository-keeper.ts';
import { RetryDelay } from './retry-delay.ts';
import { runOnSchedule } from './schedule.ts';
import type { ServiceEvent } from './service-event.ts';
import { StreamNews } from './stream-news.ts';
import { noteNextTry } from './stream-note.ts';
import { untilAborted } from './until-aborted.ts';

const catalogIntervalMs = 15 * 60_000;
const streamPatienceMs = 30_000;
/** Another program may be pruning. */
const lockWaitMs = 60 * 60_000;

interface Other {
  readonly name: string;
  readonly opening: Pick<RepositoryKeeper['opening'], 'now'>;
  backedUp(source: string): void;
}

interface Options {
  readonly source: Source;
  readonly repository: Repository;
  /** Its turns, and what is to be done after a backup. */
  readonly place: Pick<RepositoryKeeper, 'turns' | 'backedUp'>;
  /** Records what belongs to a backup that was just stored. Must not reject. */
  readonly recordServices?: (snapshot: SnapshotId) => Promise<void>;
  /** Further repositories that backups go to. */
  readonly others?: readonly Other[];
  readonly schedule: Cron | undefined;
  readonly stateFolder: string;
  readonly signal: AbortSignal;
  readonly onEvent: (event: ServiceEvent) => void;
}

/** Keeps one source protected: its stream, its backups, its catalog records. */
export class SourceKeeper {
  readonly #options: Options;
  readonly #streaming = Promise.withResolvers<void>();
  /** The stream has brought something: from then on it can be seen where the log goes on. */
  readonly #received = Promise.withResolvers<void>();
  #isGapBackupWanted = false;
  #gapBackup: Promise<void> = Promise.resolve();
  /** Backups of a source run one after the other. */
  #backups: Promise<unknown> = Promise.resolve();

  constructor(options: Options) {
    this.#options = options;
  }

  /** Resolves after the signal aborted and everything has stopped. */
  async run(): Promise<void> {
    const { source, schedule, stateFolder, signal } = this.#options;
    const { log } = source;
    await Promise.all([
      this.#untilAborted('the first backup', () => this.#firstBackup()),
      ...(log
        ? [
            log.archive?.isAlone
              ? undefined
              : this.#untilAborted(
                  'streaming',
                  () => this.#stream(log),
                  (problem, delayMs) => noteNextTry(stateFolder, source.name, { problem, delayMs }),
                ),
            log.archive && this.#untilAborted('the archive', () => this.#archive(log.archive)),
            this.#untilAborted('the catalog', () => this.#recordCatalogs(log)),
          ]
        : []),
      schedule
        ? this.#untilAborted('the schedule', () => {
            this.#announceNext(schedule);
            return runOnSchedule(schedule, signal, async () => {
              await this.#backup('schedule').catch((error) =>
                this.#alarm(error, 'the next scheduled backup tries again'),
              );
              this.#announceNext(schedule);
            });
          })
        : undefined,
    ]);
    await this.#gapBackup;
    await this.#backups.catch(() => {});
  }

  /** Repeats `work` after failures, ever more slowly; ends when it resolves or the signal aborts. */
  async #untilAborted(
    what: string,
    work: () => Promise<void>,
    noteFailure?: (problem: string, delayMs: number) => Promise<void>,
  ): Promise<void> {
    const { signal } = this.#options;
    const delay = new RetryDelay();
    while (!signal.aborted) {
      try {
        await work();
        return;
      } catch (error) {
        if (signal.aborted) return;
        const delayMs = delay.next(performance.now());
        await noteFailure?.((error as Error).message, delayMs);
        this.#alarm(error, `${what} begins again in ${Math.round(delayMs / 1000)} s`);
        await sleep(delayMs, signal).catch(() => {});
      }
    }
  }

  async #stream(log: SourceLog): Promise<void> {
    const { source, repository, stateFolder, signal, onEvent } = this.#options;
    await using news = await StreamNews.begin(stateFolder, source.name, onEvent);
    const onState = (state: StreamState) => {
      if (state.phase === 'streaming') {
        this.#streaming.resolve();
        if (state.written) this.#received.resolve();
      }
      news.tell(state);
    };
    const progress = news.progress;
    const delay = new RetryDelay();
    while (!signal.aborted) {
      try {
        return await log.stream({ repository, signal, onState, progress });
      } catch (error) {
        if (signal.aborted || !isLifeboatError(error, 'postgres.slot-lost')) throw error;
        // What comes after the gap needs a base of its own; until then nothing later can be restored.
        this.#alarm(error, 'the slot is made anew and a new base backup begins at once');
        const gap = await log.renewStream({ repository, signal, lost: error });
        if (gap) this.#nameGap(gap, news.safeUntil);
        this.#backupAfterGap();
        await sleep(delay.next(performance.now()), signal);
      }
    }
  }

  #nameGap({ timeline, start, end }: LogGap, from: Date | undefined): void {
    const { source, onEvent } = this.#options;
    const to = new Date();
    const moments = from ? { from, to } : { to };
    onEvent({
      type: 'log-gap',
      source: source.name,
      timeline,
      fromLsn: start,
      toLsn: end,
      ...moments,
    });
  }

  #backupAfterGap(): void {
    if (this.#isGapBackupWanted) return;
    this.#isGapBackupWanted = true;
    this.#gapBackup = this.#untilAborted('the backup after the gap', async () => {
      await this.#backup('the log has a gap');
      this.#isGapBackupWanted = false;
    });
  }

  async #archive(archive: SourceLog['archive']): Promise<void> {
    const { source, repository, signal, onEvent } = this.#options;
    const outcomes = new ArchiveOutcomes(source.name, onEvent);
    onEvent({ type: 'archive', source: source.name });
    await archive?.serve({ repository, signal, onOutcome: (outcome) => outcomes.add(outcome) });
  }

  async #firstBackup(): Promise<void> {
    const { source, repository, signal } = this.#options;
    const { log } = source;
    const hasBackup = await source.hasBackup({ repository, signal });
    if (hasBackup) return log && (await this.#backupIfGap(log));
    if (!log) return void (await this.#backup('there is none yet'));
    // A slot that exists before the backup begins leaves no gap behind it. Without a stream the backup is still wanted.
    const patienceMs = log.archive?.isAlone ? 0 : streamPatienceMs;
    const patience = sleep(patienceMs, signal).catch(() => {});
    await Promise.race([this.#streaming.promise, patience]);
    await this.#backup('there is none yet');
  }

  /** A backup that was taken before there was a slot: the server may have removed the log between it and the stream. */
  async #backupIfGap(log: SourceLog): Promise<void> {
    const { repository, signal } = this.#options;
    await Promise.race([this.#received.promise, untilAborted(signal)]);
    if (signal.aborted || this.#isGapBackupWanted) return;
    // Twice, because a segment on its way from the spool to the repository can be in neither for a moment.
    const hasGap = () => log.hasGapAfterBackup({ repository, signal });
    if ((await hasGap()) && (await hasGap()))
      await this.#backup('the log has a gap after the last one');
  }

  #backup(reason: string): Promise<unknown> {
    const { source, repository, place, others = [], signal, onEvent } = this.#options;
    const alsoTo = others.map(({ name, opening }) => ({ name, open: () => opening.now() }));
    const run = async () => {
      if (signal.aborted) return;
      onEvent({ type: 'backup-started', source: source.name, reason });
      const summary = await source.backup({
        repository,
        signal,
        lockWaitMs,
        ...(alsoTo.length > 0 ? { alsoTo } : {}),
      });
      onEvent({ type: 'backup', ...summary });
      const { snapshot, flagged = [] } = summary;
      await this.#options.recordServices?.(snapshot);
      if (flagged.length > 0) {
        onEvent({ type: 'flagged', source: source.name, snapshot, reasons: flagged });
      }
      if (summary.drift) onEvent({ type: 'drift', source: source.name, drift: summary.drift });
      place.backedUp(source.name);
      for (const each of summary.elsewhere ?? []) {
        if ('snapshot' in each) {
          others.find(({ name }) => name === each.repository)?.backedUp(source.name);
        }
      }
    };
    const inTurn = () => place.turns.shared(`backup of ${source.name}`, run);
    const result = this.#backups.then(inTurn, inTurn);
    this.#backups = result;
    return result;
  }

  async #recordCatalogs(log: SourceLog): Promise<void> {
    const { source, repository, signal, onEvent } = this.#options;
    for (;;) {
      const { databases, drift } = await log.recordCatalog({ repository, signal });
      onEvent({ type: 'catalog', source: source.name, databases });
      if (drift.length > 0) onEvent({ type: 'drift', source: source.name, drift });
      await sleep(catalogIntervalMs, signal);
    }
  }

  #announceNext(schedule: Cron): void {
    const time = schedule.nextRun();
    if (time)
      this.#options.onEvent({ type: 'next-backup', source: this.#options.source.name, time });
  }

  #alarm(thrown: unknown, action: string): void {
    const { source, signal, onEvent } = this.#options;
    if (!signal.aborted) onEvent(alarmOf({ source: source.name }, thrown, action));
  }
}
