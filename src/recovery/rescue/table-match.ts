import { LifeboatError } from '../../core/index.ts';
import type { DestroyedFile } from './destruction.ts';
import type { Session } from './session.ts';
import { displayName, quoteName, quoteQualified } from './sql-text.ts';
import { readTableShape, type TableShape, type UniqueShape } from './table-shape.ts';

/** A column that is copied from then to now. `stage` is its name in the staging table. */
export interface MatchedColumn {
  readonly stage: string;
  readonly past: string;
  readonly live: string;
  readonly liveNumber: number;
}

/** One destroyed table as it was just before the accident, and the same relation as it is now. */
export interface TableMatch {
  /** Number of the table in this rescue; part of the names of its temporary tables. */
  readonly index: number;
  readonly file: DestroyedFile;
  readonly past: TableShape;
  readonly live: TableShape;
  readonly columns: readonly MatchedColumn[];
  /** How a row of then is recognised among the rows of now; undefined: by all its columns. */
  readonly key: UniqueShape | undefined;
  readonly warnings: readonly string[];
  /** Quoted, for SQL. */
  readonly pastSql: string;
  readonly liveSql: string;
  readonly stageSql: string;
  /** For people: the name the table has now. */
  readonly display: string;
}

/**
 * Resolves the destroyed files to tables: by file on the past server, by oid on the live one (same cluster, so an
 * oid means the same table even when it was renamed). Errors: `rescue.unsupported`.
 */
export async function matchTables(
  past: Session,
  live: Session,
  files: readonly DestroyedFile[],
): Promise<readonly TableMatch[]> {
  const matches: TableMatch[] = [];
  for (const file of files) {
    const oid = file.relationOid ?? (await relationOfFile(past, file));
    if (oid === undefined) continue;
    const pastShape = await readTableShape(past, oid);
    // Catalogs, TOAST tables, sequences and indexes follow from what is done to tables.
    if (pastShape?.kind !== 'r' || pastShape.schema.startsWith('pg_')) continue;
    const liveShape = await readTableShape(live, oid);
    if (!liveShape) throw await goneError(live, pastShape);
    matches.push(matchTable(matches.length, file, pastShape, liveShape));
  }
  return Object.freeze(matches);
}

/** Undefined when the file belongs to nothing that existed then (the transaction made it itself). */
async function relationOfFile(past: Session, file: DestroyedFile): Promise<number | undefined> {
  const [row] = await past.rows<{ oid: number | null }>(
    `select pg_filenode_relation(case when dattablespace = $1::int8::oid then 0::oid else $1::int8::oid end,
       $2::int8::oid)::oid::int8::float8 as oid from pg_database where datname = current_database()`,
    [file.tablespaceOid, file.filenode],
  );
  return row?.oid ?? undefined;
}

export function matchTable(
  index: number,
  file: DestroyedFile,
  past: TableShape,
  live: TableShape,
): TableMatch {
  const display = displayName(live.schema, live.name);
  const warnings: string[] = [];
  const before = displayName(past.schema, past.name);
  if (before !== display) warnings.push(`${before} is called ${display} now`);
  const columns: MatchedColumn[] = [];
  const liveByNumber = new Map(live.columns.map((column) => [column.number, column]));
  for (const column of past.columns) {
    const now = liveByNumber.get(column.number);
    if (!now)
      warnings.push(
        `${display}: column ${quoteName(column.name)} no longer exists and is left out`,
      );
    if (!now || now.generated) continue;
    if (now.type !== column.type) {
      const change = `from ${column.type} to ${now.type}`;
      warnings.push(
        `${display}: column ${quoteName(now.name)} changed ${change}; values are converted`,
      );
    }
    columns.push({
      stage: `c${columns.length + 1}`,
      past: column.name,
      live: now.name,
      liveNumber: now.number,
    });
  }
  const known = new Set(columns.map((column) => column.liveNumber));
  for (const column of live.columns) {
    if (past.columns.some((then) => then.number === column.number) || column.generated) continue;
    warnings.push(`${display}: column ${quoteName(column.name)} is new and gets its default`);
  }
  const keys = live.uniques.filter(
    (unique) => unique.identifies && unique.columnNumbers.every((number) => known.has(number)),
  );
  const key = keys.find((unique) => unique.primary) ?? keys[0];
  if (!key) {
    warnings.push(
      `${display} has no primary key: a live row that is equal in every column counts as already there`,
    );
  }
  return Object.freeze({
    index,
    file,
    past,
    live,
    columns,
    key,
    warnings,
    pastSql: quoteQualified(past.schema, past.name),
    liveSql: quoteQualified(live.schema, live.name),
    stageSql: `pg_temp.lifeboat_rows_${index}`,
    display,
  });
}

async function goneError(live: Session, past: TableShape): Promise<LifeboatError> {
  const name = displayName(past.schema, past.name);
  const [other] = await live.rows<{ found: number }>(
    `select 1 as found from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = $1 and c.relname = $2`,
    [past.schema, past.name],
  );
  const fact = other
    ? `${name} was dropped since, and another table of that name was made`
    : `${name} no longer exists`;
  return new LifeboatError('rescue.unsupported', fact, {
    hint: 'Run lifeboat open at the moment before the accident and copy the table from there.',
    context: { table: name },
  });
}

/** `s.c1, s.c2`: the staged columns in order. */
export function stageColumns(match: TableMatch, alias = ''): string {
  return match.columns.map((column) => `${alias}${column.stage}`).join(', ');
}

export function liveColumns(match: TableMatch, alias = ''): string {
  return match.columns.map((column) => `${alias}${quoteName(column.live)}`).join(', ');
}

export function pastColumns(match: TableMatch): string {
  return match.columns.map((column) => quoteName(column.past)).join(', ');
}

/** The staged rows under the names the live table's columns have, with their number `lifeboat_n`. */
export function stageAsLive(match: TableMatch): string {
  const columns = match.columns.map((column) => `${column.stage} as ${quoteName(column.live)}`);
  return `(select n as lifeboat_n, ${columns.join(', ')} from ${match.stageSql}) as ${quoteName(match.live.name)}`;
}

/** `l` (live) and `s` (staged) have the same key. */
export function sameKey(match: TableMatch, key: UniqueShape): string {
  const pairs = key.columnNumbers.map((number, position) => {
    const column = match.columns.find((each) => each.liveNumber === number) as MatchedColumn;
    return `l.${quoteName(column.live)} operator(${key.operators[position]}) s.${column.stage}`;
  });
  return pairs.join(' and ');
}
