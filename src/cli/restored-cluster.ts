import {
  findServerPrograms,
  type PostgresSource,
  type RecoveryTarget,
  type RestoredMoment,
} from '../sources/index.ts';
import { parseLsn } from '../wal/index.ts';
import { formatMoment } from './moment.ts';
import { quoteArgument } from './next-command.ts';

/** How a restored data directory is started, word for word, with the pg_ctl of its major version where it can be found. */
export async function startCommand(
  source: PostgresSource,
  serverVersion: number,
  restored: { readonly folder: string; readonly account: string | undefined },
  options: string,
): Promise<string> {
  const configuredFolder = source.settings.programsFolder;
  // The first on PATH is often of another version.
  const programs = await findServerPrograms(
    Math.floor(serverVersion / 10_000),
    configuredFolder ? { configuredFolder } : {},
  ).catch(() => undefined);
  const { folder, account } = restored;
  const run = account ? `runuser -u ${quoteArgument(account)} -- ` : '';
  return `${run}${quoteArgument(programs?.pgCtl ?? 'pg_ctl')} -D ${quoteArgument(folder)} ${options}start`;
}

/** What to do when the copy is to take the original's place. */
export function archivingHint(folder: string): string {
  return `it archives nothing until you remove the lines below "Set by Lifeboat" from ${folder}/postgresql.auto.conf and restart it`;
}

/** Who asked for the newest state expects more than a backup that nothing follows. */
export function behindBackupNotes(
  target: RecoveryTarget,
  { base: { info }, reachedLsn }: Pick<RestoredMoment, 'base' | 'reachedLsn'>,
): readonly string[] {
  if (target.kind !== 'latest' || reachedLsn > parseLsn(info.stopLsn)) return [];
  const moment = formatMoment(new Date(info.stopTime));
  return [`the log holds nothing behind the backup of ${moment}: this is the state of then`];
}
