import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';

interface Entry {
  readonly id: number;
  /** The server's insert position just after the commit returned: at or after the commit record's end. */
  readonly end: bigint;
}

/**
 * Commits rows one after the other and writes down what the server was told about them. What the streamer ever
 * reported as written or flushed is a promise, whatever happens to it afterwards.
 */
export class Ledger {
  readonly #client: pg.Client;
  readonly #watch: pg.Client;
  readonly #entries: Entry[] = [];
  #written = 0n;
  #flushed = 0n;
  #stopped = false;
  #loops: Promise<unknown> | undefined;

  private constructor(client: pg.Client, watch: pg.Client) {
    this.#client = client;
    this.#watch = watch;
  }

  static async open(url: string): Promise<Ledger> {
    const clients = [
      new pg.Client({ connectionString: url }),
      new pg.Client({ connectionString: url }),
    ] as const;
    for (const client of clients) {
      client.on('error', () => {});
      await client.connect();
    }
    await clients[0].query(
      'create table journal (id bigint primary key, payload text not null default repeat(md5(random()::text), 20))',
    );
    return new Ledger(...clients);
  }

  start(): void {
    this.#loops = Promise.all([this.#commitRows(), this.#readPromises()]);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#loops;
    await this.#client.end();
    await this.#watch.end();
  }

  /** Highest id that was promised, per promise; ids are committed in order. */
  promised(): { readonly written: number; readonly flushed: number; readonly committed: number } {
    const upTo = (position: bigint) =>
      this.#entries.findLast((entry) => entry.end <= position)?.id ?? 0;
    return {
      written: upTo(this.#written),
      flushed: upTo(this.#flushed),
      committed: this.#entries.at(-1)?.id ?? 0,
    };
  }

  /** Waits until more rows are promised as flushed than now. */
  async flushesMore(): Promise<void> {
    const before = this.promised().flushed;
    while (this.promised().flushed <= before) await pause(20);
  }

  async #commitRows(): Promise<void> {
    for (let id = 1; !this.#stopped; id++) {
      await this.#client.query('insert into journal (id) values ($1)', [id]);
      const { rows } = await this.#client.query('select pg_current_wal_insert_lsn()::text as lsn');
      this.#entries.push({ id, end: position(rows[0].lsn) });
      await pause(1);
    }
  }

  async #readPromises(): Promise<void> {
    while (!this.#stopped) {
      const { rows } = await this.#watch.query(
        'select write_lsn::text as written, flush_lsn::text as flushed from pg_stat_replication where flush_lsn is not null or write_lsn is not null',
      );
      for (const row of rows) {
        this.#written = larger(this.#written, position(row.written ?? '0/0'));
        this.#flushed = larger(this.#flushed, position(row.flushed ?? '0/0'));
      }
      await pause(10);
    }
  }
}

function position(text: string): bigint {
  const [high, low] = text.split('/');
  return (BigInt(`0x${high}`) << 32n) | BigInt(`0x${low}`);
}

function larger(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}
