import { isLifeboatError } from '../../core/index.ts';
import { undecided, verdictsSql } from './row-verdicts.ts';
import type { Session } from './session.ts';
import { quoteName, quoteText } from './sql-text.ts';
import { stageAsLive, type TableMatch } from './table-match.ts';
import type { UniqueShape } from './table-shape.ts';

/** Finds staged rows whose place another live row has taken: unique and exclusion constraints other than the key. */
export async function findTaken(live: Session, match: TableMatch): Promise<void> {
  const known = new Set(match.columns.map((column) => column.liveNumber));
  for (const unique of match.live.uniques) {
    if (unique === match.key) continue;
    // A column that is new since has no value of the past; the insertion itself will tell.
    if (unique.columnNumbers.some((number) => number > 0 && !known.has(number))) continue;
    await tolerant(live, () => findTakenBy(live, match, unique));
  }
}

async function findTakenBy(live: Session, match: TableMatch, unique: UniqueShape): Promise<void> {
  const keys = unique.keys.map((key, position) => `(${key}) as lifeboat_k${position}`).join(', ');
  const where = unique.predicate ? `where ${unique.predicate}` : '';
  const pairs = unique.keys.map((_, position) => {
    const column = `lifeboat_k${position}`;
    const equal = `s.${column} operator(${unique.operators[position]}) l.${column}`;
    return unique.nullsEqual
      ? `(${equal} or (s.${column} is null and l.${column} is null))`
      : equal;
  });
  await live.run(
    `insert into ${verdictsSql}
     select distinct on (s.lifeboat_n) ${match.index}, s.lifeboat_n, 'taken', ${quoteText(unique.name)}
     from (select lifeboat_n, ${keys} from ${stageAsLive(match)} ${where}) s
     join (select ${keys} from only ${match.liveSql} ${where}) l on ${pairs.join(' and ')}
     where ${undecided(match.index, 's', 'lifeboat_n')} on conflict do nothing`,
  );
}

/** Finds staged rows that CHECK and NOT NULL constraints, as they are today, forbid. */
export async function findRefused(live: Session, match: TableMatch): Promise<void> {
  const known = new Set(match.columns.map((column) => column.liveNumber));
  const refuse = (name: string, condition: string) =>
    live.run(
      `insert into ${verdictsSql} select ${match.index}, lifeboat_n, 'refused', ${quoteText(name)}
       from ${stageAsLive(match)} where (${condition})
         and ${undecided(match.index, quoteName(match.live.name), 'lifeboat_n')} on conflict do nothing`,
    );
  for (const check of match.live.checks) {
    if (check.columnNumbers.some((number) => !known.has(number))) continue;
    await tolerant(live, () => refuse(check.name, `(${check.expression}) is false`));
  }
  for (const column of match.live.columns) {
    if (!column.notNull || !known.has(column.number)) continue;
    await refuse(`${column.name} not null`, `${quoteName(column.name)} is null`);
  }
}

/**
 * An expression may name a column that is new since, which staged rows do not have. Such a constraint is left to the
 * insertion, which skips or refuses the row.
 */
async function tolerant(live: Session, work: () => Promise<unknown>): Promise<void> {
  await live.run('savepoint lifeboat_constraint');
  try {
    await work();
    await live.run('release savepoint lifeboat_constraint');
  } catch (error) {
    if (!isLifeboatError(error, 'postgres.query') || error.context.sqlstate !== '42703')
      throw error;
    await live.run('rollback to savepoint lifeboat_constraint');
  }
}
