import type { BaselineDatabase, BaselineRecord, BaselineTable } from '../../sources/index.ts';
import {
  type FileChange,
  type FileRows,
  type RelationId,
  type RowTallyResult,
  relationKey,
} from '../../wal/index.ts';

/** Which table it is, and in which file its rows lie. */
export interface TableFile {
  /** OIDs. */
  readonly database: number;
  readonly oid: number;
  readonly filenode: number;
  readonly tablespace: number;
}

/** What a table must hold, or why that is not known. */
export type ExpectedRows = { readonly rows: number } | { readonly unknown: string };

const untold = 'the log does not tell how many of its rows went';

/** Counts of a baseline, and what the log says happened to them since. Never guesses. */
export class CarriedRows {
  readonly #databases: ReadonlyMap<number, BaselineDatabase>;
  readonly #files: ReadonlyMap<string, FileRows>;
  readonly #changes: readonly FileChange[];
  readonly #removed: ReadonlySet<string>;
  readonly #incomplete: ReadonlySet<number>;

  constructor(baseline: BaselineRecord, tally: RowTallyResult) {
    this.#databases = new Map(baseline.databases.map((each) => [each.oid, each]));
    this.#files = new Map(tally.files.map((each) => [relationKey(each), each]));
    this.#changes = tally.fileChanges;
    this.#removed = new Set(tally.fileChanges.flatMap(({ removed }) => removed.map(relationKey)));
    this.#incomplete = new Set(tally.incomplete);
  }

  rowsOf(table: TableFile): ExpectedRows {
    const database = this.#databases.get(table.database);
    if (database === undefined) return { unknown: 'its database was not counted' };
    if (this.#incomplete.has(table.database)) {
      return { unknown: 'a transaction began before the part of the log that is there' };
    }
    const counted = database.tables.find(({ oid }) => oid === table.oid);
    const now = this.#files.get(relationKey(table));
    if (counted !== undefined && isSameFile(counted, table)) return carry(counted, now);
    if (now?.isUncertain) return { unknown: untold };
    if (now?.isMade) {
      if (now.copiedPages === 0) return { rows: now.change };
      return this.#copied(table, now, counted);
    }
    if (counted === undefined) return { unknown: 'it was not counted' };
    return { unknown: 'its rows lie in another file since then' };
  }

  missing(database: number, oids: ReadonlySet<number>): readonly BaselineTable[] {
    if (this.#incomplete.has(database)) return [];
    return (this.#databases.get(database)?.tables ?? []).filter((each) => {
      if (each.filenode === 0 || each.tablespace === undefined || oids.has(each.oid)) return false;
      return !this.#removed.has(relationKey(fileOf(database, each)));
    });
  }

  /** VACUUM FULL, CLUSTER and SET TABLESPACE: as many rows as were in the file that went away for it. */
  #copied(table: TableFile, now: FileRows, counted: BaselineTable | undefined): ExpectedRows {
    const unknown = { unknown: 'it was rewritten more than once' };
    if (counted === undefined || counted.tablespace === undefined) return unknown;
    const before = fileOf(table.database, counted);
    const change = this.#changes.find(({ made }) => has(made, now));
    const isOneStep =
      change !== undefined &&
      has(change.removed, before) &&
      !change.removed.some((each) => has(change.made, each));
    if (!isOneStep) return unknown;
    const old = carry(counted, this.#files.get(relationKey(before)));
    return 'rows' in old ? { rows: old.rows + now.change } : old;
  }
}

function carry(counted: BaselineTable, file: FileRows | undefined): ExpectedRows {
  if (counted.isUnlogged) return { rows: 0 };
  if (file?.isUncertain) return { unknown: untold };
  if (counted.rows === undefined || !counted.rowsExact) {
    return { unknown: 'its rows were not counted exactly' };
  }
  return { rows: counted.rows + (file?.change ?? 0) };
}

function isSameFile(counted: BaselineTable, { filenode, tablespace }: TableFile): boolean {
  return counted.filenode === filenode && (counted.tablespace ?? tablespace) === tablespace;
}

function fileOf(database: number, { tablespace = 0, filenode }: BaselineTable): RelationId {
  return { tablespace, database, filenode };
}

function has(files: readonly RelationId[], file: RelationId): boolean {
  const key = relationKey(file);
  return files.some((each) => relationKey(each) === key);
}
