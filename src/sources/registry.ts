import { PostgresSource, type PostgresSourceSettings } from './postgres/postgres-source.ts';

/** Settings of every kind of source; `kind` tells them apart. */
export type SourceSettings = PostgresSourceSettings;

type Maker = {
  readonly [Kind in SourceSettings['kind']]: (settings: SourceSettings) => PostgresSource;
};

/** Every kind of source there is. */
const makers: Maker = {
  postgres: (settings) => new PostgresSource(settings),
};

export function createSource(settings: SourceSettings): PostgresSource {
  return makers[settings.kind](settings);
}
