import type { GroupKey } from './group-snapshots.ts';

/** `host db, paths /srv /etc`; `all snapshots` when nothing was grouped by. */
export function describeGroup({ host, paths, tags, source }: GroupKey): string {
  const parts = [
    ...(source === undefined ? [] : [source === '' ? 'no source' : `source ${source}`]),
    ...(host === undefined ? [] : [`host ${host}`]),
    ...(paths === undefined ? [] : [`paths ${paths.join(' ')}`]),
    ...(tags === undefined ? [] : [tags.length === 0 ? 'no tags' : `tags ${tags.join(',')}`]),
  ];
  return parts.length === 0 ? 'all snapshots' : parts.join(', ');
}
