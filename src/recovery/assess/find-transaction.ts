import { isLifeboatError, LifeboatError, type Progress } from '../../core/index.ts';
import type { Repository } from '../../repository/index.ts';
import { type CatalogRecord, collectCatalog, type PostgresSource } from '../../sources/index.ts';
import { findLoss } from './find-loss.ts';
import type { LogRequest } from './log-windows.ts';
import type { LossSuspect } from './loss-report.ts';

/** The log of a source as this host knows it: the repository, and a spool where there is one. */
export async function logOf(
  opened: { readonly source: PostgresSource; readonly repository: Repository },
  options: { readonly signal?: AbortSignal; readonly progress?: Progress } = {},
): Promise<LogRequest> {
  const { source, repository } = opened;
  const { signal, progress } = options;
  const { spool } = await source.recovery({ repository, target: { kind: 'latest' } });
  const now = await namesNow(source, signal);
  return {
    repository,
    source: source.name,
    ...(spool ? { spool } : {}),
    catalogs: now ? [now] : [],
    ...(signal ? { signal } : {}),
    ...(progress ? { progress } : {}),
  };
}

/** A table that was rewritten since the last stored map lies in a file that only the server can name, if it still runs. */
async function namesNow(
  source: PostgresSource,
  signal: AbortSignal | undefined,
): Promise<CatalogRecord | undefined> {
  try {
    const options = { countRows: false, ...(signal ? { signal } : {}) };
    return await collectCatalog(source.settings.connection, options);
  } catch (error) {
    if (!isLifeboatError(error) || isLifeboatError(error, 'cancelled')) throw error;
    return undefined;
  }
}

/**
 * One transaction that destroyed something, by its xid (also one of its subtransactions) or the position of its commit.
 * Errors: `rescue.no-suspect`, and those of `findLoss`.
 */
export async function findTransaction(
  opened: { readonly source: PostgresSource; readonly repository: Repository },
  wanted: number | { readonly xid: number } | { readonly commitLsn: string },
  options: { readonly signal?: AbortSignal; readonly progress?: Progress } = {},
): Promise<LossSuspect> {
  const request = await logOf(opened, options);
  const byLsn = typeof wanted === 'object' && 'commitLsn' in wanted ? wanted.commitLsn : undefined;
  const xid = typeof wanted === 'number' ? wanted : 'xid' in wanted ? wanted.xid : undefined;
  const report = await findLoss({
    ...request,
    ...(xid === undefined ? { minRows: 1 } : { xid }),
  });
  const found = report.suspects.filter((each) => byLsn === undefined || each.commitLsn === byLsn);
  // Transaction ids come round again after 4 billion: the newest is meant.
  const [newest] = found.toSorted((a, b) => Date.parse(b.commitTime) - Date.parse(a.commitTime));
  if (newest) return newest;
  const span = report.searched.map(({ fromLsn, toLsn }) => `${fromLsn} to ${toLsn}`).join(', ');
  throw new LifeboatError(
    'rescue.no-suspect',
    `no transaction ${xid ?? `with its commit at ${byLsn}`} that destroyed anything is in the log (${span || 'which is empty'})`,
    {
      hint: 'List what the log holds with "lifeboat find-loss". A very recent transaction may not have arrived yet.',
    },
  );
}
