import { join } from 'node:path';
import type { TestServer } from '../test/support/postgres.ts';

/** A configuration with one repository in `own` and one stanza; `more` are further lines of its global part. */
export function pgBackRestSettings(
  own: string,
  stanza: string,
  server: TestServer,
  more: readonly string[],
): string {
  const lines = [
    '[global]',
    `repo1-path=${join(own, 'repository')}`,
    // Blocks and bundles are what makes its incremental backups small and its small files few.
    'repo1-bundle=y',
    'repo1-block=y',
    'compress-type=zst',
    'process-max=2',
    'start-fast=y',
    'log-level-file=off',
    `log-path=${own}`,
    `lock-path=${own}`,
    `spool-path=${own}`,
    ...more,
    `[${stanza}]`,
    `pg1-path=${server.dataFolder}`,
    `pg1-port=${server.port}`,
    `pg1-socket-path=${join(server.dataFolder, '..')}`,
    'pg1-user=postgres',
  ];
  return `${lines.join('\n')}\n`;
}
