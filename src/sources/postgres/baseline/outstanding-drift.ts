import { z } from 'zod';
import type { Progress } from '../../../core/index.ts';
import type { Repository } from '../../../repository/index.ts';
import {
  type Announcement,
  isAcknowledged,
  listAnnouncements,
  quietUntil,
} from './announcements.ts';
import { type Drift, type DriftLimits, driftSchema, tableNameOf } from './drift.ts';
import { judgeDrift } from './judge-drift.ts';
import { listBaselines } from './stored-baselines.ts';

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
  return outstanding(repository, source, await listAnnouncements(repository, source));
}

async function outstanding(
  repository: Repository,
  source: string,
  announcements: readonly Announcement[],
): Promise<readonly Drift[]> {
  const records = await repository.records.list({ kind: driftKind, source });
  const found = new Map<string, Drift>();
  for (const { time, body } of records.toReversed()) {
    const parsed = recordSchema.safeParse(body);
    for (const drift of parsed.success ? parsed.data.drifts : []) {
      const key = keyOf(drift);
      if (found.has(key) || isAcknowledged(announcements, drift, time.getTime())) continue;
      found.set(key, drift);
    }
  }
  return [...found.values()];
}

/**
 * Judges the newest baseline, and records what is new. Resolves with that. What is outstanding already is told again only when
 * it became worse by as much.
 */
export async function noteDrift(options: {
  readonly repository: Repository;
  readonly source: string;
  readonly limits: DriftLimits;
  readonly progress: Progress;
}): Promise<readonly Drift[]> {
  const { repository, source, limits, progress } = options;
  const all = await listBaselines(repository, source, progress);
  const stored = all.at(-1);
  if (stored === undefined) return [];
  const { baseline } = stored;
  const before = all
    .slice(0, -1)
    .map((each) => each.baseline)
    .filter(({ systemId }) => systemId === baseline.systemId);
  const announcements = await listAnnouncements(repository, source);
  const nowMs = Date.parse(baseline.time);
  const drifts = judgeDrift(baseline, before, limits, (where) =>
    quietUntil(announcements, where, nowMs),
  );
  if (drifts.length === 0) return [];
  const known = new Map(
    (await outstanding(repository, source, announcements)).map((each) => [keyOf(each), each]),
  );
  const fresh = drifts.filter((drift) => isNews(drift, known.get(keyOf(drift)), limits));
  if (fresh.length > 0) {
    const body = { format: 1, baseline: stored.id, drifts: fresh };
    await repository.records.append({ kind: driftKind, source, body });
  }
  return fresh;
}

function isNews(drift: Drift, known: Drift | undefined, { dropAtMost }: DriftLimits): boolean {
  if (known === undefined) return true;
  const falls = drift.kind === 'rows' || drift.kind === 'size';
  return falls && known.to - drift.to > known.to * dropAtMost;
}

function keyOf(drift: Drift): string {
  return `${drift.kind} ${tableNameOf(drift)}`;
}
