import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import {
  formatLsn,
  parseLsn,
  parseSegmentName,
  type RelationDirectory,
  type RelationFacts,
  type RelationId,
  type RelationKind,
  relationKey,
  TransactionIndex,
  type TransactionIndexOptions,
  WalReader,
  type WalRecord,
} from '../../src/wal/index.ts';
import type { TestServer } from './postgres.ts';

const run = promisify(execFile);
const segmentSizeBytes = 16 * 2 ** 20;

/** The segments in the server's pg_wal, in order, from the one that holds `from` on. */
export function walPieces(
  server: TestServer,
  from: bigint,
): { startLsn: bigint; pieces: Buffer[] } {
  const folder = join(server.dataFolder, 'pg_wal');
  const first = from - (from % BigInt(segmentSizeBytes));
  const names = readdirSync(folder)
    .filter((name) => (parseSegmentName(name, segmentSizeBytes)?.start ?? -1n) >= first)
    .sort();
  return { startLsn: first, pieces: names.map((name) => readFileSync(join(folder, name))) };
}

export async function currentLsn(server: TestServer): Promise<bigint> {
  const { rows } = await server.query('select pg_current_wal_flush_lsn() as lsn');
  return parseLsn(rows[0].lsn);
}

/** Reads the server's WAL from the segment of `from` on, in pieces that respect no boundary. */
export function scan(
  server: TestServer,
  from: bigint,
  visit: (record: WalRecord) => void,
  pieceBytes = 1_000_003,
): WalReader {
  const { startLsn, pieces } = walPieces(server, from);
  const reader = new WalReader({ startLsn });
  for (const piece of pieces) {
    for (let at = 0; at < piece.length; at += pieceBytes) {
      for (const record of reader.read(piece.subarray(at, at + pieceBytes))) visit(record);
    }
  }
  return reader;
}

export function indexOf(
  server: TestServer,
  from: bigint,
  options: TransactionIndexOptions = {},
): TransactionIndex {
  const index = new TransactionIndex(options);
  scan(server, from, (record) => {
    if (record.lsn >= from) index.add(record);
  });
  return index;
}

const forks = ['main', 'fsm', 'vm', 'init'];

/** A record in the words that `waldump` gives too. */
export function describeRecord(record: WalRecord): string {
  let imageBytes = 0;
  let blocks = '';
  for (let index = 0; index < record.blockCount; index++) {
    const block = record.blockAt(index);
    imageBytes += block.imageBytes;
    const image = block.hasImage ? ' image' : '';
    const file = `${block.tablespace}/${block.database}/${block.relation}`;
    blocks += ` #${block.id} ${file} ${forks[block.fork]} ${block.blockNumber}${image}`;
  }
  const previous = formatLsn(BigInt(record.previous));
  const length = `${record.lengthBytes - imageBytes}/${record.lengthBytes}`;
  return `${formatLsn(record.lsn)} ${previous} ${record.xid} ${length}${blocks}`;
}

export interface DumpedRecord {
  readonly lsn: string;
  readonly xid: number;
  readonly manager: string;
  readonly description: string;
  /** As `describeRecord` says it. */
  readonly words: string;
}

/** What the server's own pg_waldump reads from `from` on. */
export async function waldump(server: TestServer, from: bigint): Promise<DumpedRecord[]> {
  const args = ['-p', join(server.dataFolder, 'pg_wal'), '-s', formatLsn(from)];
  const limits = { maxBuffer: 2 ** 30 };
  // It ends with an error where the log ends.
  const { stdout } = await run(join(server.bin, 'pg_waldump'), args, limits).catch(
    (error: { stdout?: string }) => ({ stdout: error.stdout ?? '' }),
  );
  return stdout.split('\n').flatMap((line) => parseDumped(line) ?? []);
}

