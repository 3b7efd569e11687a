import { formatCount, type Progress, throwIfAborted } from '../../../core/index.ts';
import type { BlobId, ReaderThreads } from '../../../repository/index.ts';
import { addCounts, bytesOf, filesOf, noCounts, type RestoreCounts } from './counts.ts';
import { FolderLedger } from './folder-ledger.ts';
import { LinkGroups } from './link-groups.ts';
import type {
  BatchAnswer,
  FileTask,
  FolderTask,
  FoundFolder,
  LargeFile,
  LinkTask,
  LostRange,
  RestoreTask,
} from './messages.ts';
import { type ProblemList, Problems } from './problems.ts';

const task = 'restore files';
const foldersPerBatch = 24;
const othersPerBatch = 16;
/** Batches a thread has at once: one more than it works on, or enough to hide the way to a remote repository. */
const depth = { local: 2, remote: 6 };

interface OpenFile {
  readonly large: LargeFile;
  partsLeft: number;
  readonly lost: LostRange[];
}

export interface RunOptions {
  readonly threads: ReaderThreads;
  readonly tree: BlobId;
  readonly title: string;
  readonly totalBytes?: number | undefined;
  readonly isTargetFresh: boolean;
  /** Nothing that exists can be in the way. */
  readonly isTargetEmpty: boolean;
  readonly isWhole: boolean;
  readonly progress: Progress;
  readonly signal: AbortSignal | undefined;
}

export interface RunResult {
  readonly counts: RestoreCounts;
  readonly problems: ProblemList;
}

/**
 * Hands the folders of a snapshot to the threads, deepest first, so that little is open at a time; then what they find:
 * parts of large files, hard links, and folders whose contents are complete.
 */
export class RestoreRun {
  readonly #options: RunOptions;
  readonly #counts = noCounts();
  readonly #problems = new Problems();
  readonly #links: LinkGroups;
  readonly #ledger: FolderLedger;
  /** Taken from the end. */
  readonly #folders: FolderTask[] = [];
  /** Taken from the beginning, before folders: they end what was begun. */
  #others: { readonly task: RestoreTask; readonly parent: number }[] = [];
  readonly #files = new Map<number, OpenFile>();
  #fileNumbers = 0;
  #bytesPassed = 0;

