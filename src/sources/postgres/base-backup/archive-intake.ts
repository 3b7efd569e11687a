import { LifeboatError } from '../../../core/index.ts';
import type { Tablespace } from './base-backup-stream.ts';
import { walChunkSizeBytes } from './chunk-size.ts';
import type { DamagedPages } from './damaged-pages.ts';
import { FileContent } from './file-content.ts';
import { parseRelationFile } from './relation-file.ts';
import type { FilledFile, SlabFiller } from './slab-filler.ts';
import type { EntryOwner, SnapshotTree } from './snapshot-tree.ts';
import type { TarHeader } from './tar-header.ts';
import { type TarHandler, TarReader } from './tar-reader.ts';
import { isSegmentName, type WalWatch, watching } from './wal-watch.ts';

export interface IntakeParts extends WalWatch {
  readonly filler: SlabFiller;
  readonly tree: SnapshotTree;
  readonly damaged: DamagedPages;
  /** Whether the cluster has page checksums. */
  readonly verifiesPages: boolean;
  readonly chunkSizeBytes: number;
  readonly pageSizeBytes: number;
  /** Pages in one file of a relation (segment_size). */
  readonly segmentPages: number;
}

interface OpenFile {
  readonly path: string;
  readonly header: TarHeader;
  readonly content: FileContent;
  /** WAL segments are in no manifest; they are judged by what they hold. */
  readonly isSegment: boolean;
}

/** 4 TiB: the ids of its chunks must find room. */
const longestFileBytes = 2 ** 42;

/** Files that a copy must not start with: they belong to the server's life as it was, or would make it a standby. */
const leftOut = new Set([
  'postmaster.pid',
  'postmaster.opts',
  'tablespace_map',
  'standby.signal',
  'recovery.signal',
]);

/**
 * Takes the archives of a base backup and puts them into the snapshot: the bytes of files go to the threads, which cut,
 * verify and sum them; WAL is looked at as it goes by.
 */
export class ArchiveIntake implements TarHandler {
  readonly #parts: IntakeParts;
  /** All files but WAL segments, by path. */
  readonly streamed = new Map<string, FileContent>();
  /** Who owns the data directory: the owner of its PG_VERSION. */
  owner: EntryOwner = { uid: 0, gid: 0, mtimeSeconds: 0 };
  #tar: TarReader | undefined;
  #prefix = '';
  #file: OpenFile | undefined;
  #walBegan = false;

  constructor(parts: IntakeParts) {
    this.#parts = parts;
  }

  /** The first WAL segment has begun: by then all pages have been sent. */
  get walBegan(): boolean {
    return this.#walBegan;
  }

  beginArchive(tablespace: Tablespace | undefined): void {
    this.#prefix = tablespace ? `pg_tblspc/${tablespace.oid}/` : '';
    this.#tar = new TarReader(this);
  }

  /** Bytes of the archive. The view is only valid until return. */
  push(bytes: Uint8Array): void {
    this.#tar?.push(bytes);
  }

  endArchive(): void {
    this.#tar?.end();
    this.#tar = undefined;
  }

  onEntry(header: TarHeader): void {
    const path = this.#prefix + header.path.replace(/^(\.\/)+|\/+$/g, '');
    const { mode, uid, gid, mtimeSeconds } = header;
    if (header.type === '5') {
      if (path !== '.')
        this.#parts.tree.addDirectory(`data/${path}`, { mode, uid, gid, mtimeSeconds });
    } else if (header.type === '2') {
      this.#link(path, header);
    } else if (header.type === '0' || header.type === '7') {
      this.#begin(path, header);
    } else {
      throw new LifeboatError(
        'postgres.protocol',
        `the server sent an entry of the unknown type ${JSON.stringify(header.type)}: ${path}`,
      );
    }
  }

  onData(bytes: Uint8Array): void {
    if (this.#file) this.#parts.filler.push(bytes);
  }

  onEntryEnd(): void {
    const file = this.#file;
    this.#file = undefined;
    if (!file) return;
    const { mode, uid, gid, mtimeSeconds } = file.header;
    const { path, content } = file;
    if (!leftOut.has(path)) {
      this.#parts.tree.addFile(`data/${path}`, { mode, uid, gid, mtimeSeconds, content });
    }
    if (!file.isSegment) this.streamed.set(path, content);
  }

  /** Links to tablespaces become folders, filled from their own archives. No other link belongs here. */
  #link(path: string, header: TarHeader): void {
    if (/^pg_tblspc\/\d+$/.test(path)) {
      const { uid, gid, mtimeSeconds } = header;
      this.#parts.tree.addDirectory(`data/${path}`, { mode: 0o700, uid, gid, mtimeSeconds });
      return;
    }
    throw new LifeboatError(
      'postgres.protocol',
      `the server sent a link that is no tablespace: ${JSON.stringify(path)}`,
    );
  }

  #begin(path: string, header: TarHeader): void {
    if (path === 'PG_VERSION') {
      this.owner = { uid: header.uid, gid: header.gid, mtimeSeconds: header.mtimeSeconds };
    }
    const walName = /^pg_wal\/([^/]+)$/.exec(path)?.[1];
    const isSegment = walName !== undefined && isSegmentName(walName);
    const { filler, chunkSizeBytes, pageSizeBytes } = this.#parts;
    const { sizeBytes } = header;
    if (sizeBytes > longestFileBytes) {
      throw new LifeboatError('postgres.protocol', `the server sent a file of ${sizeBytes} bytes`);
    }
    // So that all pages before the WAL can be looked at before it is.
    if (isSegment && !this.#walBegan) filler.flush();
    const content = new FileContent(sizeBytes, isSegment ? walChunkSizeBytes : chunkSizeBytes);
    this.#file = { path, header, content, isSegment };
    filler.begin({
      content,
      pageSizeBytes,
      ...this.#pages(path),
      ...(walName === undefined ? {} : watching(this.#parts, walName, sizeBytes)),
    });
    if (isSegment) this.#walBegan = true;
  }

  #pages(path: string): Pick<FilledFile, 'firstBlock' | 'onFailures'> {
    const { verifiesPages, damaged, segmentPages } = this.#parts;
    const relation = verifiesPages ? parseRelationFile(path) : undefined;
    if (!relation) return { firstBlock: undefined };
    return {
      firstBlock: relation.segment * segmentPages,
      onFailures: (blocks) => damaged.suspectAll(path, relation, blocks),
    };
  }
}
