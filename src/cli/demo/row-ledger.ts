import type pg from 'pg';
import { type ShopTable, shopTables } from './shop.ts';

/** Fingerprints (md5 of the row's text, taken by the server) by key. */
export type TableRows = Map<string, string>;

/**
 * What the shop's tables should hold. Kept apart from everything the product does: all rows as they were read just
 * before the accident, and every row the writer got confirmed, whenever it did.
 */
export class RowLedger {
  readonly #before = new Map<ShopTable, TableRows>();
  readonly #written = new Map<ShopTable, TableRows>();

  constructor() {
    for (const { name } of shopTables) this.#written.set(name, new Map());
  }

  /** A committed row of the writer. The newest state of a row counts. */
  note(table: ShopTable, key: string, fingerprint: string): void {
    this.#written.get(table)?.set(key, fingerprint);
  }

  setBefore(table: ShopTable, rows: TableRows): void {
    this.#before.set(table, rows);
  }

  expected(table: ShopTable): TableRows {
    return new Map([...(this.#before.get(table) ?? []), ...(this.#written.get(table) ?? [])]);
  }

  writtenCount(): number {
    return [...this.#written.values()].reduce((sum, rows) => sum + rows.size, 0);
  }
}

export interface TableComparison {
  readonly table: ShopTable;
  readonly rowsExpected: number;
  readonly rowsFound: number;
  readonly missing: number;
  readonly changed: number;
  readonly unexpected: number;
  readonly checksumExpected: string;
  readonly checksumFound: string;
}

export function compareTable(
  table: ShopTable,
  expected: TableRows,
  found: TableRows,
): TableComparison {
  let missing = 0;
  let changed = 0;
  for (const [key, fingerprint] of expected) {
    const other = found.get(key);
    if (other === undefined) missing += 1;
    else if (other !== fingerprint) changed += 1;
  }
  return {
    table,
    rowsExpected: expected.size,
    rowsFound: found.size,
    missing,
    changed,
    unexpected: found.size - (expected.size - missing),
    checksumExpected: checksum(expected),
    checksumFound: checksum(found),
  };
}

/** The sum of all fingerprints, whatever the order of the rows; equal tables have equal ones. */
function checksum(rows: TableRows): string {
  let high = 0;
  let low = 0;
  for (const fingerprint of rows.values()) {
    high = (high + Number.parseInt(fingerprint.slice(0, 8), 16)) % 2 ** 32;
    low = (low + Number.parseInt(fingerprint.slice(8, 16), 16)) % 2 ** 32;
  }
  return [high, low].map((half) => half.toString(16).padStart(8, '0')).join('');
}

/** Reads every table in one snapshot of the database. */
export async function readShop(client: pg.Client): Promise<Map<ShopTable, TableRows>> {
  const { to } = await import('pg-copy-streams');
  await client.query('begin isolation level repeatable read read only');
  try {
    const shop = new Map<ShopTable, TableRows>();
    for (const { name, key } of shopTables) {
      const rows: TableRows = new Map();
      const sql = `copy (select ${key}, md5(t::text) from ${name} t) to stdout`;
      let rest = '';
      for await (const chunk of client.query(to(sql))) {
        const lines = (rest + (chunk as Buffer).toString('latin1')).split('\n');
        rest = lines.pop() as string;
        for (const line of lines) {
          const tab = line.indexOf('\t');
          rows.set(line.slice(0, tab), line.slice(tab + 1));
        }
      }
      shop.set(name, rows);
    }
    return shop;
  } finally {
    await client.query('commit');
  }
}
