import { randomBytes } from 'node:crypto';
import { isLifeboatError } from '../../core/index.ts';
import { quoteName, quoteText } from '../rescue/sql-text.ts';
import type { Desk } from './desk.ts';

export type FoundExtension =
  /** Quoted name of the schema that its functions lie in. */
  { readonly schema: string } | { readonly why: string };

/**
 * An extension in a database, made there when the server is a copy that is thrown away. It is never made on a live server,
 * where the user is told the SQL, nor in a restored cluster that the user keeps. `functions` must be its own: others may create
 * some of the same name in its schema, and a superuser calls them.
 */
export async function ensureExtension(
  desk: Desk,
  database: string,
  name: 'amcheck' | 'pg_visibility',
  functions: readonly string[],
): Promise<FoundExtension> {
  const session = await desk.session(database);
  const [found] = await session.rows<{ schema: string; missing: string[] }>(
    `select nspname::text as schema, array(select f from unnest($2::text[]) f where not exists (
         select from pg_depend d where d.classid = 'pg_proc'::regclass and d.deptype = 'e'
           and d.refclassid = 'pg_extension'::regclass and d.refobjid = e.oid
           and d.objid = to_regprocedure(format('%I.%s', n.nspname, f)))) as missing
     from pg_extension e join pg_namespace n on n.oid = e.extnamespace where extname = $1`,
    [name, functions],
  );
  if (found?.missing.length) {
    const why = `the extension ${name} of this database lacks ${found.missing.join(', ')}; a superuser can renew it: ALTER EXTENSION ${name} UPDATE`;
    return { why };
  }
  if (found) return { schema: quoteName(found.schema) };
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
  if (desk.place.isKept) {
    return {
      why: `the extension ${name} is not in this database, and none is made in a cluster that you keep; \`lifeboat prove\` looks, on a copy`,
    };
  }
  // Of a name that nobody could prepare in the original.
  const schema = `lifeboat_checks_${randomBytes(8).toString('hex')}`;
  try {
    // Event triggers of the original have no business here; before 17 only this setting holds them back.
    await session.run("set session_replication_role = 'replica'");
    await session.run(`create schema ${schema}; create extension ${name} schema ${schema}`);
  } catch (error) {
    if (!isLifeboatError(error, 'postgres.query')) throw error;
    return { why: `the extension ${name} could not be made: ${error.message}` };
  } finally {
    await session.run('set session_replication_role = default').catch(() => {});
  }
  return { schema: quoteName(schema) };
}

/** As a function of an extension takes it. */
export function regclass(oid: number): string {
  return `${quoteText(String(oid))}::oid::regclass`;
}
