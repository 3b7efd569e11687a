import { LifeboatError, Turn } from '../../../core/index.ts';
import {
  type ConnectionSettings,
  describeConnection,
  openSqlClient,
  type SqlClient,
} from '../../../sources/index.ts';
import type { Holder } from '../holder.ts';
import type { RunEntry } from '../run-entry.ts';
import type { RunNote } from '../run-note.ts';
import { type Claim, type Engine, endsRun, type Taken } from './engine.ts';
import { type HeldTarget, occupantOf } from './occupied.ts';
import { storedEntry, storedNote } from './stored-line.ts';

/** Of the lock that only one process at a time takes a run under. */
const lockKey = 7_116_823_501;
/** A server that does not answer must be noticed before the lease is over. */
const statementMs = 10_000;

// Commits must not be lost by a crash of the server, whatever it is set to.
const session = `
  set synchronous_commit = on; set statement_timeout = ${statementMs}; set lock_timeout = ${statementMs};
  set client_min_messages = warning`;

const schema = `
  begin;
  select pg_advisory_xact_lock(${lockKey});
  create schema if not exists lifeboat;
  create table if not exists lifeboat.run_entries (
    run text not null, epoch bigint not null, sequence bigint not null, id text primary key, body text not null,
    is_own boolean not null);
  create table if not exists lifeboat.run_notes (
    number bigint generated always as identity, run text not null, id text primary key, body text not null);
  create table if not exists lifeboat.run_targets (
    target text primary key, run text not null, epoch bigint not null, holder text, renewed timestamptz not null);
  commit`;

/** A PostgreSQL that several hosts share, never a protected one. Errors: `postgres.*`. */
export async function openPostgresEngine(settings: ConnectionSettings): Promise<Engine> {
  const engine = new PostgresEngine(settings);
  try {
    await engine.prepare();
    return engine;
  } catch (error) {
    await engine[Symbol.asyncDispose]();
    throw error;
  }
}

class PostgresEngine implements Engine {
  readonly kind = 'postgres';
  readonly place: string;
  readonly #settings: ConnectionSettings;
  readonly #turn = new Turn();
  #open: SqlClient | undefined;

  constructor(settings: ConnectionSettings) {
    this.#settings = settings;
    this.place = describeConnection(settings);
  }

