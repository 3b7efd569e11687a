import { Backend, readColumns, readRow, unexpected } from './backend-messages.ts';
import type { QueryResult } from './replication-connection.ts';

/** Puts the rows of one result set together. */
export class ResultCollector {
  #columns: readonly string[] | undefined;
  #rows: (readonly (string | null)[])[] = [];

  begin(description: Buffer): void {
    this.#columns = readColumns(description);
    this.#rows = [];
  }

  add(row: Buffer): void {
    if (!this.#columns) throw unexpected(Backend.dataRow, 'a command without result');
    this.#rows.push(readRow(row));
  }

  take(): QueryResult | undefined {
    const columns = this.#columns;
    this.#columns = undefined;
    return columns && { columns, rows: this.#rows };
  }
}
