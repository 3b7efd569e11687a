import type { DatabaseProperties } from './database-properties.ts';

/**
 * What a database is beside its content, out of the SQL that `pg_restore --create` begins with (PostgreSQL 13 to 18). Settings and rights
 * of the database itself are not read: where one of that name is replaced they come from there.
 */
export function propertiesInDump(sql: string): DatabaseProperties {
  const [statement = ''] = /^CREATE DATABASE .*;$/m.exec(sql) ?? [];
  const option = (name: string) =>
    new RegExp(` ${name} = '((?:[^']|'')*)'`).exec(statement)?.[1]?.replaceAll("''", "'");
  const provider = / LOCALE_PROVIDER = (\w+)/.exec(statement)?.[1] ?? 'libc';
  const both = option('LOCALE') ?? 'C';
  return {
    encoding: option('ENCODING') ?? 'UTF8',
    collate: option('LC_COLLATE') ?? both,
    ctype: option('LC_CTYPE') ?? both,
    provider,
    locale: option(provider === 'icu' ? 'ICU_LOCALE' : 'BUILTIN_LOCALE') ?? null,
    owner: ownerIn(sql),
    connectionLimit: -1,
    comment: null,
    settings: [],
    grants: null,
  };
}

/** Empty: it does not say. */
function ownerIn(sql: string): string {
  const [, quoted, plain] =
    /^ALTER DATABASE .* OWNER TO (?:"((?:[^"]|"")+)"|([^\s";]+));$/m.exec(sql) ?? [];
  return quoted?.replaceAll('""', '"') ?? plain ?? '';
}