  async prepare(): Promise<void> {
    // Where the tables are there already the role need not be able to make them.
    const there = await this.#rows(
      `select to_regclass('lifeboat.run_targets') is not null as "isThere"`,
    );
    if (there[0]?.isThere !== true) await this.#rows(schema);
  }

  async take(claim: Claim): Promise<Taken> {
    return await this.#transaction(async (query) => {
      await query(`select pg_advisory_xact_lock(${lockKey})`);
      const by = occupantOf(claim, (await query(heldSql)).map(heldTarget));
      if (by) return { taken: false, by };
      await query('delete from lifeboat.run_targets where run = $1', [claim.run]);
      await query(
        `insert into lifeboat.run_targets
           select each, $2, $3, $4, clock_timestamp() from unnest($1::text[]) as each
           on conflict (target) ${
             claim.givesUp
               ? 'do nothing'
               : `do update set run = excluded.run, epoch = excluded.epoch,
             holder = excluded.holder, renewed = excluded.renewed`
           }`,
        [claim.targets, claim.run, claim.epoch, JSON.stringify(claim.holder)],
      );
      return { taken: true };
    });
  }

  async holds(run: string, epoch: number): Promise<boolean> {
    const rows = await this.#rows(
      'select from lifeboat.run_targets where run = $1 and epoch = $2 and holder is not null limit 1',
      [run, epoch],
    );
    return rows.length > 0;
  }

  async renew(run: string, epoch: number): Promise<boolean> {
    const rows = await this.#rows(
      `update lifeboat.run_targets set renewed = clock_timestamp()
         where run = $1 and epoch = $2 and holder is not null returning 1`,
      [run, epoch],
    );
    return rows.length > 0;
  }

  async release(run: string, epoch: number): Promise<void> {
    const sql = 'update lifeboat.run_targets set holder = null where run = $1 and epoch = $2';
    await this.#rows(sql, [run, epoch]);
  }

  async append(entry: RunEntry): Promise<boolean> {
    const { run, epoch, sequence, id } = entry;
    return await this.#transaction(async (query) => {
      // The lease stays as it is until the entry is in: whoever takes over waits for the row.
      const held = await query(
        `select from lifeboat.run_targets
           where run = $1 and epoch = $2 and holder is not null limit 1 for share`,
        [run, epoch],
      );
      if (held.length === 0) {
        // Written already, when nobody heard the answer.
        return (await query('select from lifeboat.run_entries where id = $1', [id])).length > 0;
      }
      const values = [run, epoch, sequence, id, JSON.stringify(entry), true];
      await query(insertSql, values);
      if (endsRun(entry)) await query('delete from lifeboat.run_targets where run = $1', [run]);
      return true;
    });
  }

  async adopt(entries: readonly RunEntry[]): Promise<void> {
    await this.#transaction(async (query) => {
      for (const { run, epoch, sequence, id, ...rest } of entries) {
        const body = JSON.stringify({ run, epoch, sequence, id, ...rest });
        await query(insertSql, [run, epoch, sequence, id, body, false]);
      }
    });
  }

  async wrote(run: string, epoch: number): Promise<boolean> {
    const sql = 'select from lifeboat.run_entries where run = $1 and epoch = $2 and is_own';
    return (await this.#rows(sql, [run, epoch])).length > 0;
  }

  async entries(run: string): Promise<readonly RunEntry[]> {
    const sql = 'select body from lifeboat.run_entries where run = $1 order by epoch, sequence';
    return (await this.#rows(sql, [run])).map(({ body }) =>
      storedEntry(body as string, run, this.place),
    );
  }

  async runs(): Promise<readonly string[]> {
    const rows = await this.#rows('select distinct run from lifeboat.run_entries order by run');
    return rows.map(({ run }) => run as string);
  }

  async addNote(note: RunNote): Promise<void> {
    await this.#rows(
      'insert into lifeboat.run_notes (run, id, body) values ($1, $2, $3) on conflict do nothing',
      [note.run, note.id, JSON.stringify(note)],
    );
  }

  async notes(run: string): Promise<readonly RunNote[]> {
    const sql = 'select body from lifeboat.run_notes where run = $1 order by number';
    return (await this.#rows(sql, [run])).map(({ body }) =>
      storedNote(body as string, run, this.place),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#turn.take(() => this.#close());
  }

  /** What may run twice may be sent again when the connection was lost; everything here may. */
  async #rows(sql: string, values: readonly unknown[] = []): Promise<readonly Row[]> {
    return await this.#turn.take(() => this.#again((query) => query(sql, values)));
  }

  async #transaction<Value>(work: (query: Query) => Promise<Value>): Promise<Value> {
    return await this.#turn.take(() =>
      this.#again(async (query) => {
        await query('begin');
        const value = await work(query);
        await query('commit');
        return value;
      }),
    );
  }

  async #again<Value>(work: (query: Query) => Promise<Value>): Promise<Value> {
    const wasOpen = this.#open !== undefined;
    try {
      return await work(await this.#query());
    } catch (error) {
      // The open transaction ends with its connection.
      await this.#close();
      if (!wasOpen || !isLost(error)) throw this.#failure(error);
    }
    try {
      return await work(await this.#query());
    } catch (error) {
      await this.#close();
      throw this.#failure(error);
    }
  }

  async #query(): Promise<Query> {
    if (!this.#open) {
      this.#open = await openSqlClient(this.#settings, 'lifeboat runs');
      await this.#open.client.query(session);
    }
    const { client } = this.#open;
    return async (sql, values = []) =>
      (await client.query(sql, values.length > 0 ? [...values] : undefined)).rows as Row[];
  }

  async #close(): Promise<void> {
    const open = this.#open;
    this.#open = undefined;
    await open?.[Symbol.asyncDispose]();
  }

  #failure(error: unknown): LifeboatError {
    if (error instanceof LifeboatError) return error;
    const { code, message } = error as { code?: string; message: string };
    const lost = isLost(error);
    return new LifeboatError(
      lost ? 'postgres.connection-lost' : 'postgres.query',
      `the runs in ${this.place} could not be used: ${message}`,
      { cause: error, retryable: lost, ...(code ? { context: { sqlstate: code } } : {}) },
    );
  }
}

type Row = Readonly<Record<string, unknown>>;
type Query = (sql: string, values?: readonly unknown[]) => Promise<Row[]>;

const insertSql =
  'insert into lifeboat.run_entries values ($1, $2, $3, $4, $5, $6) on conflict do nothing';

// Each renewal is a transaction of its own, so its id tells it from the last one, whatever the clock of the server does; after a failover
// that lost some the ids come again, and the time tells them apart.
const heldSql = `
  select target, run, epoch::float8 as epoch, holder,
    exists (select from lifeboat.run_entries e where e.run = t.run) as "isBegun",
    t.xmin::text || ' ' || extract(epoch from max(renewed) over (partition by run))::text as sign
  from lifeboat.run_targets t`;

function heldTarget({ target, run, epoch, holder, sign, isBegun }: Row): HeldTarget {
  return {
    target: target as string,
    run: run as string,
    epoch: epoch as number,
    holder: holder === null ? undefined : (JSON.parse(holder as string) as Holder),
    sign: sign as string,
    isBegun: isBegun === true,
  };
}

/** Not an answer of the server, but for its end. */
function isLost(error: unknown): boolean {
  const { code } = error as { code?: string };
  return code === undefined || !/^[0-9A-Z]{5}$/.test(code) || /^(57P0|08)/.test(code);
}
