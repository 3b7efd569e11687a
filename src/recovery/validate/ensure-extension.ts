import { isLifeboatError } from '../../core/index.ts';
import { quoteName, quoteText } from '../rescue/sql-text.ts';
import type { Desk } from './desk.ts';

export type FoundExtension =
  /** Quoted name of the schema that its functions lie in. */
  { readonly schema: string } | { readonly why: string };

const ownSchema = 'lifeboat_checks';

/**
 * An extension in a database, made there when the server is a copy of ours. It is never made on a live server: there the user is
 * told the SQL.
 */
export async function ensureExtension(
  desk: Desk,
  database: string,
  name: 'amcheck' | 'pg_visibility',
): Promise<FoundExtension> {
  const session = await desk.session(database);
  const find = async () => {
    const [row] = await session.rows<{ schema: string }>(
      `select nspname::text as schema from pg_extension e join pg_namespace n on n.oid = e.extnamespace
       where extname = $1`,
      [name],
    );
    return row && { schema: quoteName(row.schema) };
  };
  const found = await find();
  if (found) return found;
  const [available] = await session.rows('select from pg_available_extensions where name = $1', [
    name,
  ]);
  if (!available) {
    return { why: `the extension ${name} is not installed with these server programs (contrib)` };
  }
  if (desk.place.kind === 'live') {
    return {
      why: `the extension ${name} is not in this database; a superuser can add it: CREATE EXTENSION ${name}`,
    };
  }
  try {
    // Event triggers of the original have no business here; before 17 only this setting holds them back.
    await session.run("set session_replication_role = 'replica'");
    await session.run(
      `create schema if not exists ${ownSchema}; create extension ${name} schema ${ownSchema}`,
    );
  } catch (error) {
    if (!isLifeboatError(error, 'postgres.query')) throw error;
    return { why: `the extension ${name} could not be made: ${error.message}` };
  } finally {
    await session.run('set session_replication_role = default').catch(() => {});
  }
  return { schema: quoteName(ownSchema) };
}

/** As a function of an extension takes it. */
export function regclass(oid: number): string {
  return `${quoteText(String(oid))}::oid::regclass`;
}
