import type pg from 'pg';
import { parseLsn } from '../../wal/index.ts';
import type { CommitLag } from './commit-lag.ts';
import type { RowLedger } from './row-ledger.ts';
import { shopSize } from './shop.ts';

const pauseMs = 15;

export interface ShopWriter {
  /** Orders whose commit the server confirmed. */
  orders(): number;
  /** Ends after the order being written. Rejects when the writer failed. */
  stop(): Promise<void>;
}

/**
 * The shop's customers, who do not stop ordering because of an accident: every few milliseconds one transaction with an
 * order, its lines, less stock, and now and then a new customer. What was confirmed goes into the ledger.
 */
export function startShopWriter(client: pg.Client, ledger: RowLedger, lag: CommitLag): ShopWriter {
  let running = true;
  let orders = 0;
  const loop = async () => {
    while (running) {
      const rows = await writeOrder(client, orders);
      for (const { table, key, fingerprint } of rows) ledger.note(table, key, fingerprint);
      orders += 1;
      const { rows: position } = await client.query('select pg_current_wal_insert_lsn() as lsn');
      lag.committed(parseLsn((position[0] as { lsn: string }).lsn));
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  };
  const done = loop();
  // Reported by stop(); without this an early failure would end the process.
  done.catch(() => {});
  return {
    orders: () => orders,
    async stop() {
      running = false;
      await done;
    },
  };
}

interface WrittenRow {
  readonly table: 'customers' | 'products' | 'orders' | 'order_lines';
  readonly key: string;
  readonly fingerprint: string;
}

async function writeOrder(client: pg.Client, number: number): Promise<readonly WrittenRow[]> {
  const written: WrittenRow[] = [];
  const write = async (table: WrittenRow['table'], sql: string, values: readonly unknown[]) => {
    const { rows } = await client.query<{ key: string; fingerprint: string }>(sql, [...values]);
    const row = rows[0] as { key: string; fingerprint: string };
    written.push({ table, ...row });
    return row.key;
  };
  await client.query('begin');
  const isNew = number % 7 === 0;
  const customer = isNew
    ? await write('customers', newCustomer, [`new.customer${number}@example.org`])
    : String(1 + ((number * 7919) % shopSize.customers));
  const order = await write('orders', newOrder, [customer]);
  for (let line = 1; line <= 1 + (number % 3); line++) {
    const product = 1 + ((number * 31 + line * 577) % shopSize.products);
    await write('products', lessStock, [product]);
    await write('order_lines', newLine, [order, line, product]);
  }
  await client.query('commit');
  return written;
}

const newCustomer = `insert into customers as t (name, email, city) values ('New Customer', $1, 'Riga')
  returning id::text as key, md5(t::text) as fingerprint`;
const newOrder = `insert into orders as t (customer_id, status, total) values ($1, 'paid', 49.90)
  returning id::text as key, md5(t::text) as fingerprint`;
const lessStock = `update products t set stock = stock - 1 where id = $1
  returning id::text as key, md5(t::text) as fingerprint`;
const newLine = `insert into order_lines as t (order_id, line, product_id, quantity, price)
  select $1, $2, id, 1, price from products where id = $3
  returning order_id::text || '/' || line as key, md5(t::text) as fingerprint`;
