import type { proofsOf } from '../../config/index.ts';
import { type Progress, silentProgress } from '../../core/index.ts';
import {
  incompleteTag,
  isFlagged,
  type Repository,
  type Snapshot,
} from '../../repository/index.ts';
import type { AnySource, PostgresSource } from '../../sources/index.ts';
import { isValid } from '../prove/coverage.ts';
import { listProofs } from '../prove/list-proofs.ts';
import type { StoredProof } from '../prove/proof.ts';
import type { RescueRecord } from '../rescue/rescue-plan.ts';
import { listServiceBaselines } from '../service-baseline/service-baseline-record.ts';
import type { MeasuredStep, ProofFacts, SnapshotFacts, SourceFacts } from './facts.ts';
import { formerSteps } from './former-steps.ts';

/** What of a source is stored: what it can be restored to, what was proven, and how long things took. */
export interface SourceStock
  extends Pick<SourceFacts, 'windows' | 'givenUp' | 'snapshots' | 'proofs'> {
  readonly measured: readonly MeasuredStep[];
  /** Of the services that write to it, the newest first. */
  readonly baselines: readonly KnownBaseline[];
}

/** What was recorded of services: names of variables alone. */
export interface KnownBaseline {
  /** Of the record. */
  readonly id: string;
  readonly time: string;
  readonly variables: Readonly<Record<string, readonly string[]>>;
}

export interface StockRequest {
  readonly source: AnySource;
  readonly repository: Repository;
  readonly validForMs: ReturnType<typeof proofsOf>['validForMs'];
  readonly now: Date;
  readonly signal?: AbortSignal;
  readonly progress?: Progress;
}

export async function sourceStock(request: StockRequest): Promise<SourceStock> {
  const { source, repository, now, validForMs } = request;
  const progress = request.progress ?? silentProgress;
  const all = await repository.snapshots({ progress });
  const known = new Map(all.map((each) => [each.id, each]));
  if (source.kind !== 'postgres') {
    const snapshots = await source.snapshots({ repository, progress });
    return {
      windows: [],
      snapshots: snapshots.map(filesSnapshot),
      proofs: [],
      measured: await formerSteps(repository),
      baselines: await baselines(source.name, repository),
    };
  }
  const points = await source.points({
    repository,
    progress,
    ...(request.signal ? { signal: request.signal } : {}),
  });
  const proofs = await listProofs(repository, source.name);
  return {
    windows: points.windows.map(windowFacts),
    ...(points.givenUp.length > 0 ? { givenUp: points.givenUp.map(windowFacts) } : {}),
    snapshots: points.snapshots
      .filter(({ isGivenUp }) => !isGivenUp)
      .map((each) => clusterSnapshot(each, known.get(each.id), proofs)),
    proofs: proofs.map((each) => proofFacts(each, isValid(each, validForMs, now))),
    measured: [...(await formerSteps(repository)), ...(await rescues(source, repository))],
    baselines: await baselines(source.name, repository),
  };
}

type Points = Awaited<ReturnType<PostgresSource['points']>>;

function windowFacts({ from, to, fromLsn, toLsn, timeline }: Points['windows'][number]) {
  return { from: from.toISOString(), to: to.toISOString(), fromLsn, toLsn, timeline };
}

function clusterSnapshot(
  { id, time, lsn, systemId, bytesTotal, damagedPages, serverVersion }: Points['snapshots'][number],
  snapshot: Snapshot | undefined,
  proofs: readonly StoredProof[],
): SnapshotFacts {
  const newest = proofs.find((each) => each.snapshot === id);
  return {
    id,
    time: time.toISOString(),
    bytes: bytesTotal,
    lsn,
    systemId,
    serverVersion,
    doubts: [
      ...(snapshot === undefined ? [] : doubtsOf(snapshot)),
      ...(damagedPages > 0 ? [`${damagedPages} pages were damaged in the source`] : []),
      ...(newest?.verdict === 'failed' ? [`proof ${newest.id.slice(0, 8)} of it failed`] : []),
    ],
    ...durationOf(snapshot),
  };
}

/** Files are as they were while they were read: what counts is when that was over. */
function filesSnapshot(snapshot: Snapshot): SnapshotFacts {
  const { id, time, summary } = snapshot;
  return {
    id,
    time: (summary?.backupEnd ?? time).toISOString(),
    bytes: summary?.bytesTotal ?? 0,
    doubts: doubtsOf(snapshot),
    ...durationOf(snapshot),
  };
}

function doubtsOf(snapshot: Snapshot): readonly string[] {
  return [
    ...(isFlagged(snapshot) ? ['it is flagged'] : []),
    ...(snapshot.tags.includes(incompleteTag) ? ['it is incomplete'] : []),
  ];
}

function durationOf(snapshot: Snapshot | undefined): Pick<SnapshotFacts, 'durationMs'> {
  const { backupStart, backupEnd } = snapshot?.summary ?? {};
  if (backupStart === undefined || backupEnd === undefined) return {};
  const durationMs = backupEnd.getTime() - backupStart.getTime();
  return durationMs > 0 ? { durationMs } : {};
}

function proofFacts(proof: StoredProof, isStillValid: boolean): ProofFacts {
  const { id, time, verdict, snapshot, fromLsn, fromTime, reachedLsn, reachedTime } = proof;
  return {
    id,
    time: time.toISOString(),
    verdict,
    isValid: isStillValid,
    ...(snapshot === undefined ? {} : { snapshot }),
    ...(fromLsn === undefined ? {} : { fromLsn }),
    ...(fromTime === undefined ? {} : { fromTime }),
    ...(reachedLsn === undefined ? {} : { reachedLsn }),
    ...(reachedTime === undefined ? {} : { reachedTime }),
    rtoMs: proof.rtoMs,
    phases: proof.phases,
  };
}

async function baselines(
  source: string,
  repository: Repository,
): Promise<readonly KnownBaseline[]> {
  const stored = await listServiceBaselines(repository, source);
  return stored.map(({ id, time, services }) => ({
    id,
    time: time.toISOString(),
    variables: Object.fromEntries(
      Object.entries(services).map(([name, { baseline }]) => [
        name,
        Object.keys(baseline.environment),
      ]),
    ),
  }));
}

/** The newest first. */
async function rescues(
  { name }: PostgresSource,
  repository: Repository,
): Promise<readonly MeasuredStep[]> {
  const records = await repository.records.list({ kind: 'rescue', source: name });
  const measured = records.flatMap(({ id, time, body }): readonly MeasuredStep[] => {
    const { phase, outcome } = body as Partial<RescueRecord>;
    if (phase !== 'done' || typeof outcome?.durationMs !== 'number') return [];
    const { durationMs, rowsPutBack } = outcome;
    return [
      {
        kind: 'rescue-rows',
        source: name,
        durationMs,
        time: time.toISOString(),
        where: `rescue ${id.slice(0, 8)}`,
        isPart: true,
        ...(rowsPutBack > 0 ? { amount: { of: 'rows', count: rowsPutBack } } : {}),
      },
    ];
  });
  return measured.toReversed();
}
