import { FilesSource, type FilesSourceSettings } from './files/files-source.ts';
import { PostgresSource, type PostgresSourceSettings } from './postgres/postgres-source.ts';

/** Settings of every kind of source; `kind` tells them apart. */
export type SourceSettings = PostgresSourceSettings | FilesSourceSettings;

/** A source of any kind. */
export type AnySource = PostgresSource | FilesSource;

/** Every kind of source there is. */
const makers: {
  readonly [Kind in SourceSettings['kind']]: (
    settings: Extract<SourceSettings, { kind: Kind }>,
  ) => Extract<AnySource, { kind: Kind }>;
} = {
  postgres: (settings) => new PostgresSource(settings),
  files: (settings) => new FilesSource(settings),
};

export function createSource<Settings extends SourceSettings>(
  settings: Settings,
): Extract<AnySource, { kind: Settings['kind'] }> {
  const make = makers[settings.kind] as (settings: SourceSettings) => AnySource;
  return make(settings) as Extract<AnySource, { kind: Settings['kind'] }>;
}
