import { throwIfAborted } from '../../core/index.ts';
import { plainLength } from '../data-plane/blob-codec.ts';
import type { BlobIndex } from '../index/blob-index.ts';
import type { BlobId, TreeNode } from '../repository.ts';
import type { RepositoryAccess } from '../stored-file.ts';
import type { TreeOutput } from './tree-output.ts';
import { TreeReader } from './tree-reader.ts';

export interface Loss {
  readonly path: string;
  /** `shortened`: some of its content is lost. `emptied`: the list of a folder is lost, with all below. */
  readonly what: 'shortened' | 'emptied';
  readonly bytesLost: number;
}

export interface TreeRepairTools {
  readonly access: RepositoryAccess;
  readonly index: BlobIndex;
  /** Absent in a dry run. */
  readonly output: TreeOutput | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What became of a tree; the same for every snapshot that holds it. */
interface Outcome {
  /** Undefined when it cannot be read. */
  readonly id: BlobId | undefined;
  /** Paths are relative to the tree. Only the first ones are kept. */
  readonly losses: readonly Loss[];
}

const mostLosses = 1000;
/** So many folders of a folder are read at once. */
const ahead = 16;

/** Makes trees that need nothing that is lost. Trees that are whole stay what they are, byte for byte. */
export class TreeRepair {
  readonly #tools: TreeRepairTools;
  readonly #trees: TreeReader;
  readonly #outcomes = new Map<BlobId, Promise<Outcome>>();

  constructor(tools: TreeRepairTools) {
    this.#tools = tools;
    this.#trees = new TreeReader(tools.access, tools.index, tools.signal);
  }

  /** Each tree is looked at once, however many folders share it. */
  repair(id: BlobId): Promise<Outcome> {
    let outcome = this.#outcomes.get(id);
    if (outcome === undefined) {
      outcome = this.#repairTree(id);
      this.#outcomes.set(id, outcome);
    }
    return outcome;
  }

  async #repairTree(id: BlobId): Promise<Outcome> {
    throwIfAborted(this.#tools.signal);
    const nodes = await this.#trees.read(id);
    if (nodes === undefined) return { id: undefined, losses: [] };
    const losses: Loss[] = [];
    const repaired: TreeNode[] = [];
    const folders = nodes.flatMap(({ subtree }) => (subtree === undefined ? [] : [subtree]));
    let next = 0;
    for (const node of nodes) {
      if (node.subtree !== undefined) {
        for (const soon of folders.slice(next, next + ahead)) this.#expect(soon);
        next++;
      }
      repaired.push(await this.#repairNode(node, losses));
    }
    if (losses.length === 0) return { id, losses };
    const { output } = this.#tools;
    return { id: output === undefined ? id : await output.add(repaired), losses };
  }

  #expect(id: BlobId): void {
    if (!this.#outcomes.has(id)) this.#trees.expect(id);
  }

  async #repairNode(node: TreeNode, losses: Loss[]): Promise<TreeNode> {
    if (node.subtree !== undefined) return await this.#repairFolder(node, node.subtree, losses);
    if (node.content === undefined) return node;
    const { index } = this.#tools;
    const content = node.content.filter((blob) => index.has('data', blob));
    if (content.length === node.content.length) return node;
    const sizeBytes = content.reduce((sum, blob) => {
      return (
        sum + plainLength(index.find('data', blob) as NonNullable<ReturnType<typeof index.find>>)
      );
    }, 0);
    const bytesLost = Math.max(0, (node.sizeBytes ?? 0) - sizeBytes);
    note(losses, { path: node.name, what: 'shortened', bytesLost });
    return { ...node, content, sizeBytes };
  }

  async #repairFolder(node: TreeNode, subtree: BlobId, losses: Loss[]): Promise<TreeNode> {
    const below = await this.repair(subtree);
    for (const loss of below.losses) note(losses, { ...loss, path: `${node.name}/${loss.path}` });
    if (below.id !== undefined) return { ...node, subtree: below.id };
    note(losses, { path: node.name, what: 'emptied', bytesLost: 0 });
    const { output } = this.#tools;
    return output === undefined ? node : { ...node, subtree: await output.add([]) };
  }
}

function note(losses: Loss[], loss: Loss): void {
  if (losses.length < mostLosses) losses.push(loss);
}
