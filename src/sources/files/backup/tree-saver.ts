import { type BigIntStats, lstatSync, readdirSync, statSync } from 'node:fs';
import { fileError } from '../../../core/index.ts';
import type { BlobId, BlobSink } from '../../../repository/thread.ts';
import { childPath, systemPath } from './byte-path.ts';
import type { ContentSaver } from './content-saver.ts';
import type { Counter } from './counts.ts';
import { attributes, type EntryNodes, typeOf } from './entry-node.ts';
import type { EntryFilter } from './entry-rules.ts';
import { type Exchange, isWork } from './exchange.ts';
import type { FileSaver } from './file-saver.ts';
import { sameContent, unchangedRest } from './former-node.ts';
import { ParentFolder } from './parent-folder.ts';
import { folderNode, savePartialTrees } from './partial-trees.ts';
import type { SharedContent } from './shared-content.ts';
import { type Hole, TreeText, wholeTree } from './tree-text.ts';
import type { FolderJob, WorkerMessage } from './worker-messages.ts';

export interface TreeSaverOptions {
  readonly number: number;
  readonly exchange: Exchange;
  readonly sink: BlobSink;
  readonly nodes: EntryNodes;
  readonly files: FileSaver;
  readonly contents: ContentSaver;
  readonly shared: SharedContent;
  readonly filter: EntryFilter;
  readonly counter: Counter;
  readonly oneFileSystem: boolean;
  readonly isCopy: boolean;
  /** Undefined when it cannot be read: then all is new. May be overwritten by the next call. */
  readTree(id: BlobId): Buffer | undefined;
  /** `isStored`: the entry is in the snapshot all the same. */
  warn(path: string, problem: string, isStored: boolean): void;
  /** Has stored partial trees as checkpoint of that number. */
  onCheckpoint(number: number, trees: readonly BlobId[]): void;
}

const bigints = { bigint: true } as const;
/** So many names at most are given to another worker at once. */
const maxNamesGiven = 1024;

const damagedAgain =
  'is as it was, but its listing in the repository is damaged: this snapshot lacks it until the pack is repaired and another backup made';

/** A folder that is being saved. */
interface Frame {
  readonly job: FolderJob;
  readonly names: readonly string[];
  readonly parents: readonly ParentFolder[];
  /** Trees of former snapshots that are in the repository, and yet cannot be read. */
  readonly unreadable: readonly BlobId[];
  readonly text: TreeText;
  readonly device: bigint | undefined;
  next: number;
  /** Names from here on were given to others. */
  end: number;
  /** Where it belongs in the frame before it; undefined for the work of others. */
  readonly folder: PendingFolder | undefined;
  /** Folders in it whose turn has not come. */
  readonly folders: PendingFolder[];
}

interface PendingFolder {
  readonly job: FolderJob;
  readonly hole: Hole;
  readonly head: string;
  readonly formerTree: BlobId | undefined;
}

interface GivenJob {
  readonly frame: Frame;
  readonly hole: Hole;
  readonly folder?: PendingFolder;
}

/** Saves folders with all that is in them, and gives parts of the work to workers that have none. */
export class TreeSaver {
  readonly #options: TreeSaverOptions;
  /** From the outermost one to the one at work. */
  readonly #frames: Frame[] = [];
  readonly #given = new Map<number, GivenJob>();
  #jobs = 0;

  constructor(options: TreeSaverOptions) {
    this.#options = options;
    options.shared.attach(
      (messages) => this.#handle(messages),
      () => {
        if (options.exchange.isAnyoneHungry) this.#giveWork(1);
        this.#saveCheckpoint();
      },
    );
  }

  /** Works for others until the main thread says it is over. Errors: `cancelled`. */
  serve(): void {
    const { exchange } = this.#options;
    let isOver = false;
    while (!isOver) {
      isOver = this.#handle(exchange.receive());
      this.#saveCheckpoint();
    }
  }

  #handle(messages: readonly WorkerMessage[]): boolean {
    const { shared } = this.#options;
    const waiting = [...messages];
    let isOver = false;
    for (;;) {
      const message = waiting.shift();
      if (message === undefined) return isOver;
      if (message.type === 'end') isOver = true;
      else if (message.type === 'job') this.#work(message);
      else if (message.type === 'done') this.#takeResult(message);
      else if (message.type === 'range') waiting.push(...this.#saveRange(message));
      else shared.take(message);
    }
  }

