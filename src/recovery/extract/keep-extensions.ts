import type { Session } from '../rescue/session.ts';
import { quoteName } from '../rescue/sql-text.ts';

/** Catalogs whose rows may belong to an extension and lie in a schema. */
const catalogs = [
  ['pg_class', 'relnamespace'],
  ['pg_proc', 'pronamespace'],
  ['pg_type', 'typnamespace'],
  ['pg_operator', 'oprnamespace'],
  ['pg_opclass', 'opcnamespace'],
  ['pg_opfamily', 'opfnamespace'],
  ['pg_collation', 'collnamespace'],
  ['pg_conversion', 'connamespace'],
  ['pg_ts_config', 'cfgnamespace'],
  ['pg_ts_dict', 'dictnamespace'],
  ['pg_ts_parser', 'prsnamespace'],
  ['pg_ts_template', 'tmplnamespace'],
] as const;

/**
 * After a schema was renamed on the copy: what extensions own in it goes back under the old name, where the live database has it.
 * Not every extension may be moved by a command, so the rows are changed. Only ever on a copy.
 */
export async function keepExtensionsInPlace(
  past: Session,
  original: string,
  renamed: string,
): Promise<void> {
  const extensions = await past.rows(
    `select from pg_extension e join pg_namespace n on n.oid = e.extnamespace where n.nspname = $1`,
    [renamed],
  );
  if (extensions.length === 0) return;
  await past.run(`create schema ${quoteName(original)}`);
  await past.run('set allow_system_table_mods = on');
  const from = `(select oid from pg_namespace where nspname = $1)`;
  const to = `(select oid from pg_namespace where nspname = $2)`;
  for (const [catalog, namespace] of catalogs) {
    const members = `select d.objid from pg_depend d where d.classid = '${catalog}'::regclass and d.deptype = 'e'`;
    const along: Record<string, string> = {
      // Array types belong to their element type, row types and indexes to their table.
      pg_type: ` or typelem in (${members}) or typrelid in (${members.replace('pg_type', 'pg_class')})`,
      pg_class: ` or oid in (select indexrelid from pg_index where indrelid in (${members}))`,
    };
    await past.run(
      `update pg_catalog.${catalog} set ${namespace} = ${to}
        where ${namespace} = ${from} and (oid in (${members})${along[catalog] ?? ''})`,
      [renamed, original],
    );
  }
  await past.run(
    `update pg_catalog.pg_extension set extnamespace = ${to} where extnamespace = ${from}`,
    [renamed, original],
  );
  await past.run('reset allow_system_table_mods');
}
