import { hostname } from 'node:os';
import {
  type IntegritySetting,
  lossObjectiveMs,
  type ProofsSetting,
  type SourceSetting,
} from '../../config/index.ts';
import type { FrozenSource } from '../../recovery/index.ts';
import { incompleteTag, isCheckpoint, isFlagged, type Snapshot } from '../../repository/index.ts';
import {
  type Drift,
  gapsBetween,
  judgePromise,
  kindTag,
  outstandingDrift,
  PostgresSource,
  type RecoveryGap,
  type RecoveryPromise,
  type RecoveryWindow,
  type Source,
  sourceTag,
} from '../../sources/index.ts';
import { parseSchedule } from '../schedule.ts';
import { type IntegrityStatus, integrityOverdue, integrityStatus } from './integrity-status.ts';
import { type LossObjective, lossObjective } from './loss-objective.ts';
import { type ProofStatus, proofStatus } from './proof-status.ts';
import type { SeenRepository } from './repository-status.ts';
import { type StreamStatus, streamStatus } from './stream-status.ts';
import { whyUnprotected } from './unprotected.ts';

export interface SourceStatus {
  readonly source: string;
  readonly kind: Source['kind'];
  readonly repository: string;
  /** It is a folder of this host, as far as its address says. */
  readonly isRepositoryHere: boolean;
  readonly snapshots: number;
  readonly lastBackup?: {
    readonly id: string;
    readonly time: Date;
    readonly ageMs: number;
    /** The host it was taken on, when that is another one. */
    readonly otherHost?: string;
    /** Something could not be read when it was taken. */
    readonly isIncomplete: boolean;
  };
  /** When the last backup should have been, if it is missing. */
  readonly overdueSince?: Date;
  /** Where something is promised and the repository opens. */
  readonly objective?: LossObjective;
  /** The newest, of sources with a log. */
  readonly window?: RecoveryWindow;
  /** Between its windows, as far as nobody gave the log up on purpose. */
  readonly gaps?: readonly RecoveryGap[];
  readonly promise?: RecoveryPromise;
  /** Of sources whose log this host streams, or did. */
  readonly stream?: StreamStatus;
  /** Of PostgreSQL sources. */
  readonly proofs?: ProofStatus;
  /** Of PostgreSQL sources whose live data was checked. */
  readonly integrity?: IntegrityStatus;
  /** When the live data should have been checked, if it was not. */
  readonly integrityOverdueSince?: Date;
  /** Of a database with backups: why they and its log do not protect it. */
  readonly unprotected?: string;
  readonly flagged: readonly FlaggedSnapshot[];
  /** What looks like a loss in its tables, and nobody has said was meant. */
  readonly drift: readonly Drift[];
  /** Why nothing is known: its repository does not open. */
  readonly problem?: string;
  /** Nobody can write to it: since when, and what still can. */
  readonly frozen?: FrozenSource;
  /** Snapshots with a time to come, which says nothing about when they were taken: a clock was wrong. */
  readonly future?: number;
}

export interface FlaggedSnapshot {
  readonly id: string;
  readonly time: Date;
  readonly reason: string;
}

/** A backup takes its time, and the machine may have been busy. */
const graceMs = 60 * 60_000;

