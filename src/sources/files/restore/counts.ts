/**
 * What a restore did, or what it would do. Every name of a file counts as a file; its bytes count once, with the name that they are
 * written or found under.
 */
export interface RestoreCounts {
  /** Files that were not there. */
  newFiles: number;
  newBytes: number;
  /** Files that took the place of something else. */
  replacedFiles: number;
  replacedBytes: number;
  /** Folders, links and devices that did. */
  replacedOthers: number;
  /** Files that were right already. */
  sameFiles: number;
  sameBytes: number;
  /** Entries left alone because the overwrite policy says so. */
  keptEntries: number;
  folders: number;
  /** Symbolic links, FIFOs and devices. */
  otherEntries: number;
  /** Files, counted above too, that are further names of others. */
  hardLinks: number;
  socketsSkipped: number;
  deletedEntries: number;
  /** The first of them, for the plan. */
  deletedPaths: string[];
  /** Not in the snapshot, and not deleted, because the backup would have left it out, or because it is on another file system. */
  leftOutEntries: number;
  leftOutPaths: string[];
}

export function noCounts(): RestoreCounts {
  return {
    newFiles: 0,
    newBytes: 0,
    replacedFiles: 0,
    replacedBytes: 0,
    replacedOthers: 0,
    sameFiles: 0,
    sameBytes: 0,
    keptEntries: 0,
    folders: 0,
    otherEntries: 0,
    hardLinks: 0,
    socketsSkipped: 0,
    deletedEntries: 0,
    deletedPaths: [],
    leftOutEntries: 0,
    leftOutPaths: [],
  };
}

const maxPaths = 100;

export function addCounts(to: RestoreCounts, more: RestoreCounts): void {
  to.newFiles += more.newFiles;
  to.newBytes += more.newBytes;
  to.replacedFiles += more.replacedFiles;
  to.replacedBytes += more.replacedBytes;
  to.replacedOthers += more.replacedOthers;
  to.sameFiles += more.sameFiles;
  to.sameBytes += more.sameBytes;
  to.keptEntries += more.keptEntries;
  to.folders += more.folders;
  to.otherEntries += more.otherEntries;
  to.hardLinks += more.hardLinks;
  to.socketsSkipped += more.socketsSkipped;
  to.deletedEntries += more.deletedEntries;
  to.leftOutEntries += more.leftOutEntries;
  for (const path of more.deletedPaths) addPath(to.deletedPaths, path);
  for (const path of more.leftOutPaths) addPath(to.leftOutPaths, path);
}

export function countDeleted(counts: RestoreCounts, path: string): void {
  counts.deletedEntries++;
  addPath(counts.deletedPaths, path);
}

export function countLeftOut(counts: RestoreCounts, path: string): void {
  counts.leftOutEntries++;
  addPath(counts.leftOutPaths, path);
}

function addPath(paths: string[], path: string): void {
  if (paths.length < maxPaths) paths.push(path);
}

export function filesOf(counts: RestoreCounts): number {
  return counts.newFiles + counts.replacedFiles + counts.sameFiles;
}

export function bytesOf(counts: RestoreCounts): number {
  return counts.newBytes + counts.replacedBytes + counts.sameBytes;
}
