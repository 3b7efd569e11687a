import { createHash } from 'node:crypto';
import { type BigIntStats, constants, lstatSync } from 'node:fs';
import { open, readdir, readlink } from 'node:fs/promises';
import { LifeboatError, throwIfAborted } from '../../../core/index.ts';
import { getXattr, listXattrs } from '../../../sources/index.ts';
import type { TreeDelivery } from '../ground.ts';
import { endOfArchive, gnuTarHeader, padding, paxHeader } from './tar-header.ts';

/** What was sent of an entry, to be compared with what arrived. */
export interface SentEntry {
  /** As st_mode has it, with the type. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  /** Of the content of a file, in hex. */
  readonly sha256: string | undefined;
}

export interface SendTreeOptions {
  /** The tar there understands more than the old format. */
  readonly isGnu: boolean;
  /** Names directly in the tree that are left out. */
  readonly leftOut: ReadonlySet<string>;
  readonly signal: AbortSignal | undefined;
  /** Bytes of file content since the start. */
  readonly onBytes: (done: number) => void;
}

const pieceBytes = 1 << 18;
const slash = Buffer.from('/');

/** A tree as a tar archive, read once: what is sent is what the digests are of. */
export class TreeSender {
  /** By raw path as Latin-1, as `find .` prints it. Whole when the archive has come to its end. */
  readonly sent = new Map<string, SentEntry>();
  readonly #delivery: TreeDelivery;
  readonly #options: SendTreeOptions;
  /** By device and inode: the first name of a file with several. */
  readonly #firstNames = new Map<string, Buffer>();
  #done = 0;

  constructor(delivery: TreeDelivery, options: SendTreeOptions) {
    this.#delivery = delivery;
    this.#options = options;
  }

  async *archive(): AsyncGenerator<Buffer> {
    yield* this.#entry(Buffer.from(this.#delivery.folder), Buffer.from('.'));
    yield endOfArchive();
  }

  async *#entry(path: Buffer, name: Buffer): AsyncGenerator<Buffer> {
    throwIfAborted(this.#options.signal);
    const facts = lstatSync(path, { bigint: true });
    if (facts.isSocket()) return;
    if (facts.isDirectory()) yield* this.#folder(path, name, facts);
    else yield* this.#leaf(path, name, facts);
  }

  async *#folder(path: Buffer, name: Buffer, facts: BigIntStats): AsyncGenerator<Buffer> {
    yield this.#header(path, Buffer.concat([name, slash]), facts, undefined, false);
    this.#note(name, facts, undefined);
    const isRoot = name.length === 1;
    for (const each of await readdir(path, { encoding: 'buffer' })) {
      if (isRoot && this.#options.leftOut.has(each.toString('latin1'))) continue;
      yield* this.#entry(Buffer.concat([path, slash, each]), Buffer.concat([name, slash, each]));
    }
  }

  async *#leaf(path: Buffer, name: Buffer, facts: BigIntStats): AsyncGenerator<Buffer> {
    const key = `${facts.dev} ${facts.ino}`;
    const first = facts.nlink > 1n ? this.#firstNames.get(key) : undefined;
    if (first !== undefined) {
      yield this.#header(path, name, facts, first, true);
      this.#note(name, facts, this.sent.get(first.toString('latin1'))?.sha256);
      return;
    }
    if (facts.nlink > 1n) this.#firstNames.set(key, name);
    const link = facts.isSymbolicLink() ? await readlink(path, { encoding: 'buffer' }) : undefined;
    yield this.#header(path, name, facts, link, false);
    const sha256 = facts.isFile() ? yield* this.#content(path, facts) : undefined;
    this.#note(name, facts, sha256);
  }

  async *#content(path: Buffer, facts: BigIntStats): AsyncGenerator<Buffer, string> {
    const hash = createHash('sha256');
    const size = Number(facts.size);
    await using file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
    for (let at = 0; at < size; ) {
      throwIfAborted(this.#options.signal);
      // A new one each time: what was yielded may still wait to be written.
      const piece = Buffer.allocUnsafe(Math.min(pieceBytes, size - at));
      const { bytesRead } = await file.read(piece, 0, piece.length, at);
      if (bytesRead === 0) throw changed(path);
      const bytes = piece.subarray(0, bytesRead);
      hash.update(bytes);
      at += bytesRead;
      this.#done += bytesRead;
      this.#options.onBytes(this.#done);
      yield bytes;
    }
    yield padding(size);
    if ((await file.stat({ bigint: true })).size !== facts.size) throw changed(path);
    return hash.digest('hex');
  }

  #header(
    path: Buffer,
    name: Buffer,
    facts: BigIntStats,
    link: Buffer | undefined,
    isHardLink: boolean,
  ): Buffer {
    const { uid, gid } = this.#ownerOf(facts);
    const header = gnuTarHeader({ name, facts, uid, gid, link, isHardLink });
    if (!this.#options.isGnu || isHardLink) return header;
    const attributes = listXattrs(path).map((each) => ({
      name: each,
      value: getXattr(path, each) ?? Buffer.alloc(0),
    }));
    return Buffer.concat([paxHeader(facts, attributes), header]);
  }

  #note(name: Buffer, facts: BigIntStats, sha256: string | undefined): void {
    const { uid, gid } = this.#ownerOf(facts);
    const [mode, size] = [Number(facts.mode), Number(facts.size)];
    this.sent.set(name.toString('latin1'), { mode, uid, gid, size, sha256 });
  }

  #ownerOf(facts: BigIntStats): { readonly uid: number; readonly gid: number } {
    return this.#delivery.owner ?? { uid: Number(facts.uid), gid: Number(facts.gid) };
  }
}

function changed(path: Buffer): LifeboatError {
  return new LifeboatError('ground.failed', `${path.toString()} changed while it was sent`, {
    hint: 'Nobody may write to what is delivered. Restore it again.',
  });
}
