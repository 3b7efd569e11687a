import { LifeboatError } from '../../core/index.ts';
import { undecided, verdictsSql } from './row-verdicts.ts';
import type { Session } from './session.ts';
import { quoteName, quoteQualified, quoteText } from './sql-text.ts';
import type { TableMatch } from './table-match.ts';
import type { ForeignKeyShape } from './table-shape.ts';

/** The foreign keys of a table that staged rows can be judged by. Errors: `rescue.unsupported` (temporal keys). */
function judgedKeys(match: TableMatch): readonly ForeignKeyShape[] {
  const known = new Set(match.columns.map((column) => column.live));
  const keys = match.live.foreignKeys.filter((key) => key.columns.every((name) => known.has(name)));
  const temporal = keys.find((key) => key.temporal);
  if (temporal) {
    throw new LifeboatError(
      'rescue.unsupported',
      `${match.display} has a temporal foreign key (${temporal.name})`,
      { hint: 'Open the moment before the accident with lifeboat open and copy the rows by hand.' },
    );
  }
  return keys;
}

/**
 * Finds staged rows whose parent neither stands live nor is put back with them. A row that stays away may orphan
 * others, so this repeats until nothing changes.
 */
export async function findOrphans(live: Session, matches: readonly TableMatch[]): Promise<void> {
  for (let found = true; found; ) {
    found = false;
    for (const match of matches) {
      for (const key of judgedKeys(match)) {
        const rows = await findOrphansOf(live, match, key, stagedParents(matches, key));
        if (rows > 0) found = true;
      }
    }
  }
}

/** In simple steps over analysed tables: in one statement the planner may compare every row with every other. */
async function findOrphansOf(
  live: Session,
  match: TableMatch,
  key: ForeignKeyShape,
  parents: readonly TableMatch[],
): Promise<number> {
  const name = stageName(match, 's');
  const columns = key.columns.map((column, position) => `${name(column)} as k${position}`);
  await live.run(
    `create temp table lifeboat_parentless on commit drop as select s.n, ${columns.join(', ')}
     from ${match.stageSql} s where ${undecided(match.index)} and ${hasReference(match, key)}
       and not exists (select from ${parentFrom(key)} p where ${pairs(key, name, liveName('p'))})`,
  );
  await live.run('analyze pg_temp.lifeboat_parentless');
  for (const parent of parents) {
    const child = (column: string) => `s.k${key.columns.indexOf(column)}`;
    await live.run(
      `delete from pg_temp.lifeboat_parentless s using ${parent.stageSql} q
       where ${pairs(key, child, stageName(parent, 'q'))} and ${undecided(parent.index, 'q')}`,
    );
  }
  const rows = await live.run(
    `insert into ${verdictsSql} select ${match.index}, s.n, 'orphan', ${quoteText(key.name)}
     from pg_temp.lifeboat_parentless s on conflict do nothing`,
  );
  await live.run('drop table pg_temp.lifeboat_parentless');
  return rows;
}

/**
 * Holds the live parents of the rows to be put back, as the server's own foreign-key check would: nobody can delete
 * them until we commit.
 */
export async function holdParents(live: Session, matches: readonly TableMatch[]): Promise<void> {
  for (const match of matches) {
    for (const key of judgedKeys(match)) {
      await live.run(
        `select count(*) from (select from ${parentFrom(key)} p where exists (
           select from ${match.stageSql} s where ${undecided(match.index)}
             and ${pairs(key, stageName(match, 's'), liveName('p'))}) for key share of p) held`,
      );
    }
  }
}

/** Rows put back whose parent does not stand. Must be zero before the commit. */
export async function countBrokenReferences(
  live: Session,
  matches: readonly TableMatch[],
): Promise<number> {
  let broken = 0;
  for (const match of matches) {
    for (const key of judgedKeys(match)) {
      const [row] = await live.rows<{ rows: number }>(
        `select count(*)::float8 as rows from ${match.stageSql} s
         where ${undecided(match.index)} and ${hasReference(match, key)} and not exists (
           select from ${parentFrom(key)} p where ${pairs(key, stageName(match, 's'), liveName('p'))})`,
      );
      broken += row?.rows ?? 0;
    }
  }
  return broken;
}

/** Staged tables that are the key's parent or a partition of it. */
export function stagedParents(
  matches: readonly TableMatch[],
  key: ForeignKeyShape,
): readonly TableMatch[] {
  return matches.filter(
    ({ live }) => live.oid === key.parentOid || live.ancestors.includes(key.parentOid),
  );
}

function parentFrom(key: ForeignKeyShape): string {
  return `${key.parentPartitioned ? '' : 'only '}${quoteQualified(key.parentSchema, key.parentName)}`;
}

type Naming = (column: string) => string;

function liveName(alias: string): Naming {
  return (column) => `${alias}.${quoteName(column)}`;
}

function stageName(match: TableMatch, alias: string): Naming {
  return (column) => `${alias}.${match.columns.find((each) => each.live === column)?.stage ?? 'n'}`;
}

function pairs(key: ForeignKeyShape, child: Naming, parent: Naming): string {
  return key.columns
    .map((column, position) => {
      const operator = `operator(${key.operators[position]})`;
      return `${parent(key.parentColumns[position] as string)} ${operator} ${child(column)}`;
    })
    .join(' and ');
}

/** MATCH SIMPLE: a NULL in any column means no reference. MATCH FULL: only when all are NULL. */
function hasReference(match: TableMatch, key: ForeignKeyShape): string {
  const name = stageName(match, 's');
  const filled = key.columns.map((column) => `${name(column)} is not null`);
  return `(${filled.join(key.matchFull ? ' or ' : ' and ')})`;
}
