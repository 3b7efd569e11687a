import { isLifeboatError, type Progress } from '../../../core/index.ts';
import type { Repository } from '../../../repository/index.ts';
import type { CatalogRecord } from '../backup-info.ts';
import { parseCatalogDocument } from '../base-backup/backup-document.ts';
import type { BaselineRecord } from './baseline-record.ts';
import type { Drift, DriftLimits } from './drift.ts';
import { baselinesBefore, newDrift, recordDrift } from './outstanding-drift.ts';
import { storeBaseline } from './stored-baselines.ts';
import { isWorthStoring, meansTheSame } from './worth-storing.ts';

const catalogKind = 'catalog';

/**
 * Stores of what the timer has seen what the last records do not tell: records are never removed, and a year has 35,000 rounds.
 * Drift is judged every time. Resolves with what is new of it.
 */
export async function recordOnTimer(options: {
  readonly repository: Repository;
  readonly source: string;
  readonly catalog: CatalogRecord;
  readonly baseline: BaselineRecord;
  readonly limits: DriftLimits;
  readonly progress: Progress;
}): Promise<readonly Drift[]> {
  const { repository, source, catalog, baseline, progress } = options;
  const last = await lastCatalog(repository, source);
  const isRenamed = last === undefined || !meansTheSame(last, catalog);
  if (isRenamed) await repository.records.append({ kind: catalogKind, source, body: catalog });
  const before = await baselinesBefore(baseline, options);
  const store = () => storeBaseline(repository, source, baseline);
  // Names and counts of one moment belong together.
  const first = isRenamed || isWorthStoring(baseline, before.at(-1)?.baseline);
  let stored = first ? await store() : undefined;
  try {
    const drifts = await newDrift(baseline, before, options);
    if (drifts.length > 0) {
      stored ??= await store();
      await recordDrift(stored.id, drifts, options);
    }
    return drifts;
  } catch (error) {
    // What was stored stays, whatever comes of this.
    if (!isLifeboatError(error)) throw error;
    progress({ type: 'warning', message: `the baseline was not judged: ${error.message}` });
    return [];
  }
}

/** Undefined when there is none that reads: the next one is stored then. */
async function lastCatalog(
  repository: Repository,
  source: string,
): Promise<CatalogRecord | undefined> {
  const since = new Date();
  const last = (await repository.records.list({ kind: catalogKind, source, since })).at(-1);
  if (last === undefined) return undefined;
  try {
    return parseCatalogDocument(Buffer.from(JSON.stringify(last.body)));
  } catch (error) {
    if (!isLifeboatError(error)) throw error;
    return undefined;
  }
}
