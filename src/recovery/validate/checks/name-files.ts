import type { PageFile } from '../../../sources/index.ts';
import { describeRelation } from '../describe-relation.ts';
import type { Desk } from '../desk.ts';

const sharedTablespace = 1664;

/** Gives the name of the relation that a file belongs to; '' when the catalogs know none (a crash may leave such files). */
export async function nameFiles(desk: Desk): Promise<(file: PageFile) => string> {
  const names = new Map<string, string>();
  for (const { oid, name: database } of desk.place.databases) {
    const session = await desk.session(database);
    const rows = await session.rows<{
      filenode: string;
      shared: boolean;
      schema: string;
      name: string;
    }>(
      `select pg_relation_filenode(c.oid)::text as filenode, c.relisshared as shared,
         n.nspname::text as schema, c.relname::text as name
       from pg_class c join pg_namespace n on n.oid = c.relnamespace
       where pg_relation_filenode(c.oid) is not null`,
    );
    for (const { filenode, shared, schema, name } of rows) {
      names.set(key(shared ? 0 : oid, filenode), describeRelation({ database, schema, name }));
    }
  }
  return (file) =>
    names.get(key(file.tablespace === sharedTablespace ? 0 : file.database, file.filenode)) ?? '';
}

function key(database: number, filenode: number | string): string {
  return `${database}/${filenode}`;
}
