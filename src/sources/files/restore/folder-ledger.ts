import type { TreeNode } from '../../../repository/index.ts';
import type { FinishFolderTask, FoundFolder } from './messages.ts';

interface OpenWork {
  readonly number: number;
  readonly parent: number;
  readonly path: string;
  readonly node: TreeNode | undefined;
  /** Tasks that are not done, in it and in what lies below. */
  left: number;
  /** Its attributes are set at the end: it is wanted itself, or was made for what is in it. */
  isOurs: boolean;
}

/** Knows which folders have work left, and tells when a folder can get its own attributes: after all below it. */
export class FolderLedger {
  readonly #open = new Map<number, OpenWork>();
  readonly #byPath = new Map<string, OpenWork>();
  readonly #onDone: (task: FinishFolderTask, parent: number) => void;
  #numbers = 0;

  constructor(onDone: (task: FinishFolderTask, parent: number) => void) {
    this.#onDone = onDone;
  }

  /** The target itself, whose attributes stay as they are. Its number is the parent of what is in it. */
  openTarget(): number {
    return this.#add({ parent: -1, path: '', node: undefined, isOurs: false });
  }

  /** Its pass is its first task. */
  open({ parent, path, node, isOurs }: FoundFolder): number {
    this.addTask(parent);
    return this.#add({ parent, path, node, isOurs });
  }

  addTask(folder: number): void {
    const work = this.#open.get(folder);
    if (work !== undefined) work.left++;
  }

  endTask(folder: number): void {
    const work = this.#open.get(folder);
    if (work === undefined || --work.left > 0) return;
    this.#open.delete(folder);
    this.#byPath.delete(work.path);
    const { path, node, parent } = work;
    if (work.isOurs && node !== undefined) {
      // It counts as a task of the folder above until it is done.
      const { subtree: _, ...bare } = node;
      this.#onDone({ type: 'finishFolder', path, node: bare }, parent);
    } else if (parent >= 0) this.endTask(parent);
  }

  markMade(path: string): void {
    const work = this.#byPath.get(path);
    if (work !== undefined) work.isOurs = true;
  }

  #add(work: Omit<OpenWork, 'number' | 'left'>): number {
    const number = ++this.#numbers;
    const added = { ...work, number, left: 1 };
    this.#open.set(number, added);
    this.#byPath.set(work.path, added);
    return number;
  }
}
