import type { BlobId, TreeNode } from '../../../repository/index.ts';
import type { RestoreCounts } from './counts.ts';
import type { LeftOutSetup } from './left-out.ts';
import type { OverwritePolicy, Placement } from './overwrite.ts';
import type { OwnerMapping } from './owner-map.ts';
import type { ProblemList } from './problems.ts';

// What the main thread and the threads that restore say to each other.

export interface RestoreSetup {
  /** Only look and count. */
  readonly isPlan: boolean;
  /** The target, open in the whole process; absent while it does not exist (then this is a plan). */
  readonly targetFd: number | undefined;
  readonly overwrite: OverwritePolicy;
  readonly verifyExisting: boolean;
  readonly verifyWritten: boolean;
  /** Folders in which, and below which, what the snapshot lacks is deleted: relative to the target, empty for itself. */
  readonly deleteWithin: readonly string[];
  /** What exists outside of these folders only leads to them, and stays as it is: links, attributes; absent: nothing stays. */
  readonly wayStaysOutside: readonly string[] | undefined;
  /** What is kept there all the same; absent: nothing. */
  readonly leftOut: LeftOutSetup | undefined;
  readonly sparse: boolean;
  readonly includes: readonly string[];
  readonly excludes: readonly string[];
  readonly owners: OwnerMapping;
  /** Of this process. */
  readonly account: { readonly uid: number; readonly gid: number; readonly umask: number };
  /** Part of the names of temporary files: others are left by runs that were killed. */
  readonly run: string;
  /** Never deleted nor written into: the folder of the repository itself. */
  readonly spared: { readonly device: bigint; readonly inode: bigint } | undefined;
  readonly maxOpenFolders: number;
}

/** `path` of a folder: relative to the target, without slashes at its ends; empty for the target itself. */
export interface FolderTask {
  readonly type: 'folder';
  readonly folder: number;
  readonly path: string;
  readonly tree: BlobId;
  /** This run made it: nothing is in there but what this run puts there. */
  readonly isFresh: boolean;
  /** False when only what lies deeper may be wanted: then it is made when it is needed. */
  readonly isSelected: boolean;
  /** Something above hands its ACL down to what is created in it. */
  readonly inheritsAcl: boolean;
}

export interface FinishFolderTask {
  readonly type: 'finishFolder';
  readonly path: string;
  readonly node: TreeNode;
}

/** A file on its own: the first of a group of hard links. */
export interface FileTask {
  readonly type: 'file';
  readonly group: string;
  readonly parent: number;
  readonly path: string;
  readonly node: TreeNode;
  readonly inheritsAcl: boolean;
  readonly isFresh: boolean;
  readonly placement: Placement;
}

export interface LinkTask {
  readonly type: 'link';
  readonly parent: number;
  readonly from: { readonly path: string; readonly name: string; readonly placement: Placement };
  readonly path: string;
  readonly node: TreeNode;
  readonly isFresh: boolean;
  readonly placement: Placement;
}

export interface PartTask {
  readonly type: 'part';
  readonly file: number;
  readonly path: string;
  readonly name: string;
  readonly part: FilePart;
}

export interface FinishFileTask {
  readonly type: 'finishFile';
  readonly file: number;
  readonly large: LargeFile;
  readonly lost: readonly LostRange[];
}

export type RestoreTask =
  | FolderTask
  | FinishFolderTask
  | FileTask
  | LinkTask
  | PartTask
  | FinishFileTask
  | { readonly type: 'closeFolders' };

export interface FoundFolder {
  readonly parent: number;
  /** Its attributes are to be set in the end. */
  readonly isOurs: boolean;
  readonly path: string;
  readonly node: TreeNode;
  readonly isFresh: boolean;
  readonly isSelected: boolean;
  readonly inheritsAcl: boolean;
}

/** One of the names of a file; one that is left alone is none. */
export interface FoundLinked {
  readonly parent: number;
  readonly path: string;
  readonly node: TreeNode;
  readonly isFresh: boolean;
  readonly placement: Placement;
  readonly inheritsAcl: boolean;
}

/** A file whose content is written in parts, by several threads. It exists, empty, under `name`. */
export interface LargeFile {
  readonly parent: number;
  readonly group: string | undefined;
  readonly path: string;
  /** A temporary name when it takes the place of another entry. */
  readonly name: string;
  /** Without content. */
  readonly node: TreeNode;
  /** 32 bytes per blob. */
  readonly ids: SharedArrayBuffer;
  readonly parts: readonly FilePart[];
  readonly sizeBytes: number;
  readonly inheritsAcl: boolean;
  /** Ranges of blobs of which not even the length is known. */
  readonly lost: readonly LostRange[];
}

export interface FilePart {
  readonly ids: SharedArrayBuffer;
  /** Blobs by number: from, and the first not in it. */
  readonly from: number;
  readonly to: number;
  readonly offset: number;
}

export interface LostRange {
  readonly offset: number;
  readonly lengthBytes: number;
  readonly problem: string;
}

/** Of all tasks of a batch. */
export interface BatchAnswer {
  readonly folders: readonly FoundFolder[];
  readonly linked: readonly FoundLinked[];
  readonly large: readonly LargeFile[];
  /** Folders that were made because something in them was wanted. */
  readonly made: readonly string[];
  readonly lost: readonly { readonly file: number; readonly range: LostRange }[];
  /** Groups of hard links whose first file is there, and whose is not. */
  readonly groups: readonly { readonly group: string; readonly isThere: boolean }[];
  readonly counts: RestoreCounts;
  /** Bytes of files for which nothing is to be written: further names, and those that are left alone. */
  readonly bytesPassed: number;
  readonly problems: ProblemList;
}
