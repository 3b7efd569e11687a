import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import pg from 'pg';
import { freePort, startPostgres, type TestServer, unprivileged } from '../support/postgres.ts';
import { type StockServer, startStock } from '../support/restored-server.ts';

const run = promisify(execFile);

interface Options {
  readonly bin: string;
  readonly major: number;
  readonly settings: Record<string, string>;
  readonly withStandby: boolean;
  /** Where the standby's data go. */
  readonly folder: string;
}

/** A primary that is killed and started again, and a standby that takes its place once. */
export class SoakCluster implements AsyncDisposable {
  readonly #options: Options;
  readonly #first: TestServer;
  readonly #standbyPort: number;
  #standby: StockServer | undefined;
  #isPromoted = false;

  private constructor(options: Options, first: TestServer, standbyPort: number) {
    this.#options = options;
    this.#first = first;
    this.#standbyPort = standbyPort;
  }

  static async start(options: Options): Promise<SoakCluster> {
    const first = await startPostgres(options);
    const cluster = new SoakCluster(options, first, await freePort());
    if (options.withStandby) await cluster.#addStandby();
    return cluster;
  }

  get #ports(): readonly number[] {
    return this.#options.withStandby ? [this.#first.port, this.#standbyPort] : [this.#first.port];
  }

  /** Leads to whichever of the two can be written to. */
  url(): string {
    const hosts = this.#ports.map((port) => `127.0.0.1:${port}`).join(',');
    return `postgres://postgres@${hosts}/postgres?sslmode=disable&target_session_attrs=read-write`;
  }

  conninfo(): string {
    const hosts = this.#ports.map(() => '127.0.0.1').join(',');
    return `host=${hosts} port=${this.#ports.join(',')} user=postgres dbname=postgres target_session_attrs=read-write`;
  }

  async position(): Promise<string> {
    const [row] = await this.#query('select pg_current_wal_insert_lsn()::text as lsn');
    return String(row?.lsn);
  }

  /** kill -9 of the primary, and a new start of it. */
  async kill(): Promise<void> {
    if (this.#isPromoted) {
      await this.#standby?.kill();
      await pause(300);
      this.#standby = await again(() => this.#startStandby());
      return;
    }
    await this.#first.kill();
    await again(() => this.#first.start());
  }

  /** The primary is shut down for good, and the standby takes over. */
  async promote(): Promise<void> {
    while (!(await this.#received('walreceiver'))) await pause(50);
    await this.#first.stop();
    await run(join(this.#options.bin, 'pg_ctl'), ['promote', '-w', '-D', this.#standbyFolder], {
      ...unprivileged,
      cwd: this.#options.folder,
    });
    this.#isPromoted = true;
  }

  /** Resolves when these have taken everything that is committed now. */
  async untilReceived(applications: readonly string[]): Promise<void> {
    for (const application of applications) {
      const [row] = await this.#query('select pg_current_wal_flush_lsn()::text as lsn');
      while (!(await this.#received(application, String(row?.lsn)))) await pause(50);
    }
  }

  async #received(application: string, lsn?: string): Promise<boolean> {
    const wanted = lsn === undefined ? 'pg_current_wal_flush_lsn()' : `'${lsn}'`;
    const rows = await this.#query(
      `select 1 from pg_stat_replication where application_name like '${application}%' and write_lsn >= ${wanted}`,
    ).catch(() => []);
    return rows.length > 0;
  }

  get #standbyFolder(): string {
    return join(this.#options.folder, 'standby');
  }

  async #addStandby(): Promise<void> {
    const { bin, folder } = this.#options;
    const from = `host=127.0.0.1 port=${this.#first.port} user=postgres`;
    const args = ['-D', this.#standbyFolder, '-d', from, '-R', '-X', 'stream', '--checkpoint=fast'];
    await run(join(bin, 'pg_basebackup'), args, { ...unprivileged, cwd: folder });
    this.#standby = await this.#startStandby();
  }

  #startStandby(): Promise<StockServer> {
    const { bin, settings } = this.#options;
    const own = { hot_standby: 'on', port: String(this.#standbyPort) };
    return startStock(bin, this.#standbyFolder, { ...settings, ...own });
  }

  async #query(sql: string): Promise<readonly Record<string, unknown>[]> {
    const port = this.#isPromoted ? this.#standbyPort : this.#first.port;
    const client = new pg.Client({
      connectionString: `postgres://postgres@127.0.0.1:${port}/postgres`,
    });
    client.on('error', () => {});
    await client.connect();
    try {
      return (await client.query(sql)).rows;
    } finally {
      await client.end();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#standby?.[Symbol.asyncDispose]();
    await this.#first[Symbol.asyncDispose]();
  }
}

/** The children of a killed server hold its shared memory for a moment. */
async function again<Value>(start: () => Promise<Value>): Promise<Value> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await start();
    } catch (error) {
      if (attempt >= 20) throw error;
      await pause(500);
    }
  }
}
