import type { CatalogRecord } from '../../sources/index.ts';
import type { FormerState } from './former-state.ts';

/** What a catalog record says was there. */
export function recordedState(catalog: CatalogRecord): Omit<FormerState, 'announced'> {
  return {
    time: new Date(catalog.time),
    tables: catalog.databases.flatMap(({ name: database, relations }) =>
      relations.map(({ oid, schema, name, kind, rows, rowsExact }) => ({
        database,
        oid,
        schema,
        name,
        kind,
        ...(rowsExact && rows !== undefined ? { rows } : {}),
      })),
    ),
  };
}
