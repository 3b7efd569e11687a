import type { BlobId, Snapshot, SnapshotId } from '../repository.ts';
import { goJsonString } from './go-text.ts';
import { formatGoTime, parseGoTime } from './go-time.ts';
import {
  asObject,
  damaged,
  hashField,
  numberField,
  optionalText,
  parseObject,
  textArray,
  textField,
} from './json-shape.ts';
import { decodeSummary, encodeSummary, goTime } from './snapshot-summary.ts';

export type SnapshotBody = Omit<Snapshot, 'id'>;

/** JSON in the field order of restic's Snapshot struct; `?` fields are left out when empty. */
export function encodeSnapshot(snapshot: SnapshotBody): string {
  const { parent, hostname, username, uid, gid, excludes = [], tags, original } = snapshot;
  const { time, timeNs, timeText, programVersion, summary } = snapshot;
  const texts = (values: readonly string[]) => `[${values.map(goJsonString).join(',')}]`;
  const fields = [
    `"time":"${timeText ?? (timeNs === undefined ? goTime(time) : formatGoTime(timeNs))}"`,
    ...(parent === undefined ? [] : [`"parent":"${parent}"`]),
    `"tree":"${snapshot.tree}"`,
    `"paths":${texts(snapshot.paths)}`,
    ...(hostname === '' ? [] : [`"hostname":${goJsonString(hostname)}`]),
    ...(username === '' ? [] : [`"username":${goJsonString(username)}`]),
    ...(uid ? [`"uid":${uid}`] : []),
    ...(gid ? [`"gid":${gid}`] : []),
    ...(excludes.length === 0 ? [] : [`"excludes":${texts(excludes)}`]),
    ...(tags.length === 0 ? [] : [`"tags":${texts(tags)}`]),
    ...(original === undefined ? [] : [`"original":"${original}"`]),
    ...(programVersion === undefined ? [] : [`"program_version":${goJsonString(programVersion)}`]),
    ...(summary === undefined ? [] : [`"summary":${encodeSummary(summary)}`]),
  ];
  return `{${fields.join(',')}}`;
}

/** Errors: `repository.damaged`. */
export function decodeSnapshot(id: string, json: string): Snapshot {
  const object = parseObject(json, 'snapshot');
  const timeText = textField(object, 'time');
  const timeNs = parseGoTime(timeText);
  if (timeNs === undefined) throw damaged('snapshot: its time is none');
  const programVersion = optionalText(object, 'program_version');
  const parent = optionalText(object, 'parent');
  const original = optionalText(object, 'original');
  const excludes = textArray(object, 'excludes');
  const [uid, gid] = [idField(object, 'uid'), idField(object, 'gid')];
  return {
    id: id as SnapshotId,
    time: new Date(Number(timeNs / 1_000_000n)),
    timeNs,
    timeText,
    tree: hashField(object, 'tree') as BlobId,
    paths: textArray(object, 'paths'),
    hostname: optionalText(object, 'hostname'),
    username: optionalText(object, 'username'),
    tags: textArray(object, 'tags'),
    ...(parent === '' ? {} : { parent: parent as SnapshotId }),
    ...(excludes.length === 0 ? {} : { excludes }),
    ...(original === '' ? {} : { original: original as SnapshotId }),
    ...(uid === 0 ? {} : { uid }),
    ...(gid === 0 ? {} : { gid }),
    ...(programVersion === '' ? {} : { programVersion }),
    ...(object.summary === undefined || object.summary === null
      ? {}
      : { summary: decodeSummary(asObject(object.summary, 'summary')) }),
  };
}

function idField(object: ReturnType<typeof parseObject>, name: string): number {
  return numberField(object, name, 2 ** 32 - 1, 0);
}
