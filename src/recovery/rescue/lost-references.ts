import type { Progress } from '../../core/index.ts';
import type { Session } from './session.ts';
import { quoteName, quoteQualified, sameAsText } from './sql-text.ts';
import { copyRows, tupleSelects } from './stage-rows.ts';
import { type MatchedColumn, sameKey, stageColumns, type TableMatch } from './table-match.ts';

/** References that ON DELETE SET NULL or SET DEFAULT wiped in rows that the transaction did not delete. */
export interface LostReferences {
  readonly match: TableMatch;
  /** The columns that were wiped. */
  readonly columns: readonly MatchedColumn[];
  /** Rows of the table that the transaction updated and whose reference pointed somewhere. */
  readonly rows: number;
  /** Rows whose reference can be put back: the row is otherwise as it was, and the parent stands (or will). */
  readonly toPutBack: number;
  /** Rows whose reference is as it was. */
  readonly alreadyThere: number;
}

/** Stages the rows the accident updated and counts what can be put back exactly. */
export async function findLostReferences(
  past: Session,
  live: Session,
  matches: readonly TableMatch[],
  progress: Progress,
): Promise<readonly LostReferences[]> {
  const destroyed = matches.filter((each) => each.file.truncated || each.file.deleted.length > 0);
  const found: LostReferences[] = [];
  for (const match of matches) {
    const columns = await wipedColumns(live, match, destroyed);
    if (columns.length === 0 || match.file.updated.length === 0 || !match.key) continue;
    const task = `references-${match.index}`;
    progress({ type: 'begin', task, title: `read wiped references of ${match.display}` });
    const name = stageOf(match).replace('pg_temp.', '');
    await live.run(
      `create temp table ${name} on commit drop as select ${renamed(match)} from only ${match.liveSql} with no data`,
    );
    const target = `copy ${stageOf(match)} (${stageColumns(match)}) from stdin`;
    await copyRows(past, live, tupleSelects(match, match.file.updated), target);
    const pointing = columns.map((column) => `${column.stage} is not null`).join(' or ');
    await live.run(`delete from ${stageOf(match)} where not (${pointing})`);
    await live.run(`analyze ${stageOf(match)}`);
    const [counts] = await live.rows<{ rows: number; exact: number; there: number }>(
      `select count(*)::float8 as rows,
         count(*) filter (where ${wipedOnly(match, columns)})::float8 as exact,
         count(*) filter (where ${sameColumns(columns)})::float8 as there
       from ${stageOf(match)} s left join only ${match.liveSql} l on ${sameKey(match, match.key)}`,
    );
    const { rows = 0, exact = 0, there = 0 } = counts ?? {};
    if (rows > 0) found.push({ match, columns, rows, toPutBack: exact, alreadyThere: there });
    progress({ type: 'end', task, summary: `${rows} rows` });
  }
  return found;
}

/** Puts the references back; a row that changed in the meantime is left alone. Returns the rows updated. */
export async function putReferencesBack(live: Session, lost: LostReferences): Promise<number> {
  const { match, columns } = lost;
  if (!match.key) return 0;
  const set = columns.map((column) => `${quoteName(column.live)} = s.${column.stage}`).join(', ');
  const parents = match.live.foreignKeys
    .filter((key) => key.columns.some((name) => columns.some((column) => column.live === name)))
    .map((key) => {
      const child = (name: string) =>
        `s.${match.columns.find((each) => each.live === name)?.stage}`;
      const nulls = key.columns.map((name) => `${child(name)} is null`).join(' or ');
      const pairs = key.parentColumns.map(
        (name, position) =>
          `p.${quoteName(name)} operator(${key.operators[position]}) ${child(key.columns[position] as string)}`,
      );
      const parent = quoteQualified(key.parentSchema, key.parentName);
      return `and (${nulls} or exists (select from ${parent} p where ${pairs.join(' and ')}))`;
    });
  return await live.run(
    `update only ${match.liveSql} l set ${set} from ${stageOf(match)} s
     where ${sameKey(match, match.key)} and ${wipedOnly(match, columns)} ${parents.join(' ')}`,
  );
}

/** SET NULL and SET DEFAULT columns whose parent table lost rows. */
async function wipedColumns(
  live: Session,
  match: TableMatch,
  destroyed: readonly TableMatch[],
): Promise<readonly MatchedColumn[]> {
  const parents = destroyed.flatMap((each) => [each.live.oid, ...each.live.ancestors]);
  // Since 15 a key may name the columns to wipe; older servers wipe all of them.
  const rows = await live.rows<{ number: number }>(
    `select distinct u.num::int4 as number from pg_constraint k,
       unnest(coalesce((select array_agg(e::text::int2) from jsonb_array_elements(
         nullif(to_jsonb(k) -> 'confdelsetcols', 'null'::jsonb)) e), k.conkey)) u(num)
     where k.conrelid = $1::int8::oid and k.contype = 'f' and k.confdeltype in ('n', 'd')
       and k.confrelid = any ($2::int8[]::oid[])`,
    [match.live.oid, parents],
  );
  const numbers = new Set(rows.map((row) => row.number));
  return match.columns.filter((column) => numbers.has(column.liveNumber));
}

function stageOf(match: TableMatch): string {
  return `pg_temp.lifeboat_references_${match.index}`;
}

function renamed(match: TableMatch): string {
  return match.columns.map((column) => `${quoteName(column.live)} as ${column.stage}`).join(', ');
}

function sameColumns(columns: readonly MatchedColumn[]): string {
  return columns.map(sameColumn).join(' and ');
}

function sameColumn(column: MatchedColumn): string {
  return sameAsText(`l.${quoteName(column.live)}`, `s.${column.stage}`);
}

/** The live row differs from what it was in nothing but wiped references, and in at least one of them. */
function wipedOnly(match: TableMatch, columns: readonly MatchedColumn[]): string {
  const others = match.columns.filter((column) => !columns.includes(column));
  const wiped = columns.map(
    (column) => `(l.${quoteName(column.live)} is null or ${sameColumn(column)})`,
  );
  return [...others.map(sameColumn), ...wiped, `not (${sameColumns(columns)})`].join(' and ');
}
