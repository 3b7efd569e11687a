import { isLifeboatError, LifeboatError } from '../../core/index.ts';
import type { ConnectionSettings } from '../../sources/index.ts';
import { serverConnectionOf } from '../ground/registry.ts';
import { nameFor } from '../ground/server/database-names.ts';
import { openSession, type Session } from '../rescue/session.ts';
import { quoteName } from '../rescue/sql-text.ts';
import { groundOf } from './step-ground.ts';
import type { StepInputs } from './step-inputs.ts';
import type { StepContext, StepOutcome } from './step-kind.ts';

type Input = StepInputs['validate'];

/** What was found in one database, by names of tables. */
interface LookedAt {
  readonly database: string;
  readonly rows: Readonly<Record<string, number>>;
  /** In the database that is in use, where it lets us look. */
  readonly inUse: Readonly<Record<string, number>>;
  /** What does not hold. */
  readonly problems: readonly string[];
}

/**
 * Looks at databases that were loaded beside those in use: every row of every table is read, and no constraint or index may be left
 * unchecked. Loading itself has built all of them. Only reads. Errors: `run.failed`, `postgres.*`, `cancelled`.
 */
export async function validateDelivered(input: Input, context: StepContext): Promise<StepOutcome> {
  const { source } = input;
  const { surroundings, token } = context;
  const { ground, setting } = await groundOf(source, input.of, context);
  const databases = await databasesOf(input, context);
  if (setting.kind !== 'server' || (await ground.state(token, context)) !== 'filled') {
    throw new LifeboatError('run.failed', `${ground.describe()} holds nothing whole of this run`, {
      hint: `Do the step ${input.of} first; it was skipped or undone.`,
    });
  }
  const connection = await serverConnectionOf(setting, surroundings);
  const found: LookedAt[] = [];
  for (const database of databases) {
    const loaded = nameFor(database, 'lifeboat', token);
    const inUse = await countInUse(database, input, context);
    found.push({
      database,
      inUse,
      ...(await lookAt({ ...connection, database: loaded }, context)),
    });
  }
  const problems = found.flatMap((each) => each.problems);
  if (problems.length > 0) {
    throw new LifeboatError(
      'run.failed',
      `${source} does not hold: ${problems.slice(0, 3).join('; ')}`,
      {
        hint: 'What runs now was not touched. Take another dump with a new plan, or leave the check out with a reason.',
        context: { problems },
      },
    );
  }
  const counts = found.flatMap(({ rows }) => Object.values(rows));
  const total = counts.reduce((sum, each) => sum + each, 0);
  const compared = found.flatMap(compare);
  for (const message of compared) context.progress({ type: 'note', message });
  return {
    text: `${source} holds: ${total} rows of ${counts.length} tables read; every constraint and index is valid`,
    result: {},
    evidence: { databases: found },
  };
}

const comparedAtMost = 20;

/** For who allows the swap: tables whose rows differ in number, the largest difference first. */
function compare({ rows, inUse }: LookedAt): readonly string[] {
  const differ = Object.entries(rows)
    .map(([table, count]) => ({ table, count, now: inUse[table] }))
    .filter(({ count, now }) => now !== undefined && now !== count)
    .toSorted((a, b) => Math.abs(b.count - (b.now ?? 0)) - Math.abs(a.count - (a.now ?? 0)));
  return differ
    .slice(0, comparedAtMost)
    .map(({ table, count, now }) => `${table}: ${count} rows were loaded, ${now} are in use now`);
}

/** Rows of what is there now, to compare; it is no gate, and may be broken. */
async function countInUse(
  database: string,
  { source: name }: Input,
  context: StepContext,
): Promise<LookedAt['inUse']> {
  try {
    const source = await context.surroundings.source(name, 'protect');
    if (source.kind !== 'postgres-dump') return {};
    return (await lookAt({ ...source.settings.connection, database }, context)).rows;
  } catch (error) {
    if (isLifeboatError(error, 'cancelled') || !isLifeboatError(error)) throw error;
    return {};
  }
}

/** Those that were brought, as the dumps say. */
async function databasesOf(input: Input, context: StepContext): Promise<readonly string[]> {
  const brought = context.outcomes[input.of]?.result.databases;
  if (Array.isArray(brought)) return brought.map(String);
  throw new LifeboatError('run.failed', `the step ${input.of} brought nothing of ${input.source}`, {
    hint: 'Do that step first; it was skipped or undone.',
  });
}

async function lookAt(
  connection: ConnectionSettings,
  { signal }: StepContext,
): Promise<Pick<LookedAt, 'rows' | 'problems'>> {
  await using session = await openSession(connection, signal, 'lifeboat validate');
  await session.run('begin isolation level repeatable read read only');
  const rows: Record<string, number> = {};
  for (const { schema, name } of await tablesIn(session)) {
    const [row] = await session.rows<{ count: string }>(
      `select count(*)::text as count from only ${quoteName(schema)}.${quoteName(name)}`,
    );
    rows[`${schema}.${name}`] = Number(row?.count ?? 0);
  }
  const problems = await session.rows<{ text: string }>(
    `select format('the constraint %s of %s is not validated', conname, conrelid::regclass) as text
       from pg_constraint where not convalidated and connamespace::regnamespace::text !~ '^(pg_|information_schema)'
     union all
     select format('the index %s is not valid', indexrelid::regclass) from pg_index where not indisvalid`,
  );
  const isEmpty = Object.keys(rows).length === 0;
  return {
    rows,
    problems: [
      ...(isEmpty ? [`there is no table in ${connection.database}`] : []),
      ...problems.map(({ text }) => text),
    ],
  };
}

async function tablesIn(session: Session) {
  return await session.rows<{ schema: string; name: string }>(
    `select n.nspname::text as schema, c.relname::text as name
       from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where c.relkind in ('r', 'm') and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
        and c.relpersistence <> 't' order by 1, 2`,
  );
}
