import { type Lsn, parseSegmentName, WalReader, type WalRecord } from '../../../wal/index.ts';
import type { DamagedPages } from './damaged-pages.ts';

/** Resource manager of databases; its record 0x00 copies a database file by file (13 to 18). */
const databaseManager = 4;

/** Reads the WAL of a backup, only when pages are suspected, and clears those that replay writes anew. */
export class WalReplacements {
  readonly #pages: DamagedPages;
  readonly #startLsn: Lsn;
  readonly #segmentSizeBytes: number;
  #reader: WalReader | undefined;
  #nextSegment = -1n;

  /** What replay does before `startLsn` does not count: it begins there. */
  constructor(pages: DamagedPages, startLsn: Lsn, segmentSizeBytes: number) {
    this.#pages = pages;
    this.#startLsn = startLsn;
    this.#segmentSizeBytes = segmentSizeBytes;
  }

  /** A file of pg_wal begins, when all pages have been looked at. Segments come in the order of their positions. */
  beginFile(name: string): void {
    const segment = parseSegmentName(name, this.#segmentSizeBytes);
    if (!segment || !this.#pages.anySuspected) {
      this.#reader = undefined;
      return;
    }
    if (!this.#reader || segment.start !== this.#nextSegment) {
      this.#reader = new WalReader({
        startLsn: segment.start,
        segmentSizeBytes: this.#segmentSizeBytes,
      });
    }
    this.#nextSegment = segment.start + BigInt(this.#segmentSizeBytes);
  }

  push(bytes: Uint8Array): void {
    if (!this.#reader) return;
    for (const record of this.#reader.read(bytes)) {
      if (record.lsn >= this.#startLsn) this.#clear(record);
    }
  }

  #clear(record: WalRecord): void {
    for (let index = 0; index < record.blockCount; index++) {
      const block = record.blockAt(index);
      if (!block.willInit && !(block.hasImage && block.appliesImage)) continue;
      this.#pages.replaced({
        tablespace: block.tablespace,
        database: block.database,
        filenode: block.relation,
        fork: block.fork,
        block: block.blockNumber,
      });
    }
    if (record.resourceManager === databaseManager && record.info === 0 && record.mainBytes >= 8) {
      const at = record.mainOffset;
      const database = record.view.getUint32(at, true);
      this.#pages.replacedDatabase(record.view.getUint32(at + 4, true), database);
    }
  }
}
