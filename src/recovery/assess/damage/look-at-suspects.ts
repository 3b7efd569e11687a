import type { Repository } from '../../../repository/index.ts';
import { type CatalogRecord, isAnnounced, listAnnouncements } from '../../../sources/index.ts';
import { parseLsn } from '../../../wal/index.ts';
import type { RescueRecord } from '../../rescue/rescue-plan.ts';
import { findLoss } from '../find-loss.ts';
import type { LogRequest } from '../log-windows.ts';
import type { LossSuspect } from '../loss-report.ts';
import type { PartWork } from './part-runner.ts';
import type { SuspectsFound } from './postgres-damage.ts';

/** What in the log may have destroyed data since a moment, without what was put back or meant, or is Lifeboat's own. Errors: those of `findLoss`. */
export async function lookAtSuspects(
  request: {
    readonly repository: Repository;
    readonly source: string;
    readonly spool?: LogRequest['spool'];
    readonly catalog?: CatalogRecord;
    readonly since: Date;
    /** End of the live server's log, where it is known. */
    readonly liveLsn?: string;
  },
  part: PartWork,
): Promise<SuspectsFound> {
  const { repository, source, since, spool, catalog } = request;
  const report = await findLoss({
    repository,
    source,
    since,
    ...(spool ? { spool } : {}),
    catalogs: catalog ? [catalog] : [],
    signal: part.signal,
    progress: part.progress,
  });
  part.gaps.push(
    ...report.notSearched.filter((each) => !isOlder(each) && !isNothing(each, request)),
  );
  const rescued = await rescuedCommits(repository, source);
  const announcements = await listAnnouncements(repository, source);
  const wasMeant = ({ tables, databases, commitTime }: LossSuspect) =>
    databases.length === 0 &&
    tables.length > 0 &&
    tables.every(({ database, schema, name }) =>
      isAnnounced(
        announcements,
        { database: database ?? '', schema: schema ?? '', table: name ?? '' },
        Date.parse(commitTime),
      ),
    );
  const isOwn = ({ own }: LossSuspect) => own !== undefined;
  const isRescued = ({ commitLsn }: LossSuspect) => rescued.has(commitLsn);
  const announced = report.suspects.filter((each) => !isRescued(each) && wasMeant(each));
  return {
    suspects: report.suspects.filter(
      (each) => !isOwn(each) && !isRescued(each) && !announced.includes(each),
    ),
    own: report.suspects.filter(isOwn).map(({ commitLsn }) => commitLsn),
    rescued: report.suspects.filter(isRescued).map(({ commitLsn }) => commitLsn),
    announced: announced.map(({ commitLsn }) => commitLsn),
    since: since.toISOString(),
    transactions: report.transactions,
  };
}

/** `since` was asked for: what lies before it is no gap. */
function isOlder(notSearched: string): boolean {
  return notSearched.endsWith('that --since starts from');
}

/** The log that is here goes as far as that of the server. */
function isNothing(notSearched: string, { liveLsn }: { readonly liveLsn?: string }): boolean {
  const behind = /^what the server wrote after ([0-9A-F]+\/[0-9A-F]+):/.exec(notSearched)?.[1];
  return behind !== undefined && liveLsn !== undefined && parseLsn(behind) >= parseLsn(liveLsn);
}

/** Commits whose rows a finished rescue has put back, every one of them. */
async function rescuedCommits(repository: Repository, source: string): Promise<Set<string>> {
  const records = await repository.records.list({ kind: 'rescue', source });
  return new Set(
    records.flatMap(({ body }) => {
      const { phase, plan, outcome } = body as RescueRecord;
      return phase === 'done' && outcome?.rowsInConflict === 0 ? [plan.commitLsn] : [];
    }),
  );
}