  constructor(options: RunOptions) {
    this.#options = options;
    this.#links = new LinkGroups(!options.isTargetEmpty);
    this.#ledger = new FolderLedger((finish, parent) => {
      this.#others.push({ task: finish, parent });
    });
  }

  async run(): Promise<RunResult> {
    const { tree, isTargetFresh, isWhole, progress, title } = this.#options;
    const folder = this.#ledger.openTarget();
    this.#folders.push({
      type: 'folder',
      folder,
      path: '',
      tree,
      isFresh: isTargetFresh,
      isSelected: isWhole,
      inheritsAcl: false,
    });
    progress({ type: 'begin', task, title });
    await this.#work();
    this.#tellProgress();
    progress({ type: 'end', task });
    return { counts: this.#counts, problems: this.#problems.list() };
  }

  /** Ends when nothing is left or under way; what is under way when something fails is waited for. */
  async #work(): Promise<void> {
    const { threads, signal } = this.#options;
    const slots = threads.isLocal ? depth.local : depth.remote;
    const busy = new Array<number>(threads.count).fill(0);
    const underWay = new Set<Promise<void>>();
    let failure: { readonly error: unknown } | undefined;
    for (;;) {
      while (failure === undefined && !signal?.aborted) {
        const thread = busy.indexOf(Math.min(...busy));
        if ((busy[thread] ?? slots) >= slots) break;
        const batch = this.#nextBatch(threads.count * slots);
        if (batch.length === 0) break;
        busy[thread] = (busy[thread] ?? 0) + 1;
        const work: Promise<void> = this.#runBatch(thread, batch)
          .catch((error) => {
            failure ??= { error };
          })
          .finally(() => {
            busy[thread] = (busy[thread] ?? 1) - 1;
            underWay.delete(work);
          });
        underWay.add(work);
      }
      if (underWay.size === 0 && (failure !== undefined || !this.#releaseLinks())) break;
      if (underWay.size === 0) continue;
      await Promise.race(underWay);
    }
    // The operating system keeps them open for the process, not for the thread.
    const close: RestoreTask = { type: 'closeFolders' };
    const all = Array.from({ length: threads.count }, (_, thread) => threads.run(thread, [close]));
    await Promise.allSettled(all);
    throwIfAborted(signal);
    if (failure !== undefined) throw failure.error;
  }

  #nextBatch(shares: number): readonly { readonly task: RestoreTask; readonly parent: number }[] {
    if (this.#others.length > 0) {
      // Parts are large: they go one by one.
      const first = this.#others[0]?.task.type;
      return this.#others.splice(0, first === 'part' ? 1 : othersPerBatch);
    }
    const count = Math.min(foldersPerBatch, Math.ceil(this.#folders.length / shares));
    return this.#folders.splice(-count, count).map((each) => ({ task: each, parent: each.folder }));
  }

  async #runBatch(
    thread: number,
    batch: readonly { readonly task: RestoreTask; readonly parent: number }[],
  ): Promise<void> {
    const { threads } = this.#options;
    const tasks = batch.map((each) => each.task);
    const answer = await threads.run<BatchAnswer>(thread, tasks);
    this.#take(answer);
    for (const each of batch) {
      this.#endPart(each.task);
      this.#ledger.endTask(each.parent);
    }
    this.#tellProgress();
  }

  #tellProgress(): void {
    const { progress, totalBytes } = this.#options;
    progress({
      type: 'progress',
      task,
      done: bytesOf(this.#counts),
      // A snapshot says the sizes of all its names: what needs no bytes of its own is no work.
      ...(totalBytes === undefined ? {} : { total: Math.max(0, totalBytes - this.#bytesPassed) }),
      unit: 'bytes',
      detail: `${formatCount(filesOf(this.#counts))} files`,
    });
  }

  #take(answer: BatchAnswer): void {
    addCounts(this.#counts, answer.counts);
    this.#bytesPassed += answer.bytesPassed;
    this.#problems.addAll(answer.problems);
    for (const path of answer.made) this.#ledger.markMade(path);
    for (const found of answer.folders) this.#openFolder(found);
    for (const large of answer.large) this.#openFile(large);
    for (const { file, range } of answer.lost) this.#files.get(file)?.lost.push(range);
    for (const found of answer.linked) {
      this.#ledger.addTask(found.parent);
      this.#pushAll(this.#links.add(found));
    }
    for (const { group, isThere } of answer.groups) {
      this.#pushAll(this.#links.settle(group, isThere));
    }
  }

  #pushAll(tasks: readonly (FileTask | LinkTask)[]): void {
    for (const next of tasks) this.#others.push({ task: next, parent: next.parent });
  }

  /** When no folder is left: false when there is nothing more to do. */
  #releaseLinks(): boolean {
    if (this.#options.signal?.aborted) return false;
    this.#pushAll(this.#links.release());
    return this.#others.length > 0;
  }

  #openFolder(found: FoundFolder): void {
    const { path, node, isFresh, isSelected, inheritsAcl } = found;
    const folder = this.#ledger.open(found);
    const tree = node.subtree as BlobId;
    this.#folders.push({ type: 'folder', folder, path, tree, isFresh, isSelected, inheritsAcl });
  }

  #openFile(large: LargeFile): void {
    const file = ++this.#fileNumbers;
    const { parent, parts, path, name } = large;
    this.#files.set(file, { large, partsLeft: parts.length, lost: [...large.lost] });
    this.#ledger.addTask(parent);
    for (const part of parts) {
      this.#ledger.addTask(parent);
      this.#others.push({ task: { type: 'part', file, path, name, part }, parent });
    }
    if (parts.length === 0) this.#finishFile(file);
  }

  #endPart(ended: RestoreTask): void {
    if (ended.type !== 'part') return;
    const open = this.#files.get(ended.file);
    if (open !== undefined && --open.partsLeft === 0) this.#finishFile(ended.file);
  }

  #finishFile(file: number): void {
    const { large, lost } = this.#files.get(file) as OpenFile;
    this.#files.delete(file);
    const finish: RestoreTask = { type: 'finishFile', file, large, lost };
    this.#others.push({ task: finish, parent: large.parent });
  }
}
