import { LifeboatError } from '../../core/index.ts';
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
    found.push({ database, ...(await lookAt({ ...connection, database: loaded }, context)) });
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
  return {
    text: `${source} holds: ${total} rows of ${counts.length} tables read; every constraint and index is valid`,
    result: {},
    evidence: { databases: found },
  };
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
  { signal, progress }: StepContext,
): Promise<Omit<LookedAt, 'database'>> {
  await using session = await openSession(connection, signal, 'lifeboat validate');
  await session.run('begin isolation level repeatable read read only');
  const rows: Record<string, number> = {};
  for (const { schema, name } of await tablesIn(session)) {
    progress({ type: 'note', message: `reading ${schema}.${name}` });
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
