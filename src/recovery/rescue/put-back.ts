import type { Progress } from '../../core/index.ts';
import type { QuietMode } from './quiet-triggers.ts';
import { undecided, verdictsSql } from './row-verdicts.ts';
import type { Session } from './session.ts';
import { liveColumns, sameKey, stageColumns, type TableMatch } from './table-match.ts';

/** Rows in one INSERT: long enough to be fast, short enough to show progress. */
const rowsPerInsert = 20_000;

/**
 * Inserts the undecided staged rows. What another session put in the way meanwhile is skipped here and found by
 * `markOvertaken`. Returns the number of rows inserted.
 */
export async function insertRows(
  live: Session,
  match: TableMatch,
  wanted: number,
  mode: QuietMode,
  progress: Progress,
): Promise<number> {
  const task = `insert-${match.index}`;
  progress({ type: 'begin', task, title: `put rows back into ${match.display}` });
  const [last] = await live.rows<{ n: number }>(
    `select coalesce(max(n), 0)::float8 as n from ${match.stageSql}`,
  );
  // The server checks a foreign key at the end of the statement: rows of a table that references itself must go in together.
  const selfReference = match.live.foreignKeys.some((key) => key.parentOid === match.live.oid);
  const step = mode === 'owner' && selfReference ? (last?.n ?? 0) + 1 : rowsPerInsert;
  // ON CONFLICT cannot be used beside a constraint that is checked late; then a collision ends the rescue with an error.
  const onConflict = match.live.uniques.every((unique) => unique.immediate)
    ? 'on conflict do nothing'
    : '';
  let inserted = 0;
  for (let start = 0; start <= (last?.n ?? 0); start += step) {
    inserted += await live.run(
      `insert into ${match.liveSql} (${liveColumns(match)}) overriding system value
       select ${stageColumns(match, 's.')} from ${match.stageSql} s
       where s.n > ${start} and s.n <= ${start + step} and ${undecided(match.index)} ${onConflict}`,
    );
    progress({ type: 'progress', task, done: inserted, total: wanted, unit: 'rows' });
  }
  progress({ type: 'end', task, summary: `${inserted} rows` });
  return inserted;
}

/** How many undecided staged rows stand live exactly as staged, byte for byte. */
export async function countEqual(live: Session, match: TableMatch): Promise<number> {
  const sql = match.key
    ? `select count(*)::float8 as rows from ${match.stageSql} s
       join only ${match.liveSql} l on ${sameKey(match, match.key)}
       where ${undecided(match.index)} and ${equalRow(match)}`
    : `select coalesce(sum(least(w.wanted, l.now)), 0)::float8 as rows
       from (select md5(row(${stageColumns(match, 's.')})::text) as h, count(*) as wanted
             from ${match.stageSql} s where ${undecided(match.index)} group by 1) w
       join (select md5(row(${liveColumns(match)})::text) as h, count(*) as now
             from only ${match.liveSql} group by 1) l using (h)`;
  const [row] = await live.rows<{ rows: number }>(sql);
  return row?.rows ?? 0;
}

/** Gives the rows that were skipped by the insertion the verdict `overtaken`. Returns how many. */
export async function markOvertaken(live: Session, match: TableMatch): Promise<number> {
  if (!match.key) return 0;
  return await live.run(
    `insert into ${verdictsSql} select ${match.index}, s.n, 'overtaken', '' from ${match.stageSql} s
     where ${undecided(match.index)} and not exists (
       select from only ${match.liveSql} l where ${sameKey(match, match.key)} and ${equalRow(match)})`,
  );
}

/** The image operator compares datums byte by byte, for every type; the cast keeps the parser from comparing columns. */
function equalRow(match: TableMatch): string {
  const [live, staged] = [liveColumns(match, 'l.'), stageColumns(match, 's.')];
  return `row(${live})::record operator(pg_catalog.*=) row(${staged})::record`;
}
