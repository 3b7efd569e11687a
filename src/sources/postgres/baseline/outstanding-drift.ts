import { z } from 'zod';
import type { Progress } from '../../../core/index.ts';
import type { Repository } from '../../../repository/index.ts';
import {
  type Announcement,
  isAcknowledged,
  listAnnouncements,
  quietUntil,
} from './announcements.ts';
import type { BaselineRecord } from './baseline-record.ts';
import { type Drift, type DriftLimits, driftSchema, tableNameOf } from './drift.ts';
import { judgeDrift } from './judge-drift.ts';
import { judgedSpanMs } from './judge-table.ts';
import { rowsAreBack } from './rows-are-back.ts';
import { listBaselines, type StoredBaseline } from './stored-baselines.ts';

const driftKind = 'drift';
const recordSchema = z.object({
  format: z.literal(1),
  /** The baseline that shows it. */
  baseline: z.string(),
  drifts: z.array(driftSchema),
});

/** What was found and nobody has said was meant, newest first; of one table and kind the newest only. */
export async function outstandingDrift(
  repository: Repository,
  source: string,
): Promise<readonly Drift[]> {
  return outstanding(repository, source, await listAnnouncements(repository, source), () => false);
}

/** As `outstandingDrift`, without falls of tables whose rows are there again. `baselines`: the oldest first, the last one as it is now. */
export async function standingDrift(
  baselines: readonly BaselineRecord[],
  { repository, source, limits }: Omit<JudgeOptions, 'progress'>,
): Promise<readonly Drift[]> {
  const announcements = await listAnnouncements(repository, source);
  const isOver = (drift: Drift) => rowsAreBack(drift, baselines, limits);
  return outstanding(repository, source, announcements, isOver);
}

async function outstanding(
  repository: Repository,
  source: string,
  announcements: readonly Announcement[],
  isOver: (drift: Drift) => boolean,
): Promise<readonly Drift[]> {
  const records = await repository.records.list({ kind: driftKind, source });
  const found = new Map<string, Drift>();
  for (const { time, body } of records.toReversed()) {
    const parsed = recordSchema.safeParse(body);
    for (const drift of parsed.success ? parsed.data.drifts : []) {
      const key = keyOf(drift);
      if (found.has(key) || isAcknowledged(announcements, drift, time.getTime())) continue;
      // An older fall of the same table may stand still.
      if (isOver(drift)) continue;
      found.set(key, drift);
    }
  }
  return [...found.values()];
}

interface JudgeOptions {
  readonly repository: Repository;
  readonly source: string;
  readonly limits: DriftLimits;
  readonly progress: Progress;
}

/**
 * Judges the newest stored baseline, and records what is new. Resolves with that. What is outstanding already is told again only
 * when it became worse by as much, or when the rows were back meanwhile.
 */
export async function noteDrift(options: JudgeOptions): Promise<readonly Drift[]> {
  const { repository, source, progress } = options;
  const [newest] = (await listBaselines(repository, source, progress, new Date())).slice(-1);
  if (newest === undefined) return [];
  const before = (await baselinesBefore(newest.baseline, options)).filter(
    ({ id }) => id !== newest.id,
  );
  const drifts = await newDrift(newest.baseline, before, options);
  await recordDrift(newest.id, drifts, options);
  return drifts;
}

/** What its drift is judged by, oldest first. */
export function baselinesBefore(
  { time }: BaselineRecord,
  { repository, source, progress }: JudgeOptions,
): Promise<readonly StoredBaseline[]> {
  const since = new Date(Date.parse(time) - judgedSpanMs);
  return listBaselines(repository, source, progress, since);
}

/** What a baseline shows that is not outstanding already; it need not be stored. */
export async function newDrift(
  baseline: BaselineRecord,
  stored: readonly StoredBaseline[],
  { repository, source, limits }: JudgeOptions,
): Promise<readonly Drift[]> {
  const before = stored
    .map((each) => each.baseline)
    .filter(({ systemId }) => systemId === baseline.systemId);
  const announcements = await listAnnouncements(repository, source);
  const nowMs = Date.parse(baseline.time);
  const drifts = judgeDrift(baseline, before, limits, (where) =>
    quietUntil(announcements, where, nowMs),
  );
  if (drifts.length === 0) return [];
  const isOver = (drift: Drift) => rowsAreBack(drift, [...before, baseline], limits);
  const standing = await outstanding(repository, source, announcements, isOver);
  const known = new Map(standing.map((each) => [keyOf(each), each]));
  return drifts.filter((drift) => isNews(drift, known.get(keyOf(drift)), limits));
}

/** What a baseline that is stored nowhere shows, and is not outstanding already. Records nothing. */
export async function driftSince(
  baseline: BaselineRecord,
  options: JudgeOptions,
): Promise<readonly Drift[]> {
  return await newDrift(baseline, await baselinesBefore(baseline, options), options);
}

/** `baseline`: the id of the one that shows it. Durable when it resolves. */
export async function recordDrift(
  baseline: string,
  drifts: readonly Drift[],
  { repository, source }: JudgeOptions,
): Promise<void> {
  if (drifts.length === 0) return;
  const body = { format: 1, baseline, drifts };
  await repository.records.append({ kind: driftKind, source, body });
}

function isNews(drift: Drift, known: Drift | undefined, { dropAtMost }: DriftLimits): boolean {
  if (known === undefined) return true;
  const falls = drift.kind === 'rows' || drift.kind === 'size';
  return falls && known.to - drift.to > known.to * dropAtMost;
}

function keyOf(drift: Drift): string {
  return `${drift.kind} ${tableNameOf(drift)}`;
}
