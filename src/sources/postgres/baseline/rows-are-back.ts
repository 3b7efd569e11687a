import type { BaselineRecord } from './baseline-record.ts';
import type { Drift, DriftLimits } from './drift.ts';

/**
 * Whether what fell was there again at a later baseline, or is now: such a fall is over, and the next one is another. `baselines`: the oldest
 * first; the last one says along which timeline: what was counted along one that was given up is not there. Of what fell in another way
 * (`stale`, `deletions`) no count tells.
 */
export function rowsAreBack(
  drift: Drift,
  baselines: readonly BaselineRecord[],
  { dropAtMost }: Pick<DriftLimits, 'dropAtMost'>,
): boolean {
  const last = baselines.at(-1);
  return baselines.some((each) => {
    const { systemId, timeline, time } = each;
    if (systemId !== last?.systemId || timeline !== last.timeline) return false;
    if (Date.parse(time) <= Date.parse(drift.toTime)) return false;
    const seen = amountIn(each, drift);
    // Not as few rows as are never told: of a small table these may be all that it had.
    return seen !== undefined && drift.from - seen <= drift.from * dropAtMost;
  });
}

/** In the measure of the drift; undefined: not known. */
function amountIn({ databases }: BaselineRecord, drift: Drift): number | undefined {
  const { kind, database, schema, table } = drift;
  const found = databases
    .find(({ name }) => name === database)
    ?.tables.find((each) => each.schema === schema && each.name === table);
  if (found === undefined || found.isUnlogged) return undefined;
  if (kind === 'size') return found.bytes;
  // Of a table that is gone its own rows may have been estimated, too.
  if (kind === 'gone') return found.rows;
  return kind === 'rows' && found.rowsExact ? found.rows : undefined;
}
