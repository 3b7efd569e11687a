import { seal } from '../crypto/envelope.ts';
import { compressBlob, openVerifiedBlob } from '../data-plane/blob-codec.ts';
import { type BlobToMove, repackBlobs } from '../data-plane/repack-blobs.ts';
import { encodeTree } from '../format/tree.ts';
import type { BlobIndex } from '../index/blob-index.ts';
import type { IndexOutput } from '../index/index-output.ts';
import type { BlobId, TreeNode } from '../repository.ts';
import { type RepositoryAccess, sha256 } from '../stored-file.ts';

/** restic's default size of a pack. */
const packTargetBytes = 16 * 1024 * 1024;

/** Stores the few trees that a repair makes. */
export class TreeOutput {
  readonly #access: RepositoryAccess;
  readonly #known: BlobIndex;
  readonly #index: IndexOutput;
  readonly #added = new Set<BlobId>();
  #pieces: Uint8Array[] = [];
  #blobs: BlobToMove[] = [];
  #bytes = 0;

  constructor(access: RepositoryAccess, known: BlobIndex, index: IndexOutput) {
    this.#access = access;
    this.#known = known;
    this.#index = index;
  }

  async add(nodes: readonly TreeNode[]): Promise<BlobId> {
    const { masterKey } = this.#access;
    const plain = encodeTree(nodes);
    const id = sha256(plain) as BlobId;
    if (this.#known.has('tree', id) || this.#added.has(id)) return id;
    const sealed = seal(masterKey, compressBlob('tree', plain));
    openVerifiedBlob(masterKey, sealed, plain.length, id);
    const place = { piece: this.#pieces.length, offset: 0, length: sealed.length };
    this.#blobs.push({ id, type: 'tree', ...place, uncompressedLength: plain.length });
    this.#pieces.push(sealed);
    this.#added.add(id);
    this.#bytes += sealed.length;
    if (this.#bytes >= packTargetBytes) await this.#writePack();
    return id;
  }

  /** When it resolves, every tree is durable and in a durable index file. */
  async flush(): Promise<void> {
    await this.#writePack();
    await this.#index.flush();
  }

  async #writePack(): Promise<void> {
    if (this.#blobs.length === 0) return;
    const pack = repackBlobs(this.#access.masterKey, this.#pieces, this.#blobs);
    this.#pieces = [];
    this.#blobs = [];
    this.#bytes = 0;
    await this.#access.location.write('data', pack.name, pack.bytes);
    await this.#index.addAll([{ name: pack.name, blobs: pack.blobs }]);
  }
}
