import { undecided, verdictsSql } from './row-verdicts.ts';
import type { Session } from './session.ts';
import { quoteName, sameAsText } from './sql-text.ts';
import { copyRows } from './stage-rows.ts';
import { liveColumns, pastColumns, sameKey, stageColumns, type TableMatch } from './table-match.ts';

/** Decides which staged rows stand in the live table already: equal (`present`) or under other values (`changed`). */
export async function findPresent(past: Session, live: Session, match: TableMatch): Promise<void> {
  if (match.key) await findByKey(live, match);
  else await findByWholeRow(past, live, match);
  await live.run(`analyze ${verdictsSql}`);
}

async function findByKey(live: Session, match: TableMatch): Promise<void> {
  if (!match.key) return;
  const same = match.columns.map((column) =>
    sameAsText(`l.${quoteName(column.live)}`, `s.${column.stage}`),
  );
  await live.run(
    `insert into ${verdictsSql} select ${match.index}, s.n,
       case when ${same.join(' and ')} then 'present' else 'changed' end, ''
     from ${match.stageSql} s join only ${match.liveSql} l on ${sameKey(match, match.key)}
     where ${undecided(match.index)} on conflict do nothing`,
  );
}

/**
 * Without a key only numbers can be compared: of each distinct row the past held `total`, the transaction destroyed
 * `gone`, and `now` stand live. What exceeds the survivors is there already (put back before, or written since).
 */
async function findByWholeRow(past: Session, live: Session, match: TableMatch): Promise<void> {
  const totals = `lifeboat_totals_${match.index}`;
  await live.run(`create temp table ${totals} (h text, total int8) on commit drop`);
  const hash = (columns: string) => `md5(row(${columns})::text)`;
  const group = `select ${hash(pastColumns(match))}, count(*) from only ${match.pastSql} group by 1`;
  await copyRows(past, live, [group], `copy pg_temp.${totals} from stdin`);
  await live.run(
    `insert into ${verdictsSql}
     select ${match.index}, g.n, 'present', '' from (
       select s.n, h, row_number() over (partition by h order by s.n) as place, count(*) over (partition by h) as gone
       from (select n, ${hash(stageColumns(match))} as h from ${match.stageSql}) s) g
     join pg_temp.${totals} p using (h)
     join (select ${hash(liveColumns(match))} as h, count(*) as now from only ${match.liveSql} group by 1) l using (h)
     where g.place <= l.now - (p.total - g.gone) on conflict do nothing`,
  );
}
