import { isLifeboatError } from '../../../core/index.ts';
import { parseNote } from '../../ground/server/delivery-note.ts';
import type { Session } from '../../rescue/session.ts';
import { quoteName, quoteText } from '../../rescue/sql-text.ts';
import type { FrozenDatabase } from '../freeze-record.ts';
import { closingSql, reopeningSql } from './database-change.ts';
import { type DatabaseState, readDatabase } from './database-state.ts';

/** Another session changed the same row of the catalog meanwhile. */
const concurrentSqlStates = ['XX000', '40001', '40P01'];
const attemptsMax = 5;

/** Names of all roles, by oid. */
export async function roleNames(session: Session): Promise<ReadonlyMap<number, string>> {
  const rows = await session.rows<{ oid: number; name: string }>(
    'select oid::int8::float8 as oid, rolname::text as name from pg_roles',
  );
  return new Map(rows.map(({ oid, name }) => [oid, name]));
}

/** The statements that close a database as its item says, for whoever may; for people or to be run. */
export function closingStatements(
  state: DatabaseState,
  change: FrozenDatabase['change'],
  names: ReadonlyMap<number, string>,
): readonly string[] {
  return closingSql(state, change, (oid) => names.get(oid), quoteName);
}

/** In one transaction; nothing is written where all is so already. Resolves with whether anything was. */
export async function closeDatabase(session: Session, item: FrozenDatabase): Promise<boolean> {
  return await inOneTransaction(session, async () => {
    const state = await readDatabase(session, item.oid);
    // Dropped since it was seen: nobody writes to it.
    if (state === undefined) return [];
    return closingStatements(state, item.change, await roleNames(session));
  });
}

/**
 * In one transaction. A database that took the place of the frozen one by a swap of names got what the freeze had made of that one: it is
 * reopened too. Resolves with what was left because somebody changed it since.
 */
export async function reopenDatabase(
  session: Session,
  item: FrozenDatabase,
): Promise<readonly string[]> {
  const successor = await successorOf(session, item);
  const notes = await reopenOne(session, item);
  if (successor === undefined) return notes;
  return [...notes, ...(await reopenOne(session, { ...item, oid: successor }))];
}

/** The oid of the database that a delivery put in its place. */
async function successorOf(
  session: Session,
  { oid, database }: FrozenDatabase,
): Promise<number | undefined> {
  const [found] = await session.rows<{ oid: number; comment: string | null }>(
    `select oid::int8::float8 as oid, shobj_description(oid, 'pg_database') as comment
       from pg_database where datname = $1`,
    [database],
  );
  if (found === undefined || found.oid === oid) return undefined;
  return parseNote(found.comment)?.database === database ? found.oid : undefined;
}

async function reopenOne(session: Session, item: FrozenDatabase): Promise<readonly string[]> {
  let notes: readonly string[] = [];
  const look = async () => {
    const state = await readDatabase(session, item.oid);
    if (state === undefined) {
      notes = [`the database ${item.database} no longer exists`];
      return [];
    }
    const names = await roleNames(session);
    const nameOf = (oid: number) => names.get(oid);
    const reopening = reopeningSql(state, item, nameOf, quoteName, quoteText);
    notes = reopening.notes;
    return reopening.parts;
  };
  try {
    await inOneTransaction(session, async () => (await look()).flat());
  } catch (error) {
    if (!isLifeboatError(error, 'postgres.query')) throw error;
    // A right that cannot be given back, because who gave it may not any more, must not keep the database read-only.
    await oneByOne(session, await look());
  }
  await putAclBackAsWritten(session, item);
  return notes;
}

/** Rejects with the first refusal, after all were tried. */
async function oneByOne(session: Session, parts: readonly (readonly string[])[]): Promise<void> {
  let refusal: unknown;
  for (const part of parts) {
    await inOneTransaction(session, async () => part).catch((error) => {
      if (!isLifeboatError(error, 'postgres.query')) throw error;
      refusal ??= error;
    });
  }
  if (refusal !== undefined) throw refusal;
}

async function inOneTransaction(
  session: Session,
  statements: () => Promise<readonly string[]>,
): Promise<boolean> {
  for (let attempt = 1; ; attempt++) {
    const sql = await statements();
    if (sql.length === 0) return false;
    try {
      await session.run('begin read write');
      for (const each of sql) await session.run(each);
      await session.run('commit');
      return true;
    } catch (error) {
      await session.run('rollback').catch(() => {});
      const isConcurrent =
        isLifeboatError(error) && concurrentSqlStates.includes(String(error.context.sqlstate));
      if (!isConcurrent || attempt === attemptsMax) throw error;
    }
  }
}

/**
 * GRANT gives back the same rights, but not the same bytes: the default of a database whose rights nobody ever changed (null) is
 * written out, and entries may change their order. A superuser can put the very value back; it does so only where both mean the same,
 * so that the dependencies that the server keeps of roles hold.
 */
async function putAclBackAsWritten(session: Session, { oid, former }: FrozenDatabase) {
  const [row] = await session.rows<{ may: boolean }>(
    "select current_setting('is_superuser') = 'on' as may",
  );
  if (!row?.may) return;
  const isSame = `not exists (
      (select * from aclexplode(coalesce($2::text::aclitem[], acldefault('d', datdba)))
       except select * from aclexplode(coalesce(datacl, acldefault('d', datdba))))
      union all
      (select * from aclexplode(coalesce(datacl, acldefault('d', datdba)))
       except select * from aclexplode(coalesce($2::text::aclitem[], acldefault('d', datdba)))))`;
  await session
    .run(
      `update pg_catalog.pg_database set datacl = $2::text::aclitem[]
        where oid = $1::int8::oid and datacl::text is distinct from $2::text and ${isSame}`,
      [oid, former.acl],
    )
    // A role of it was renamed or dropped since: then its rights as they are now are all there is.
    .catch((error) => {
      if (!isLifeboatError(error, 'postgres.query')) throw error;
    });
}
