import { isLifeboatError, throwIfAborted } from '../../core/index.ts';
import { plainLength } from '../data-plane/blob-codec.ts';
import { ownBuffer } from '../data-plane/own-buffer.ts';
import type { PackedBlob } from '../format/index-file.ts';
import { type TreeReferences, treeReferences } from '../format/tree-references.ts';
import type { BlobIndex } from '../index/blob-index.ts';
import type { BlobId } from '../repository.ts';
import type { CopySide } from './copy-side.ts';
import { planPieces } from './stored-pieces.ts';

/** Trees that are read together; neighbours in a pack come with one request. */
const treesAtOnce = 64;

export interface WalkedTree extends TreeReferences {
  readonly id: BlobId;
}

/**
 * Reads the trees below `root` that `isNew` lets pass, in no order to rely on. What cannot be read goes to `onBad`, and
 * the walk goes on beside it.
 */
export async function* walkTrees(options: {
  readonly side: CopySide;
  readonly index: BlobIndex;
  readonly root: BlobId;
  /** Asked once for each place where a tree is named. */
  readonly isNew: (id: BlobId) => boolean;
  readonly onBad: (id: BlobId, problem: string) => void;
  readonly signal?: AbortSignal | undefined;
}): AsyncGenerator<WalkedTree, void, undefined> {
  const { isNew, root, signal } = options;
  const waiting: BlobId[] = isNew(root) ? [root] : [];
  while (waiting.length > 0) {
    throwIfAborted(signal);
    for (const tree of await readTrees(options, waiting.splice(-treesAtOnce))) {
      for (const subtree of tree.subtrees) if (isNew(subtree)) waiting.push(subtree);
      yield tree;
    }
  }
}

type Reading = Omit<Parameters<typeof walkTrees>[0], 'root' | 'isNew'>;

async function readTrees(options: Reading, ids: readonly BlobId[]): Promise<readonly WalkedTree[]> {
  const packs = new Map<string, PackedBlob[]>();
  for (const id of ids) {
    const place = options.index.find('tree', id);
    if (place === undefined) {
      options.onBad(id, 'it is in no index');
      continue;
    }
    const { pack, ...rest } = place;
    packs.set(pack, [...(packs.get(pack) ?? []), { id, type: 'tree', ...rest }]);
  }
  const read = [...packs].flatMap(([pack, blobs]) =>
    planPieces(blobs).map(({ range, blobs: wanted }) => readPiece(options, pack, range, wanted)),
  );
  return (await Promise.all(read)).flat();
}

async function readPiece(
  options: Reading,
  pack: string,
  range: { readonly offset: number; readonly length: number },
  blobs: readonly PackedBlob[],
): Promise<readonly WalkedTree[]> {
  const { side, signal } = options;
  const { pool, access } = side;
  let at = 0;
  const wanted = blobs.map(({ id, offset, length, uncompressedLength }) => {
    const targets = [at];
    at += plainLength({ length, uncompressedLength });
    return { id, piece: 0, offset: offset - range.offset, length, uncompressedLength, targets };
  });
  try {
    const piece = ownBuffer(await access.location.read('data', pack, range, signal));
    const request = { type: 'decode', pieces: [piece], blobs: wanted, plainBytes: at } as const;
    const transfer = [piece.buffer];
    const { plain } = await pool
      .leastBusy()
      .run(request, 'decoded', { bytes: piece.length, transfer });
    return blobs.map(({ id }, nth) => {
      const start = wanted[nth]?.targets[0];
      const end = wanted[nth + 1]?.targets[0] ?? at;
      return { id, ...treeReferences(plain.subarray(start, end)) };
    });
  } catch (error) {
    if (!isLifeboatError(error, 'repository.damaged', 'location.file-missing')) throw error;
    const [only, ...others] = blobs;
    if (only !== undefined && others.length === 0) {
      options.onBad(only.id, `${error.message} (pack ${pack})`);
      return [];
    }
    // Together they failed; one by one shows which.
    const alone = blobs.map((blob) => {
      return readPiece(options, pack, { offset: blob.offset, length: blob.length }, [blob]);
    });
    return (await Promise.all(alone)).flat();
  }
}
