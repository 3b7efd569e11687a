import { chmod, mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { bootTime, deniedHint, fileError, LifeboatError } from '../../../core/index.ts';
import type { Holder } from '../holder.ts';
import type { RunEntry } from '../run-entry.ts';
import type { RunNote } from '../run-note.ts';
import { type Claim, type Engine, endsRun, type Taken } from './engine.ts';
import { type HeldTarget, occupantOf } from './occupied.ts';
import { storedEntry, storedNote } from './stored-line.ts';

/** Another process that writes is waited for that long. */
const busyMs = 10_000;

/** A rollback journal with its folder synced: few and small writes, one file, no shared memory. */
const durable = 'pragma journal_mode = delete; pragma synchronous = extra';
const begin = 'begin immediate';
const commit = 'commit';
const rollback = 'rollback';

const schema = `
  create table if not exists entries (
    run text not null, epoch integer not null, sequence integer not null, id text not null primary key, body text not null,
    is_own integer not null
  ) strict;
  create table if not exists notes (run text not null, id text not null primary key, body text not null) strict;
  create table if not exists targets (
    target text not null primary key, run text not null, epoch integer not null, holder text, renewed integer not null,
    boot text, uptime integer
  ) strict;`;

const heldSql =
  'select *, exists (select 1 from entries where entries.run = targets.run) as "isBegun" from targets';

/** A file in the state folder. A crash at any moment, of the machine too, loses nothing that was acknowledged. */
export async function openSqliteEngine(file: string): Promise<Engine> {
  try {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    const { DatabaseSync } = await import('node:sqlite');
    const database = new DatabaseSync(file, { timeout: busyMs });
    database.exec(durable);
    database.exec(schema);
    await chmod(file, 0o600);
    return new SqliteEngine(database, file);
  } catch (error) {
    throw sqliteError(error, file);
  }
}

class SqliteEngine implements Engine {
  readonly kind = 'sqlite';
  readonly place: string;
  readonly #database: DatabaseSync;

  constructor(database: DatabaseSync, file: string) {
    this.#database = database;
    this.place = file;
  }

  async take(claim: Claim): Promise<Taken> {
    return this.#write(() => {
      const by = occupantOf(claim, this.#held());
      if (by) return { taken: false, by };
      this.#run('delete from targets where run = ?', claim.run);
      const insert = claim.givesUp ? 'insert or ignore' : 'insert or replace';
      for (const target of claim.targets) {
        this.#run(
          `${insert} into targets values (?, ?, ?, ?, ?, ?, ?)`,
          target,
          claim.run,
          claim.epoch,
          JSON.stringify(claim.holder),
          ...signOfLife(),
        );
      }
      return { taken: true };
    });
  }

  async holds(run: string, epoch: number): Promise<boolean> {
    return this.#guard(() => this.#holds(run, epoch));
  }

  async renew(run: string, epoch: number): Promise<boolean> {
    return this.#write(() => {
      const sql =
        'update targets set renewed = ?, boot = ?, uptime = ? where run = ? and epoch = ? and holder is not null';
      return this.#run(sql, ...signOfLife(), run, epoch) > 0;
    });
  }

  async release(run: string, epoch: number): Promise<void> {
    const sql = 'update targets set holder = null where run = ? and epoch = ?';
    this.#write(() => this.#run(sql, run, epoch));
  }

  async append(entry: RunEntry): Promise<boolean> {
    return this.#write(() => {
      if (!this.#holds(entry.run, entry.epoch)) return false;
      this.#insert(entry, 1);
      if (endsRun(entry)) this.#run('delete from targets where run = ?', entry.run);
      return true;
    });
  }

  async adopt(entries: readonly RunEntry[]): Promise<void> {
    this.#write(() => {
      for (const entry of entries) this.#insert(entry, 0);
    });
  }

  async wrote(run: string, epoch: number): Promise<boolean> {
    const sql = 'select 1 from entries where run = ? and epoch = ? and is_own = 1';
    return this.#guard(() => this.#all(sql, run, epoch).length > 0);
  }

  async entries(run: string): Promise<readonly RunEntry[]> {
    return this.#read(
      'select body from entries where run = ? order by epoch, sequence',
      run,
      (text) => storedEntry(text, run, this.place),
    );
  }

  async runs(): Promise<readonly string[]> {
    return this.#guard(() =>
      this.#all('select distinct run from entries order by run').map(({ run }) => run as string),
    );
  }

  async addNote(note: RunNote): Promise<void> {
    const sql = 'insert or ignore into notes values (?, ?, ?)';
    this.#write(() => this.#run(sql, note.run, note.id, JSON.stringify(note)));
  }

  async notes(run: string): Promise<readonly RunNote[]> {
    return this.#read('select body from notes where run = ? order by rowid', run, (text) =>
      storedNote(text, run, this.place),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#database.close();
  }

  #holds(run: string, epoch: number): boolean {
    const sql = 'select 1 from targets where run = ? and epoch = ? and holder is not null';
    return this.#all(sql, run, epoch).length > 0;
  }

  #held(): readonly HeldTarget[] {
    return this.#all(heldSql).map(({ target, run, epoch, holder, isBegun, ...sign }) => ({
      target: target as string,
      run: run as string,
      epoch: epoch as number,
      holder: holder === null ? undefined : (JSON.parse(holder as string) as Holder),
      sign: `${sign.renewed} ${sign.boot} ${sign.uptime}`,
      isBegun: isBegun === 1,
    }));
  }

  #insert({ run, epoch, sequence, id, ...rest }: RunEntry, isOwn: 0 | 1): void {
    const body = JSON.stringify({ run, epoch, sequence, id, ...rest });
    this.#run(
      'insert or ignore into entries values (?, ?, ?, ?, ?, ?)',
      run,
      epoch,
      sequence,
      id,
      body,
      isOwn,
    );
  }

  #read<Value>(sql: string, run: string, parse: (text: string) => Value) {
    return this.#guard(() => this.#all(sql, run)).map(({ body }) => parse(body as string));
  }

  /** All of it or nothing; no other process between its reads and its writes. */
  #write<Value>(work: () => Value): Value {
    return this.#guard(() => {
      this.#database.exec(begin);
      try {
        const value = work();
        this.#database.exec(commit);
        return value;
      } catch (error) {
        if (this.#database.isTransaction) this.#database.exec(rollback);
        throw error;
      }
    });
  }

  #guard<Value>(work: () => Value): Value {
    try {
      return work();
    } catch (error) {
      throw sqliteError(error, this.place);
    }
  }

  #run(sql: string, ...values: (string | number | null)[]): number {
    return Number(this.#database.prepare(sql).run(...values).changes);
  }

  #all(sql: string, ...values: string[] | [string, number]) {
    return this.#database.prepare(sql).all(...values) as Record<string, unknown>[];
  }
}

/** Only told apart from the one before it: by the clock that nobody sets, where the system has one. */
function signOfLife(): [number, string | null, number | null] {
  const now = bootTime();
  return [Date.now(), now?.boot ?? null, now?.uptimeMs ?? null];
}

const sqliteFull = 13;

function sqliteError(error: unknown, file: string): LifeboatError {
  const attempted = `could not use the journal of runs ${file}`;
  const { errcode, code, message } = error as { errcode?: number; code?: string; message: string };
  if (errcode === sqliteFull) return fileError({ code: 'ENOSPC' }, attempted);
  const denied = deniedHint(file, 'write');
  if (denied !== undefined) {
    return new LifeboatError('file.unreadable', `${attempted}: this account may not write it`, {
      hint: `${denied} Leave the file where it is: runs are written down there.`,
      cause: error,
    });
  }
  if (errcode === undefined) return fileError(error, attempted);
  return new LifeboatError('file.unreadable', `${attempted}: ${message} (${code})`, {
    hint: 'When it is damaged, move it away: what is in the repositories is used then.',
    cause: error,
  });
}
