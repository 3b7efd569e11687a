import type { BlobId, Snapshot, SnapshotId } from '../repository.ts';
import { goJsonString } from './go-text.ts';
import { formatGoTime, parseGoTime } from './go-time.ts';
import {
  damaged,
  hashField,
  optionalText,
  parseObject,
  textArray,
  textField,
} from './json-shape.ts';

export interface SnapshotSummary {
  readonly backupStart: Date;
  readonly backupEnd: Date;
  readonly dataBlobs: number;
  readonly treeBlobs: number;
  /** Of new blobs, before and after compression and encryption. */
  readonly bytesAdded: number;
  readonly bytesAddedPacked: number;
  readonly filesTotal: number;
  readonly bytesTotal: number;
}

export type SnapshotBody = Omit<Snapshot, 'id'> & { readonly summary: SnapshotSummary };

/** JSON in the field order of restic's Snapshot struct. */
export function encodeSnapshot(snapshot: SnapshotBody): string {
  const texts = (values: readonly string[]) => `[${values.map(goJsonString).join(',')}]`;
  const fields = [
    `"time":"${goTime(snapshot.time)}"`,
    ...(snapshot.parent === undefined ? [] : [`"parent":"${snapshot.parent}"`]),
    `"tree":"${snapshot.tree}"`,
    `"paths":${texts(snapshot.paths)}`,
    ...(snapshot.hostname === '' ? [] : [`"hostname":${goJsonString(snapshot.hostname)}`]),
    ...(snapshot.username === '' ? [] : [`"username":${goJsonString(snapshot.username)}`]),
    ...(snapshot.tags.length === 0 ? [] : [`"tags":${texts(snapshot.tags)}`]),
    ...(snapshot.programVersion === undefined
      ? []
      : [`"program_version":${goJsonString(snapshot.programVersion)}`]),
    `"summary":${encodeSummary(snapshot.summary)}`,
  ];
  return `{${fields.join(',')}}`;
}

// Readers of other programs want every field; files are not told apart from their parent's, so all are new.
function encodeSummary(summary: SnapshotSummary): string {
  return JSON.stringify({
    backup_start: goTime(summary.backupStart),
    backup_end: goTime(summary.backupEnd),
    files_new: summary.filesTotal,
    files_changed: 0,
    files_unmodified: 0,
    dirs_new: 0,
    dirs_changed: 0,
    dirs_unmodified: 0,
    data_blobs: summary.dataBlobs,
    tree_blobs: summary.treeBlobs,
    data_added: summary.bytesAdded,
    data_added_packed: summary.bytesAddedPacked,
    total_files_processed: summary.filesTotal,
    total_bytes_processed: summary.bytesTotal,
  });
}

/** Errors: `repository.damaged`. */
export function decodeSnapshot(id: string, json: string): Snapshot {
  const object = parseObject(json, 'snapshot');
  const timeNs = parseGoTime(textField(object, 'time'));
  if (timeNs === undefined) throw damaged('snapshot: its time is none');
  const programVersion = optionalText(object, 'program_version');
  const parent = optionalText(object, 'parent');
  return {
    id: id as SnapshotId,
    time: new Date(Number(timeNs / 1_000_000n)),
    tree: hashField(object, 'tree') as BlobId,
    paths: textArray(object, 'paths'),
    hostname: optionalText(object, 'hostname'),
    username: optionalText(object, 'username'),
    tags: textArray(object, 'tags'),
    ...(parent === '' ? {} : { parent: parent as SnapshotId }),
    ...(programVersion === '' ? {} : { programVersion }),
  };
}

function goTime(time: Date): string {
  return formatGoTime(BigInt(time.getTime()) * 1_000_000n);
}
