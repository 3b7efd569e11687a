import { randomUUID } from 'node:crypto';
import { isLifeboatError, LifeboatError } from '../../core/index.ts';
import type { Session } from '../rescue/session.ts';
import { quoteName, quoteQualified } from '../rescue/sql-text.ts';
import type { LeftOut } from './cut-ties.ts';
import { keepExtensionsInPlace } from './keep-extensions.ts';
import { looseSequences } from './loose-sequences.ts';
import type { ChosenParts } from './parts.ts';
import { requireRole } from './require-role.ts';

/**
 * Gathers the chosen parts, on the copy, in a schema of the new name: pg_dump cannot rename, but every name it writes follows what
 * the catalog says. Of a schema everything moves but members of extensions; of tables their indexes, constraints and own sequences
 * move along, while their types and functions stay where they are. The schema becomes `owner`'s, and only that role may use it.
 */
export async function moveAside(
  past: Session,
  parts: ChosenParts,
  side: string,
  owner: string,
): Promise<{ readonly parts: ChosenParts; readonly left: readonly LeftOut[] }> {
  const left = await gather(past, parts, side);
  await requireRole(past, owner);
  await past.run(`alter schema ${quoteName(side)} owner to ${quoteName(owner)}`);
  await past.run('set allow_system_table_mods = on');
  await past.run('update pg_catalog.pg_namespace set nspacl = null where nspname = $1', [side]);
  await past.run(
    `delete from pg_catalog.pg_init_privs where classoid = 'pg_namespace'::regclass
       and objoid = (select oid from pg_namespace where nspname = $1)`,
    [side],
  );
  await past.run('reset allow_system_table_mods');
  const tables = parts.tables.map((table) => ({ ...table, schema: side }));
  return { parts: { scope: 'schemas', schemas: [side], tables }, left };
}

async function gather(past: Session, parts: ChosenParts, side: string): Promise<LeftOut[]> {
  const [only] = parts.schemas;
  if (parts.scope === 'schemas') {
    if (only === side || only === undefined) return [];
    await freeName(past, side);
    await past.run(`alter schema ${quoteName(only)} rename to ${quoteName(side)}`);
    await keepExtensionsInPlace(past, only, side);
    return [];
  }
  const aside = await freeName(past, side);
  await past.run(`create schema ${quoteName(side)}`);
  for (const { schema, name } of parts.tables) {
    const from = schema === side ? (aside as string) : schema;
    await past
      .run(`alter table ${quoteQualified(from, name)} set schema ${quoteName(side)}`)
      .catch((error) => {
        throw sameName(error, name);
      });
  }
  await moveStatistics(past, parts, side);
  return await moveSequences(past, parts, side);
}

/** Defaults may draw from sequences that no column owns. What only chosen tables use comes along; the rest stays the live one. */
async function moveSequences(past: Session, parts: ChosenParts, side: string): Promise<LeftOut[]> {
  const left: LeftOut[] = [];
  for (const { schema, name, isShared, table } of await looseSequences(past, parts)) {
    const sequence = quoteQualified(schema, name);
    if (!isShared) {
      await past.run(`alter sequence ${sequence} set schema ${quoteName(side)}`);
      continue;
    }
    const what = `a sequence of its own for ${table}: its default draws from the live ${sequence}`;
    left.push({ what, sql: `CREATE SEQUENCE ${quoteQualified(side, name)};` });
  }
  return left;
}

/** A schema of that name at the moment is not the one that is about to be made. Returns what it is called now. */
async function freeName(past: Session, name: string): Promise<string | undefined> {
  const other = `lifeboat_${randomUUID()}`;
  if ((await past.rows('select from pg_namespace where nspname = $1', [name])).length === 0) {
    return undefined;
  }
  await past.run(`alter schema ${quoteName(name)} rename to ${quoteName(other)}`);
  return other;
}

/** Extended statistics are dumped with their own schema, not with their table's. */
async function moveStatistics(past: Session, parts: ChosenParts, side: string): Promise<void> {
  const statistics = await past.rows<{ schema: string; name: string }>(
    `select n.nspname::text as schema, s.stxname::text as name from pg_statistic_ext s
       join pg_namespace n on n.oid = s.stxnamespace where s.stxrelid = any ($1::int8[]::oid[])`,
    [parts.tables.map(({ oid }) => oid)],
  );
  for (const { schema, name } of statistics) {
    await past.run(
      `alter statistics ${quoteQualified(schema, name)} set schema ${quoteName(side)}`,
    );
  }
}

function sameName(error: unknown, name: string): unknown {
  if (!isLifeboatError(error, 'postgres.query') || error.context.sqlstate !== '42P07') return error;
  return new LifeboatError('usage.invalid', `two of the tables are called ${name}`, {
    hint: 'One schema has room for one of them: extract them one after the other.',
    cause: error,
  });
}
