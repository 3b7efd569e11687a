import { type GroundFile, holdsFiles, type SourceSetting } from '../../config/index.ts';
import { parseConnectionUrl } from '../../sources/index.ts';
import type { RestoredPlace } from '../validate/application/restored-place.ts';

/** What services are told who are to work with it there. Within a volume or a claim the folder counts from its root. */
export function placeOnGround(setting: GroundFile, source: SourceSetting): RestoredPlace {
  switch (setting.kind) {
    case 'folder':
      return { folder: setting.folder };
    case 'ssh-host':
      return { host: setting.host.replace(/^.*@/, ''), folder: setting.folder };
    case 'server': {
      // The ground's own database is only the way in: services want theirs, under its name.
      const { host, port, database: door } = parseConnectionUrl(setting.connection);
      const database = isOfFiles(source) ? door : parseConnectionUrl(source.connection).database;
      return { host, port, database };
    }
    case 'docker-volume':
      return { volume: setting.volume, ...within(setting) };
    case 'kubernetes-claim':
      return {
        claim: setting.claim,
        namespace: setting.namespace ?? 'default',
        ...within(setting),
      };
  }
}

function within({
  context,
  subfolder,
}: {
  readonly context?: string | undefined;
  readonly subfolder?: string | undefined;
}): Pick<RestoredPlace, 'context' | 'folder'> {
  const folder = `/${subfolder ?? ''}`;
  return { ...(context === undefined ? {} : { context }), folder };
}

type FilesSetting = Extract<SourceSetting, { kind: 'files' | 'volume' }>;

/** One that has no connection. */
export function isOfFiles(setting: SourceSetting): setting is FilesSetting {
  return holdsFiles(setting.kind);
}
