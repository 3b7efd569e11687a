import { isHashName } from '../file-name.ts';
import { type FileKind, fileKinds } from '../location.ts';
import type { StoredChange, StoredHistory } from '../stored-history.ts';
import { s3Key } from './s3-key.ts';
import type { S3Version } from './s3-version-list.ts';

/** What `versions`, sorted as `listVersions` does, tell of the files of the repository below `prefix`. */
export function historyOf(prefix: string, versions: readonly S3Version[]): StoredHistory {
  const changes: StoredChange[] = [];
  let count = 0;
  let oldest: Date | undefined;
  let newest: Date | undefined;
  for (const [at, version] of versions.entries()) {
    const file = fileOf(prefix, version.key);
    if (file === undefined || file.kind === 'locks') continue;
    const time = version.modified;
    if (!version.isMarker) {
      count++;
      if (oldest === undefined || time < oldest) oldest = time;
      if (newest === undefined || time > newest) newest = time;
    }
    // The newest of a key comes first: the next entry is what this one stands before.
    const before = versions[at + 1];
    if (before === undefined || before.key !== version.key || before.isMarker) continue;
    if (version.isMarker) changes.push({ time, ...file, change: 'removed' });
    else if (version.tag !== before.tag) changes.push({ time, ...file, change: 'overwritten' });
  }
  changes.sort((a, b) => a.time.getTime() - b.time.getTime());
  return { versions: count, oldest, newest, changes };
}

function fileOf(prefix: string, key: string): { path: string; kind: FileKind } | undefined {
  const area = key.startsWith(`${prefix}lifeboat/`) ? 'lifeboat/' : '';
  const base = prefix + area;
  const kind = fileKinds.find((each) => {
    return each === 'config' ? key === `${base}config` : key.startsWith(`${base}${each}/`);
  });
  if (kind === undefined) return undefined;
  if (kind === 'config') return { path: `${area}config`, kind };
  const name = key.slice(key.lastIndexOf('/') + 1);
  if (!isHashName(name) || s3Key(base, kind, name) !== key) return undefined;
  return { path: `${area}${kind}/${name}`, kind };
}
