import {
  type Destruction,
  type PastServer,
  type RowRescue,
  tupleId,
} from '../../src/recovery/index.ts';
import { parseConnectionUrl } from '../../src/sources/index.ts';
import type { PastCopy } from './past-copy.ts';
import type { TestServer } from './postgres.ts';

/**
 * What an accident destroyed, found without reading WAL: rows of the past that no longer stand at their place. Call
 * it right after the accident. `updated` names tables whose vanished rows were changed, not deleted.
 */
export async function observeDestruction(
  live: TestServer,
  past: PastCopy,
  database: string,
  tables: {
    deleted?: readonly string[];
    updated?: readonly string[];
    truncated?: readonly string[];
  },
): Promise<Destruction> {
  const places = async (server: { query: TestServer['query'] }, table: string) => {
    const found = await server.query(`select ctid::text as id from only ${table}`, database);
    return new Set(found.rows.map((row: { id: string }) => row.id));
  };
  const databaseOid = await past.query(
    'select oid::int8::float8 as oid from pg_database where datname = current_database()',
    database,
  );
  const files = [];
  const { deleted = [], updated = [], truncated = [] } = tables;
  for (const table of [...deleted, ...updated, ...truncated]) {
    const [before, after] = [await places(past, table), await places(live, table)];
    const gone = [...before]
      .filter((id) => !after.has(id))
      .map((id) => {
        const [block, offset] = id.slice(1, -1).split(',').map(Number);
        return tupleId(block as number, offset as number);
      })
      .sort((a, b) => a - b);
    const file = await past.query(
      `select pg_relation_filenode('${table.replaceAll("'", "''")}')::int8::float8 as filenode,
         (select dattablespace::int8::float8 from pg_database where datname = current_database()) as space`,
      database,
    );
    files.push({
      tablespaceOid: file.rows[0].space,
      filenode: file.rows[0].filenode,
      truncated: truncated.includes(table),
      deleted: deleted.includes(table) ? gone : [],
      updated: updated.includes(table) ? gone : [],
    });
  }
  return { databaseOid: databaseOid.rows[0].oid, files };
}

export function pastServer(past: PastCopy): PastServer {
  return {
    connection: (database) =>
      parseConnectionUrl(`postgres://postgres@127.0.0.1:${past.port}/${database}?sslmode=disable`),
  };
}

/** The rescue of one database, as `planRows` and `putRowsBack` take it. */
export function rowRescue(
  live: TestServer,
  past: PastCopy,
  destruction: Destruction,
  user = 'postgres',
): RowRescue {
  const url = live.url('postgres').replace('postgres@', `${user}@`);
  return { past: pastServer(past), live: parseConnectionUrl(url), destruction };
}
