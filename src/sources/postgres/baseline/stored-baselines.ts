import type { Progress } from '../../../core/index.ts';
import type { Repository } from '../../../repository/index.ts';
import { type BaselineRecord, parseBaseline } from './baseline-record.ts';

export const baselineKind = 'baseline';

export interface StoredBaseline {
  readonly id: string;
  readonly baseline: BaselineRecord;
}

/** The baselines of a source, oldest first; with `since`, those from then on and the last one before. Unreadable ones are told and
 * passed over. */
export async function listBaselines(
  repository: Repository,
  source: string,
  progress: Progress,
  since?: Date,
): Promise<readonly StoredBaseline[]> {
  const passOver = (what: string, why: string) =>
    progress({ type: 'warning', message: `${what} is passed over: ${why}` });
  const records = await repository.records.list({
    kind: baselineKind,
    source,
    ...(since ? { since } : {}),
    onDamaged: (name, problem) => passOver(`record ${name}`, problem),
  });
  const found: StoredBaseline[] = [];
  for (const record of records) {
    try {
      found.push({ id: record.id, baseline: parseBaseline(record) });
    } catch (error) {
      passOver('a baseline', (error as Error).message);
    }
  }
  return found.sort((a, b) => Date.parse(a.baseline.time) - Date.parse(b.baseline.time));
}

/** Durable when it resolves. */
export async function storeBaseline(
  repository: Repository,
  source: string,
  baseline: BaselineRecord,
): Promise<StoredBaseline> {
  const { id } = await repository.records.append({ kind: baselineKind, source, body: baseline });
  return { id, baseline };
}
