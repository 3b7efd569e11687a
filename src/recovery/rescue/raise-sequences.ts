import { isLifeboatError } from '../../core/index.ts';
import type { Session } from './session.ts';
import { displayName, quoteQualified } from './sql-text.ts';
import type { TableMatch } from './table-match.ts';

export interface SequenceRaise {
  /** For people. */
  readonly name: string;
  /** The value nextval would have given then, and would give now. Text: they may exceed 2^53. */
  readonly pastNext: string;
  readonly liveNext: string;
}

interface SequenceState {
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
  readonly increment: string;
  readonly cycle: boolean;
}

/** Sequences that fill columns of the tables and would now give values that were given out before the accident. */
export async function findSequencesBehind(
  past: Session,
  live: Session,
  matches: readonly TableMatch[],
): Promise<readonly SequenceRaise[]> {
  const behind = await sequencesBehind(past, live, matches);
  return behind.map(({ name, pastNext, liveNext }) => ({
    name,
    pastNext: String(pastNext),
    liveNext: String(liveNext),
  }));
}

/** Up to this distance nextval is called; beyond it setval is safe, see below. */
const stepsByNextval = 10_000n;

/**
 * Raises sequences that are behind; never lowers one. Sequences do not take part in transactions: a rollback leaves
 * them raised, which costs a gap in the numbers and nothing else. nextval can only raise, whoever else uses it at the same
 * time. setval could lower a sequence that others advanced since we looked, so it serves only where they would have to draw
 * more than ten thousand values within that one statement. Returns warnings.
 */
export async function raiseSequences(
  past: Session,
  live: Session,
  matches: readonly TableMatch[],
): Promise<readonly string[]> {
  const warnings: string[] = [];
  for (const sequence of await sequencesBehind(past, live, matches)) {
    await live.run('savepoint lifeboat_sequence');
    try {
      await raise(live, sequence);
      await live.run('release savepoint lifeboat_sequence');
    } catch (error) {
      if (!isLifeboatError(error, 'postgres.query')) throw error;
      await live.run('rollback to savepoint lifeboat_sequence');
      warnings.push(
        `${sequence.name} could not be raised to ${sequence.pastNext}: ${error.message}`,
      );
    }
  }
  return warnings;
}

interface SequenceBehind {
  readonly name: string;
  readonly sql: string;
  readonly increment: bigint;
  readonly pastNext: bigint;
  readonly liveNext: bigint;
}

async function raise(live: Session, sequence: SequenceBehind): Promise<void> {
  const { sql, increment } = sequence;
  const ahead = (value: bigint) => (increment > 0n ? value : -value);
  const size = increment > 0n ? increment : -increment;
  for (;;) {
    const next = await nextValue(live, sql, increment);
    const distance = ahead(sequence.pastNext) - ahead(next);
    if (distance <= 0n) return;
    const steps = (distance + size - 1n) / size;
    if (steps > stepsByNextval) {
      await live.run(
        `select setval('${sql.replaceAll("'", "''")}'::regclass, ${sequence.pastNext}, false)
         from ${sql} where ${increment > 0n ? '' : '-'}last_value < ${ahead(sequence.pastNext)}`,
      );
    } else {
      await live.run(
        `select max(nextval('${sql.replaceAll("'", "''")}'::regclass)) from generate_series(1, ${steps})`,
      );
    }
  }
}

async function sequencesBehind(
  past: Session,
  live: Session,
  matches: readonly TableMatch[],
): Promise<readonly SequenceBehind[]> {
  const behind: SequenceBehind[] = [];
  const tables = matches.flatMap((match) => [match.live.oid, ...match.live.ancestors]);
  for (const sequence of await live.rows<SequenceState>(sequencesSql, [tables])) {
    const pastName = await past.rows<{ schema: string; name: string }>(
      `select n.nspname::text as schema, c.relname::text as name from pg_class c
       join pg_namespace n on n.oid = c.relnamespace where c.oid = $1::int8::oid and c.relkind = 'S'`,
      [sequence.oid],
    );
    const [then] = pastName;
    if (!then || sequence.cycle) continue;
    const sql = quoteQualified(sequence.schema, sequence.name);
    const increment = BigInt(sequence.increment);
    const pastNext = await nextValue(past, quoteQualified(then.schema, then.name), increment);
    const liveNext = await nextValue(live, sql, increment);
    if (increment > 0n ? liveNext >= pastNext : liveNext <= pastNext) continue;
    const name = displayName(sequence.schema, sequence.name);
    behind.push({ name, sql, increment, pastNext, liveNext });
  }
  return behind;
}

async function nextValue(session: Session, sql: string, increment: bigint): Promise<bigint> {
  const [row] = await session.rows<{ last: string; called: boolean }>(
    `select last_value::text as last, is_called as called from ${sql}`,
  );
  const last = BigInt(row?.last ?? '0');
  return row?.called ? last + increment : last;
}

// Owned by a column (serial, identity), or named in a column's default.
const sequencesSql = `
  select distinct c.oid::int8::float8 as oid, n.nspname::text as schema, c.relname::text as name,
    q.seqincrement::text as increment, q.seqcycle as cycle
  from pg_sequence q join pg_class c on c.oid = q.seqrelid join pg_namespace n on n.oid = c.relnamespace
  where exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid
      and d.refclassid = 'pg_class'::regclass and d.refobjid = any ($1::int8[]::oid[]) and d.deptype in ('a', 'i'))
    or exists (select from pg_attrdef f join pg_depend d on d.classid = 'pg_attrdef'::regclass and d.objid = f.oid
      where f.adrelid = any ($1::int8[]::oid[]) and d.refclassid = 'pg_class'::regclass and d.refobjid = c.oid)
  order by 2, 3`;