  /** Returns what has arrived meanwhile: mostly the next range, so that none is waited for. */
  #saveRange({ from, number, range }: Extract<WorkerMessage, { type: 'range' }>): WorkerMessage[] {
    const { exchange, contents } = this.#options;
    try {
      const content = contents.saveRange(range, () => exchange.offer());
      exchange.send(from, { type: 'saved', number, content });
    } catch (error) {
      if (!isFromSystem(error)) throw error;
      exchange.send(from, { type: 'unread', number, code: error.code, message: error.message });
    }
    this.#saveCheckpoint();
    return exchange.withdraw();
  }

  #work({ from, number, job }: Extract<WorkerMessage, { type: 'job' }>): void {
    const { exchange } = this.#options;
    const frame = this.#open(job);
    if (frame === undefined) {
      exchange.send(from, { type: 'done', number });
      return;
    }
    this.#fill(frame);
    if (job.names !== undefined) {
      exchange.send(from, { type: 'done', number, nodes: new Uint8Array(frame.text.nodes()) });
    } else {
      exchange.send(from, { type: 'done', number, tree: this.#saveTree(frame) });
    }
  }

  #takeResult(result: Extract<WorkerMessage, { type: 'done' }>): void {
    const given = this.#given.get(result.number) as GivenJob;
    this.#given.delete(result.number);
    const { frame, hole, folder } = given;
    if (folder === undefined) frame.text.fill(hole, result.nodes ?? new Uint8Array(0));
    else this.#fillFolder(frame, folder, result.tree);
  }

  /** What others have done by now. What they ask for is not done any more. */
  #takeResults(): void {
    const { exchange } = this.#options;
    this.#handle(exchange.poll().filter((message) => !isWork(message)));
  }

  /** Undefined when the folder cannot be read, which has been reported. */
  #open(job: FolderJob, folder?: PendingFolder): Frame | undefined {
    const { filter, readTree, sink } = this.#options;
    let names: readonly string[];
    try {
      names = job.names ?? (job.wanted ? Object.keys(job.wanted) : listNames(job.path));
      if (job.names === undefined) names = filter.besideMarks(job.path, names).toSorted(byBytes);
    } catch (error) {
      this.#report(job.path, error);
      return undefined;
    }
    // One after the other: what is read is overwritten by the next tree.
    const unreadable: BlobId[] = [];
    const parents = job.parents.flatMap((id) => {
      const tree = readTree(id);
      if (tree !== undefined) return [new ParentFolder(tree)];
      if (sink.has('tree', id)) unreadable.push(id);
      return [];
    });
    if (job.names !== undefined) {
      for (const parent of parents) parent.startAt(job.names[0] as string);
    }
    const { oneFileSystem } = this.#options;
    const device = oneFileSystem && job.wanted === undefined ? deviceOf(job.path) : undefined;
    return {
      job,
      names,
      parents,
      unreadable,
      text: new TreeText(),
      folder,
      device,
      next: 0,
      end: names.length,
      folders: [],
    };
  }

  /** Saves all that is in the folder. */
  #fill(frame: Frame): void {
    const { exchange } = this.#options;
    this.#frames.push(frame);
    while (frame.next < frame.end) {
      this.#saveEntry(frame, frame.names[frame.next++] as string);
      if (exchange.isAnyoneHungry) this.#giveWork();
      this.#saveCheckpoint();
    }
    for (;;) {
      const folder = frame.folders.pop();
      if (folder === undefined) break;
      this.#fillFolder(frame, folder, this.#saveFolder(folder));
      this.#saveCheckpoint();
    }
    while (frame.text.openHoles > 0) {
      this.#handle(exchange.receive());
      this.#saveCheckpoint();
    }
    this.#frames.pop();
    this.#countGone(frame);
  }

  #saveFolder(folder: PendingFolder): BlobId | undefined {
    const frame = this.#open(folder.job, folder);
    if (frame === undefined) return undefined;
    this.#fill(frame);
    return this.#saveTree(frame);
  }

  #saveTree(frame: Frame): BlobId {
    const { sink, warn } = this.#options;
    const { id, isNew } = sink.save('tree', wholeTree(frame.text.nodes()));
    // What the index names is not stored again, damaged or not.
    if (!isNew && frame.unreadable.includes(id)) {
      warn(frame.job.path || '/', damagedAgain, false);
    }
    return id;
  }

  #fillFolder(frame: Frame, folder: PendingFolder, tree: BlobId | undefined): void {
    const { counter } = this.#options;
    if (tree === undefined) {
      frame.text.fill(folder.hole, '');
      return;
    }
    const { formerTree } = folder;
    if (formerTree === undefined) counter.add('dirsNew');
    else counter.add(formerTree === tree ? 'dirsUnmodified' : 'dirsChanged');
    frame.text.fill(folder.hole, folderNode(folder.head, tree));
  }

  #saveEntry(frame: Frame, name: string): void {
    const path = childPath(frame.job.path, name);
    try {
      const wanted = frame.job.wanted?.[name];
      // A folder on the way may be reached through a link.
      const isOnTheWay = wanted !== undefined && Object.keys(wanted).length > 0;
      const facts = isOnTheWay
        ? statSync(systemPath(path), bigints)
        : lstatSync(systemPath(path), bigints);
      const type = typeOf(facts);
      if (type === undefined) return;
      const { filter, nodes } = this.#options;
      if (frame.job.wanted === undefined && filter.isExcluded(path, type === 'dir')) return;
      const formers = frame.parents.map((parent) => parent.find(name));
      if (type === 'dir') this.#addFolder(frame, name, path, facts, formers);
      else if (type === 'file') this.#saveFile(frame, name, path, facts, formers);
      else frame.text.addNode(nodes.special(name, type, path, facts));
    } catch (error) {
      // What was listed a moment ago may be gone by now; what was asked for should be there.
      const isGone = (error as NodeJS.ErrnoException).code === 'ENOENT';
      if (!isGone || frame.job.wanted !== undefined) this.#report(path, error);
    }
  }

  #addFolder(
    frame: Frame,
    name: string,
    path: string,
    facts: BigIntStats,
    formers: readonly (string | undefined)[],
  ): void {
    const head = this.#options.nodes.head(name, 'dir', facts, 0n);
    const parents = formers.map(subtreeOf).filter((tree) => tree !== undefined);
    const wanted = frame.job.wanted?.[name];
    const isForeign = frame.device !== undefined && facts.dev !== frame.device;
    const job: FolderJob = {
      path,
      parents,
      ...(wanted !== undefined && Object.keys(wanted).length > 0 ? { wanted } : {}),
      // Where another file system begins, the folder stays and is empty.
      ...(isForeign ? { wanted: {} } : {}),
    };
    const folder: PendingFolder = {
      job,
      hole: frame.text.addHole(),
      head: `${head}${attributes(path)}`,
      formerTree: parents.at(-1),
    };
    frame.folders.push(folder);
  }

  #saveFile(
    frame: Frame,
    name: string,
    path: string,
    seen: BigIntStats,
    formers: readonly (string | undefined)[],
  ): void {
    const { filter, nodes, files, counter } = this.#options;
    if (filter.isTooLarge(seen.size)) return;
    if (formers.length > 0 && this.#takeUnchanged(frame, name, path, seen, formers)) return;
    counter.bytesUnderWay = 0;
    const saved = files.save(path, seen);
    counter.bytesUnderWay = 0;
    if (saved === undefined) {
      this.#saveEntry(frame, name);
      return;
    }
    const { facts, content, isTorn } = saved;
    if (isTorn) {
      const problem = 'changed while it was read; what is stored is a mixture';
      this.#options.warn(path, problem, true);
    }
    const head = nodes.head(name, 'file', facts, content.bytes);
    frame.text.addNode(`${head}${attributes(path)},"content":[${content.text}]}`);
    counter.add('filesTotal');
    counter.add('bytesTotal', content.bytes);
    if (this.#options.isCopy && formers.some((former) => hasContent(former, content.text))) {
      counter.add('filesUnmodified');
      return;
    }
    const isKnown = formers.some((former) => former?.includes('"type":"file"'));
    counter.add(isKnown ? 'filesChanged' : 'filesNew');
    if (isKnown) counter.add('bytesChanged', content.bytes);
  }

  #takeUnchanged(
    frame: Frame,
    name: string,
    path: string,
    facts: BigIntStats,
    formers: readonly (string | undefined)[],
  ): boolean {
    const { nodes, sink, counter } = this.#options;
    const head = nodes.head(name, 'file', facts, facts.size);
    for (const former of formers) {
      if (former === undefined) continue;
      let rest = unchangedRest(head, former, sink);
      if (rest === undefined) {
        const content = sameContent(head, former, sink);
        if (content !== undefined) rest = `${attributes(path)},"content":[${content}]}`;
      }
      if (rest === undefined) continue;
      frame.text.addNode(head + rest);
      counter.add('filesTotal');
      counter.add('bytesTotal', Number(facts.size));
      counter.add('filesUnmodified');
      return true;
    }
    return false;
  }

  /** To one hungry worker: the outermost folder that waits, or the last half of the names that are left here, if so many are. */
  #giveWork(minLeft = 2): void {
    const { exchange, number: from } = this.#options;
    const frame = this.#frames.find(({ folders }) => folders.length > 0);
    const own = this.#frames.at(-1) as Frame;
    const left = own.end - own.next;
    if (frame === undefined && left < minLeft) return;
    const to = exchange.takeHungry();
    if (to === undefined) return;
    const number = this.#jobs++;
    if (frame !== undefined) {
      const folder = frame.folders.shift() as PendingFolder;
      this.#given.set(number, { frame, hole: folder.hole, folder });
      exchange.send(to, { type: 'job', from, number, job: folder.job });
      return;
    }
    const count = Math.min(Math.ceil(left / 2), maxNamesGiven);
    const names = own.names.slice(own.end - count, own.end);
    own.end -= count;
    this.#given.set(number, { frame: own, hole: own.text.addTailHole() });
    exchange.send(to, { type: 'job', from, number, job: { ...own.job, names } });
  }

  /** When the main thread asks: at odd numbers for partial trees, at even ones to hand over all packs. */
  #saveCheckpoint(): void {
    const { exchange, onCheckpoint } = this.#options;
    if (!exchange.isCheckpointWanted) return;
    const checkpoint = exchange.beginCheckpoint();
    try {
      onCheckpoint(checkpoint, this.#checkpointTrees(checkpoint));
    } catch (error) {
      // The main thread waits for an answer, and whatever file is being read has no part in this.
      if (!isFromSystem(error)) throw error;
      throw fileError(error, 'could not store what is saved so far');
    }
    if (!exchange.isLastCheckpoint) return;
    exchange.waitForCheckpoint();
    this.#saveCheckpoint();
  }

  #checkpointTrees(checkpoint: number): readonly BlobId[] {
    const { exchange, sink, nodes } = this.#options;
    if (checkpoint % 2 === 0) {
      sink.flush();
      return [];
    }
    if (exchange.isLastCheckpoint) this.#takeResults();
    const folders = this.#frames.map(({ job, text, folder }) => ({
      path: job.path,
      text,
      inParent: folder,
    }));
    return savePartialTrees(folders, sink, nodes);
  }

  #countGone(frame: Frame): void {
    const parent = frame.parents.at(-1);
    // Names that were given away are counted by whoever has them.
    const upTo = frame.names[frame.end];
    if (parent !== undefined) {
      this.#options.counter.add('entriesGone', frame.job.names ? 0 : parent.countMissing(upTo));
    }
  }

  #report(path: string, error: unknown): void {
    // Our own errors are about the backup, not about this entry.
    if (!isFromSystem(error)) throw error;
    this.#options.warn(path, error.message.split(', ')[0] ?? error.code, false);
  }
}

function isFromSystem(error: unknown): error is Error & { readonly code: string } {
  const { code } = error as NodeJS.ErrnoException;
  return code !== undefined && /^E[A-Z0-9]+$/.test(code);
}

function listNames(path: string): readonly string[] {
  return readdirSync(systemPath(path === '' ? '/' : path), { encoding: 'latin1' });
}

function byBytes(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function deviceOf(path: string): bigint {
  return lstatSync(systemPath(path === '' ? '/' : path), bigints).dev;
}

function hasContent(node: string | undefined, content: string): boolean {
  return node?.endsWith(`,"content":[${content}]}`) ?? false;
}

function subtreeOf(node: string | undefined): BlobId | undefined {
  return /"subtree":"([0-9a-f]{64})"\}$/.exec(node ?? '')?.[1] as BlobId | undefined;
}
