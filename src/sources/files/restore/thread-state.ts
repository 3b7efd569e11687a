import type { BlobReader } from '../../../repository/index.ts';
import { AttributeWriter } from './attributes.ts';
import { noCounts, type RestoreCounts } from './counts.ts';
import { LeftOut } from './left-out.ts';
import type {
  BatchAnswer,
  FoundFolder,
  FoundLinked,
  LargeFile,
  LostRange,
  RestoreSetup,
} from './messages.ts';
import { identityOf, type OpenFolder, OpenFolders } from './open-folders.ts';
import { Problems } from './problems.ts';
import { Selection } from './selection.ts';
import { folderAround } from './whole-folders.ts';

/** What lives as long as a thread. */
export class ThreadState {
  readonly setup: RestoreSetup;
  readonly reader: BlobReader;
  readonly selection: Selection;
  readonly leftOut: LeftOut | undefined;
  readonly attributes: AttributeWriter;
  readonly #folders: OpenFolders | undefined;
  readonly #devices = new Map<string, bigint>();
  #temporaryNames = 0;
  readonly #thread = Math.random().toString(36).slice(2, 8);

  constructor(reader: BlobReader, setup: RestoreSetup) {
    this.setup = setup;
    this.reader = reader;
    this.selection = new Selection(setup.includes, setup.excludes);
    this.leftOut = setup.leftOut && new LeftOut(setup.leftOut);
    this.attributes = new AttributeWriter(setup);
    this.#folders =
      setup.targetFd === undefined
        ? undefined
        : new OpenFolders(setup.targetFd, reader.nameBytes, setup.maxOpenFolders);
  }

  /** See `OpenFolders.hold`; undefined where a plan finds no target. */
  holdFolder(path: string, made?: string[]): OpenFolder | undefined {
    return this.#folders?.hold(path, made);
  }

  releaseFolder(path: string): void {
    this.#folders?.release(path);
  }

  /**
   * The file system in which something may be deleted at a path: that of the folder that was backed up. What is mounted below it may have
   * been left out, and is never touched. Undefined where nothing may be deleted.
   */
  deletableDevice(path: string): bigint | undefined {
    const root = folderAround(path, this.setup.deleteWithin);
    if (root === undefined) return undefined;
    const known = this.#devices.get(root);
    if (known !== undefined) return known;
    const folder = this.holdFolder(root);
    if (folder === undefined) return undefined;
    const { dev } = identityOf(folder);
    this.releaseFolder(root);
    this.#devices.set(root, dev);
    return dev;
  }

  closeFolders(): void {
    this.#folders?.close();
  }

  /** Beside the entry whose place it will take. */
  temporaryName(): string {
    return `${temporaryPrefix}${this.setup.run}-${this.#thread}-${++this.#temporaryNames}`;
  }
}

const temporaryPrefix = '.lifeboat-restore-';
const temporaryPattern = /^\.lifeboat-restore-([0-9a-z]+)-[0-9a-z]+-\d+$/;

/** What a run that was killed left beside the entries it was about to replace. */
export function isLeftover(name: string, run: string): boolean {
  const match = temporaryPattern.exec(name);
  return match !== null && match[1] !== run;
}

/** What the tasks of one batch found and did. */
export class Batch {
  readonly folders: FoundFolder[] = [];
  readonly linked: FoundLinked[] = [];
  readonly large: LargeFile[] = [];
  readonly made: string[] = [];
  readonly lost: { file: number; range: LostRange }[] = [];
  readonly groups: { group: string; isThere: boolean }[] = [];
  readonly counts: RestoreCounts = noCounts();
  bytesPassed = 0;
  readonly problems = new Problems();

  answer(): BatchAnswer {
    const { folders, linked, large, made, lost, groups, counts, bytesPassed } = this;
    const found = { folders, linked, large, made, lost, groups };
    return { ...found, counts, bytesPassed, problems: this.problems.list() };
  }
}

export function joinPath(folder: string, name: string): string {
  return folder === '' ? name : `${folder}/${name}`;
}
