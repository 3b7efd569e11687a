import type pg from 'pg';
import { type Lsn, parseLsn } from '../../wal/index.ts';
import { type RowLedger, readShop } from './row-ledger.ts';
import { accidentStatement, type ShopTable } from './shop.ts';

export interface Accident {
  /** The true transaction, to compare with what is found. */
  readonly xid: number;
  /** Rows of each table that it destroyed, counted by comparing the tables before and after inside the transaction. */
  readonly destroyed: ReadonlyMap<ShopTable, number>;
  /** The log up to here holds its commit. */
  readonly end: Lsn;
  /** `performance.now()` after the commit. */
  readonly atMs: number;
}

const victims = ['orders', 'order_lines'] as const satisfies readonly ShopTable[];

/**
 * The mistake: a DELETE without its WHERE, in one transaction that also counts what it takes. The ledger remembers all
 * rows as they were just before.
 */
export async function causeAccident(client: pg.Client, ledger: RowLedger): Promise<Accident> {
  for (const [table, rows] of await readShop(client)) ledger.setBefore(table, rows);
  await client.query('begin');
  const { rows } = await client.query<{ xid: string }>('select pg_current_xact_id()::text as xid');
  const deleted = await client.query(accidentStatement);
  // The cascade's own count: statistics of this transaction.
  const counts = await client.query<{ relname: ShopTable; n: string }>(
    'select relname, n_tup_del as n from pg_stat_xact_user_tables where relname = any($1)',
    [victims],
  );
  await client.query('commit');
  const atMs = performance.now();
  const position = await client.query<{ lsn: string }>('select pg_current_wal_lsn()::text as lsn');
  const destroyed = new Map<ShopTable, number>([['orders', deleted.rowCount ?? 0]]);
  for (const { relname, n } of counts.rows) destroyed.set(relname, Number(n));
  return {
    xid: Number(BigInt((rows[0] as { xid: string }).xid) & 0xffff_ffffn),
    destroyed,
    end: parseLsn((position.rows[0] as { lsn: string }).lsn),
    atMs,
  };
}