export async function sourceStatus(
  source: Source,
  setting: SourceSetting,
  place: SeenRepository,
  options: {
    readonly now: Date;
    readonly stateFolder: string;
    /** How long any moment stays restorable. */
    readonly promiseMs?: number | undefined;
    readonly proofs: ProofsSetting;
    readonly integrity: IntegritySetting;
    readonly frozen?: FrozenSource | undefined;
    readonly signal?: AbortSignal;
  },
): Promise<SourceStatus> {
  const { now, stateFolder, promiseMs, frozen, signal } = options;
  // What was streamed once, before the archive was to do it alone, says nothing about now.
  const isArchived = setting.kind === 'postgres' && setting.archive?.only === true;
  const stream = isArchived ? undefined : await streamStatus(stateFolder, source.name, now);
  const tags = [kindTag(source.kind), sourceTag(source.name)];
  const own = place.snapshots.filter(
    (each) => tags.every((tag) => each.tags.includes(tag)) && !isCheckpoint(each),
  );
  // A clock that was ahead for a day must not make an old backup look fresh until that day has come.
  const latestMs = now.getTime() + graceMs;
  const last = own.find(({ time }) => time.getTime() <= latestMs);
  const future = own.filter(({ time }) => time.getTime() > latestMs).length;
  const overdueSince = overdue(setting.backup, source.name, last?.time, now);
  const window = own.length > 0 ? await windowOf(source, place, promiseMs, signal) : {};
  const isKnown = source instanceof PostgresSource && place.repository !== undefined;
  const unprotected =
    isKnown && last !== undefined
      ? whyUnprotected(setting, window.window, now.getTime() - last.time.getTime())
      : undefined;
  const objective =
    place.problem === undefined
      ? lossObjective({
          rpoMs: lossObjectiveMs(setting),
          lastBackup: last?.time,
          window: window.window,
          stream,
          now,
        })
      : undefined;
  const first = own.findLast(({ time }) => time.getTime() <= latestMs);
  return {
    source: source.name,
    kind: source.kind,
    repository: place.name,
    isRepositoryHere: !/^[a-z0-9]+:/.test(place.setting.location),
    snapshots: own.length,
    ...(last === undefined
      ? {}
      : {
          lastBackup: {
            id: last.id,
            time: last.time,
            ageMs: Math.max(0, now.getTime() - last.time.getTime()),
            isIncomplete: last.tags.includes(incompleteTag),
            ...(last.hostname === hostname() ? {} : { otherHost: last.hostname }),
          },
        }),
    ...(overdueSince === undefined ? {} : { overdueSince }),
    ...(place.problem === undefined ? {} : { problem: place.problem }),
    ...(future === 0 ? {} : { future }),
    ...(frozen === undefined ? {} : { frozen }),
    ...window,
    ...(objective === undefined ? {} : { objective }),
    ...(unprotected === undefined ? {} : { unprotected }),
    ...(await proofsOfSource(source, place, { ...options, ...window, since: first?.time })),
    ...(stream === undefined ? {} : { stream }),
    flagged: own.filter(isFlagged).map(describeFlagged),
    drift: await driftOf(source, place),
  };
}

async function driftOf(source: Source, { repository }: SeenRepository): Promise<readonly Drift[]> {
  if (source.kind !== 'postgres' || repository === undefined) return [];
  return await outstandingDrift(repository, source.name);
}

async function windowOf(
  source: Source,
  { repository }: SeenRepository,
  promiseMs: number | undefined,
  signal: AbortSignal | undefined,
): Promise<Pick<SourceStatus, 'window' | 'gaps' | 'promise'>> {
  if (!(source instanceof PostgresSource) || repository === undefined) return {};
  const { windows } = await source.points({
    repository,
    // What is damaged is for `check` to say.
    progress: () => {},
    ...(signal === undefined ? {} : { signal }),
  });
  const [window] = windows;
  if (window === undefined) return {};
  const gaps = gapsBetween(windows, promiseMs).filter(({ isExpected }) => !isExpected);
  const promise = promiseMs === undefined ? undefined : judgePromise(windows, promiseMs);
  return {
    window,
    ...(gaps.length > 0 ? { gaps } : {}),
    ...(promise === undefined ? {} : { promise }),
  };
}

async function proofsOfSource(
  { kind, name }: Source,
  { repository }: SeenRepository,
  known: {
    readonly now: Date;
    readonly proofs: ProofsSetting;
    readonly integrity: IntegritySetting;
    readonly window?: RecoveryWindow;
    readonly since: Date | undefined;
  },
): Promise<Pick<SourceStatus, 'proofs' | 'integrity' | 'integrityOverdueSince'>> {
  if (kind !== 'postgres' || repository === undefined) return {};
  const { now, proofs: setting, window, since } = known;
  const proofs = await proofStatus({ repository, source: name, setting, window, now });
  const integrity = await integrityStatus(repository, name, now);
  const overdueSince = integrityOverdue(known.integrity, name, integrity?.time ?? since, now);
  return {
    proofs,
    ...(integrity === undefined ? {} : { integrity }),
    ...(overdueSince === undefined ? {} : { integrityOverdueSince: overdueSince }),
  };
}

function overdue(
  backup: string | undefined,
  source: string,
  last: Date | undefined,
  now: Date,
): Date | undefined {
  if (backup === undefined || last === undefined) return undefined;
  const due = parseSchedule(backup, `sources.${source}.backup`).nextRun(last);
  if (due === null || due.getTime() + graceMs > now.getTime()) return undefined;
  return due;
}

function describeFlagged(snapshot: Snapshot): FlaggedSnapshot {
  const { id, time, summary } = snapshot;
  if (summary === undefined) return { id, time, reason: 'it differs much from those before' };
  const { filesTotal, filesNew, filesChanged, bytesTotal, bytesAdded } = summary;
  const share = (part: number, whole: number) => Math.round((100 * part) / Math.max(1, whole));
  return {
    id,
    time,
    reason: `${share(filesNew + filesChanged, filesTotal)} % of its files are new or changed, ${share(bytesAdded, bytesTotal)} % of its bytes new`,
  };
}
