import { isLifeboatError } from '../../../core/index.ts';
import type { CatalogRecord } from '../backup-info.ts';
import type { BaselineRecord } from '../baseline/baseline-record.ts';
import { collectBaseline } from '../baseline/collect-baseline.ts';
import type { BackupPostgresOptions } from './backup-postgres.ts';
import type { ServerFacts } from './server-facts.ts';

export interface CatalogWork extends AsyncDisposable {
  /** Rejects only for mistakes of this program. */
  result(): Promise<{
    readonly catalog: CatalogRecord;
    /** Absent when nothing could be read. */
    readonly baseline?: BaselineRecord;
    readonly warnings: readonly string[];
  }>;
}

/**
 * Reads the relation map and the baseline beside the base backup. A backup without names is still a backup, so what cannot be read is a
 * warning. Disposal stops the work.
 */
export function collectBackupCatalog(
  options: Pick<BackupPostgresOptions, 'settings' | 'signal' | 'countBudgetMs'>,
  facts: ServerFacts,
): CatalogWork {
  const { settings, countBudgetMs } = options;
  const stop = new AbortController();
  const signals = [stop.signal, ...(options.signal ? [options.signal] : [])];
  const warnings: string[] = [];
  const work = collectBaseline(settings, 'backup', {
    signal: AbortSignal.any(signals),
    ...(countBudgetMs === undefined ? {} : { countBudgetMs }),
    onUnreadable: (database, error) => {
      warnings.push(`the names of database ${database} are not stored: ${error.message}`);
    },
  });
  const settled = work.then(
    (collected) => ({ ...collected, warnings }),
    (error: unknown) => {
      if (!isLifeboatError(error)) throw error;
      const catalog = {
        systemId: facts.systemId,
        timeline: 0,
        lsn: '0/0',
        time: new Date().toISOString(),
        databases: [],
      };
      return { catalog, warnings: [`the names of tables are not stored: ${error.message}`] };
    },
  );
  // Without a listener a failure before `result` is asked for would end the process.
  settled.catch(() => {});
  return {
    result: () => settled,
    async [Symbol.asyncDispose]() {
      stop.abort();
      await settled.catch(() => {});
    },
  };
}
