import { LifeboatError } from '../../../core/index.ts';
import type { BlobId } from '../../../repository/index.ts';
import { crc32c } from '../../../wal/index.ts';
import type { Tablespace } from './base-backup-stream.ts';
import type { ChunkSaver } from './chunk-saver.ts';
import { walChunkSizeBytes } from './chunk-size.ts';
import type { DamagedPages } from './damaged-pages.ts';
import type { LogComparison } from './log-comparison.ts';
import type { StreamedFile } from './manifest-check.ts';
import type { PageVerifier } from './page-checksum.ts';
import { parseRelationFile, type RelationFile } from './relation-file.ts';
import type { EntryOwner, FileEntry, SnapshotTree } from './snapshot-tree.ts';
import type { StoredWal } from './stored-wal.ts';
import type { TarHeader } from './tar-header.ts';
import { type TarHandler, TarReader } from './tar-reader.ts';
import type { WalReplacements } from './wal-replacements.ts';

export interface IntakeParts {
  readonly saver: ChunkSaver;
  readonly tree: SnapshotTree;
  readonly wal: StoredWal;
  readonly comparison: Pick<LogComparison, 'add'>;
  readonly replacements: WalReplacements;
  readonly damaged: DamagedPages;
  /** Undefined when the cluster has no page checksums. */
  readonly verifier: PageVerifier | undefined;
  readonly chunkSizeBytes: number;
  readonly pageSizeBytes: number;
  /** Pages in one file of a relation (segment_size). */
  readonly segmentPages: number;
}

interface OpenFile {
  readonly path: string;
  readonly header: TarHeader;
  readonly content: BlobId[];
  readonly chunkSizeBytes: number;
  readonly relation: RelationFile | undefined;
  /** Name of a file of pg_wal, else undefined. */
  readonly walName: string | undefined;
  /** WAL segments are in no manifest; they are judged by what they hold. */
  readonly isSegment: boolean;
  /** Bytes handed on. */
  position: number;
  crc32c: number;
}

/** Files that a copy must not start with: they belong to the server's life as it was, or would make it a standby. */
const leftOut = new Set([
  'postmaster.pid',
  'postmaster.opts',
  'tablespace_map',
  'standby.signal',
  'recovery.signal',
]);

/**
 * Takes the archives of a base backup and puts them into the snapshot: cuts files into chunks, each assembled once
 * in a buffer of its own, verifies pages and sums what the manifest will be compared with.
 */
export class ArchiveIntake implements TarHandler {
  readonly #parts: IntakeParts;
  /** All files but WAL segments, by path. */
  readonly streamed = new Map<string, StreamedFile>();
  /** Who owns the data directory: the owner of its PG_VERSION. */
  owner: EntryOwner = { uid: 0, gid: 0, mtimeSeconds: 0 };
  #tar: TarReader | undefined;
  #prefix = '';
  #file: OpenFile | undefined;
  #chunk: Uint8Array = new Uint8Array(0);
  #filled = 0;

  constructor(parts: IntakeParts) {
    this.#parts = parts;
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
    const file = this.#file;
    if (!file) return;
    for (let at = 0; at < bytes.length; ) {
      if (this.#filled === 0) {
        const rest = file.header.sizeBytes - file.position;
        // Not zeroed: every byte is written before anyone reads it.
        this.#chunk = Buffer.allocUnsafeSlow(Math.min(file.chunkSizeBytes, rest));
      }
      const part = bytes.subarray(at, at + this.#chunk.length - this.#filled);
      this.#chunk.set(part, this.#filled);
      this.#filled += part.length;
      at += part.length;
      if (this.#filled === this.#chunk.length) this.#finishChunk(file);
    }
  }

  onEntryEnd(): void {
    const file = this.#file;
    this.#file = undefined;
    if (!file) return;
    const { sizeBytes, mode, uid, gid, mtimeSeconds } = file.header;
    const entry: FileEntry = { mode, uid, gid, mtimeSeconds, sizeBytes, content: file.content };
    if (!leftOut.has(file.path)) this.#parts.tree.addFile(`data/${file.path}`, entry);
    if (!file.isSegment) {
      this.streamed.set(file.path, { sizeBytes, crc32c: littleEndianHex(file.crc32c) });
    }
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
    const isSegment = walName !== undefined && /^[0-9A-F]{24}$/.test(walName);
    this.#file = {
      path,
      header,
      content: [],
      chunkSizeBytes: isSegment ? walChunkSizeBytes : this.#parts.chunkSizeBytes,
      relation: parseRelationFile(path),
      walName,
      isSegment,
      position: 0,
      crc32c: 0,
    };
    this.#filled = 0;
    if (isSegment) this.#parts.replacements.beginFile(walName);
  }

  #finishChunk(file: OpenFile): void {
    const chunk = this.#chunk;
    const index = file.position === 0 ? 0 : Math.floor(file.position / file.chunkSizeBytes);
    if (file.isSegment) {
      this.#parts.replacements.push(chunk);
      this.#parts.comparison.add(file.walName ?? '', file.position, chunk);
    } else {
      file.crc32c = crc32c(chunk, file.crc32c);
      this.#verifyPages(file, chunk);
    }
    if (file.walName !== undefined && index === 0) {
      this.#parts.wal.add(file.walName, file.header.sizeBytes, chunk.subarray(0, 40));
    }
    file.position += chunk.length;
    this.#filled = 0;
    this.#chunk = new Uint8Array(0);
    const { content } = file;
    if (leftOut.has(file.path)) return;
    this.#parts.saver.save(chunk, (id) => {
      content[index] = id;
    });
  }

  #verifyPages(file: OpenFile, chunk: Uint8Array): void {
    const { verifier, damaged, segmentPages, pageSizeBytes } = this.#parts;
    const { relation } = file;
    if (!verifier || !relation) return;
    const first = relation.segment * segmentPages + file.position / pageSizeBytes;
    for (const block of verifier.failures(chunk, first))
      damaged.suspect(file.path, relation, block);
  }
}

/** As the manifest writes a CRC-32C: the bytes of the number as they lie in the memory of the server. */
function littleEndianHex(checksum: number): string {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(checksum);
  return bytes.toString('hex');
}