function parseDumped(line: string): DumpedRecord | undefined {
  const match =
    /^rmgr: (\S+)\s+len \(rec\/tot\):\s+(\d+)\/\s*(\d+), tx:\s+(\d+), lsn: (\S+), prev (\S+), desc: (.*)$/.exec(
      line,
    );
  if (!match) return undefined;
  const [manager, length, total, xid, at, previous, description] = match.slice(1) as string[];
  const reference =
    /blkref #(\d+): rel (\d+\/\d+\/\d+)(?: fork (\S+?))? blk (\d+)( \(FPW\)| FPW)?/g;
  let blocks = '';
  for (const [, id, file, fork, number, image] of (description as string).matchAll(reference)) {
    blocks += ` #${id} ${file} ${fork ?? 'main'} ${number}${image ? ' image' : ''}`;
  }
  const lsn = formatLsn(parseLsn(at as string));
  const before = formatLsn(parseLsn(previous as string));
  const words = `${lsn} ${before} ${xid} ${length}/${total}${blocks}`;
  return {
    lsn,
    xid: Number(xid),
    manager: manager as string,
    description: description as string,
    words,
  };
}

const kinds: Record<string, RelationKind> = {
  r: 'table',
  t: 'toast',
  i: 'index',
  S: 'sequence',
  m: 'materialized-view',
};

/** Names as they are at this moment, with exact row counts; `add` takes later ones in. */
export class TestDirectory implements RelationDirectory {
  readonly #byFilenode = new Map<string, RelationFacts>();
  readonly #byOid = new Map<string, RelationFacts>();
  readonly #databases = new Map<number, string>();

  async add(server: TestServer, database = 'postgres'): Promise<this> {
    const { rows } = await server.query(
      `select c.oid::int, c.relname, n.nspname, c.relkind, d.oid::int as db,
         pg_relation_filenode(c.oid)::int as filenode,
         coalesce(nullif(c.reltablespace, 0), d.dattablespace)::int as space,
         (select t.oid::int from pg_class t where t.reltoastrelid = c.oid) as "toastOf",
         case when c.relkind = 'r' and n.nspname !~ '^pg_|^information_schema' then (xpath('/row/n/text()',
           query_to_xml(format('select count(*) as n from %I.%I', n.nspname, c.relname), false, true, '')
         ))[1]::text::int end as rows
       from pg_class c join pg_namespace n on n.oid = c.relnamespace
         join pg_database d on d.datname = current_database()
       where pg_relation_filenode(c.oid) is not null and not c.relisshared`,
      database,
    );
    for (const row of rows) {
      const isCatalog = row.nspname === 'pg_catalog' || row.nspname === 'information_schema';
      const facts: RelationFacts = {
        oid: row.oid,
        kind: isCatalog ? 'catalog' : (kinds[row.relkind] as RelationKind),
        database,
        schema: row.nspname,
        name: row.relname,
        ...(row.toastOf === null ? {} : { toastOf: row.toastOf }),
        ...(row.rows === null ? {} : { rows: row.rows }),
      };
      const id = { tablespace: row.space, database: row.db, filenode: row.filenode };
      this.#byFilenode.set(relationKey(id), facts);
      this.#byOid.set(`${row.db}/${row.oid}`, facts);
      this.#databases.set(row.db, database);
    }
    return this;
  }

  byFilenode(relation: RelationId): RelationFacts | undefined {
    return this.#byFilenode.get(relationKey(relation));
  }

  byOid(databaseOid: number, oid: number): RelationFacts | undefined {
    return this.#byOid.get(`${databaseOid}/${oid}`);
  }

  /** All facts, by `relationKey`; see `from`. */
  entries(): [string, RelationFacts][] {
    return [...this.#byFilenode];
  }

  /** A directory as `entries` gave it. */
  static from(entries: readonly (readonly [string, RelationFacts])[]): TestDirectory {
    const directory = new TestDirectory();
    for (const [key, facts] of entries) {
      const database = Number(key.split('/')[1]);
      directory.#byFilenode.set(key, facts);
      directory.#byOid.set(`${database}/${facts.oid}`, facts);
      directory.#databases.set(database, facts.database);
    }
    return directory;
  }

  byName(name: string): RelationFacts | undefined {
    return [...this.#byOid.values()].find((facts) => facts.name === name);
  }

  databaseName(oid: number): string | undefined {
    return this.#databases.get(oid);
  }
}
