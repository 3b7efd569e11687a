import { type PostgresSourceSetting, parseTimeSpan } from '../../config/index.ts';
import type { PostgresSource } from '../../sources/index.ts';
import type { UserCheck } from './user-check.ts';

/** The checks of a source's configuration, as proofs run them. */
export function userChecksOf(
  { settings }: Pick<PostgresSource, 'settings'>,
  { checks = [] }: Pick<PostgresSourceSetting, 'checks'>,
): readonly UserCheck[] {
  return checks.map(({ name, sql, database, dropAtMost, notOlderThan, ...rules }) => {
    const notOlderThanMs = notOlderThan === undefined ? undefined : parseTimeSpan(notOlderThan);
    return {
      name,
      sql,
      database: database ?? settings.connection.database,
      ...(rules.atLeast === undefined ? {} : { atLeast: rules.atLeast }),
      ...(rules.atMost === undefined ? {} : { atMost: rules.atMost }),
      ...(rules.equals === undefined ? {} : { equals: rules.equals }),
      ...(dropAtMost === undefined ? {} : { dropAtMost: Number.parseFloat(dropAtMost) / 100 }),
      ...(notOlderThanMs === undefined ? {} : { notOlderThanMs }),
    };
  });
}
