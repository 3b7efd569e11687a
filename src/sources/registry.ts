import type { FilesSource, FilesSourceSettings } from './files/files-source.ts';
import type { DumpSource, DumpSourceSettings } from './postgres/dump/dump-source.ts';
import type { PostgresSource, PostgresSourceSettings } from './postgres/postgres-source.ts';
import type { VolumeSource, VolumeSourceSettings } from './volume/volume-source.ts';

/** Settings of every kind of source; `kind` tells them apart. */
export type SourceSettings =
  | PostgresSourceSettings
  | DumpSourceSettings
  | FilesSourceSettings
  | VolumeSourceSettings;

/** A source of any kind. */
export type AnySource = PostgresSource | DumpSource | FilesSource | VolumeSource;

/** Every kind of source there is. Only the code of those that are used is loaded. */
const makers: {
  readonly [Kind in SourceSettings['kind']]: (
    settings: Extract<SourceSettings, { kind: Kind }>,
  ) => Promise<Extract<AnySource, { kind: Kind }>>;
} = {
  async postgres(settings) {
    const { PostgresSource } = await import('./postgres/postgres-source.ts');
    return new PostgresSource(settings);
  },
  async 'postgres-dump'(settings) {
    const { DumpSource } = await import('./postgres/dump/dump-source.ts');
    return new DumpSource(settings);
  },
  async files(settings) {
    const { FilesSource } = await import('./files/files-source.ts');
    return new FilesSource(settings);
  },
  async volume(settings) {
    const { VolumeSource } = await import('./volume/volume-source.ts');
    return new VolumeSource(settings);
  },
};

export async function createSource<Settings extends SourceSettings>(
  settings: Settings,
): Promise<Extract<AnySource, { kind: Settings['kind'] }>> {
  const make = makers[settings.kind] as (settings: SourceSettings) => Promise<AnySource>;
  return (await make(settings)) as Extract<AnySource, { kind: Settings['kind'] }>;
}
