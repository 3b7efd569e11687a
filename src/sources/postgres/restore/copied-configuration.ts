import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileError, writeFileDurably } from '../../../core/index.ts';
import { giveTo, type ServerAccount } from '../server/index.ts';

const fileName = 'postgresql.auto.conf';

/**
 * A server that somebody else starts on the folder ends at once, with these words. Ours does not look at it: its own
 * settings stand on the command line.
 */
const unfinishedGuard = "hba_file = '/this-restore-was-not-finished'";

/** Settings of the original that would make a copy act in its name, or recover a second time. */
const removed =
  /^\s*(restore_command|recovery_\w+|archive_\w+|primary_\w+|promote_trigger_file|synchronous_standby_names|allow_in_place_tablespaces)\b/i;

/**
 * Empties `postgresql.auto.conf`, which PostgreSQL always reads, and gives back what it held: the file may load libraries
 * and run commands. Until it is put back, the folder does not start as a server, however far the recovery got.
 */
export async function takeAutoConfiguration(
  dataFolder: string,
  account: ServerAccount | undefined,
): Promise<string> {
  const path = join(dataFolder, fileName);
  try {
    const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return '';
      throw error;
    });
    await writeFileDurably(path, `${unfinishedGuard}\n`);
    await giveTo(account, path);
    return text;
  } catch (error) {
    throw fileError(error, `could not empty ${path}`);
  }
}

/** True when the folder is one whose restore did not come to its end. */
export async function isGuarded(dataFolder: string): Promise<boolean> {
  const text = await readFile(join(dataFolder, fileName), 'utf8').catch(() => '');
  return text.trim() === unfinishedGuard;
}

/** Puts the original's settings back, without those that reach out of the copy, and with archiving off. */
export async function putAutoConfigurationBack(
  dataFolder: string,
  account: ServerAccount | undefined,
  original: string,
  hasTablespaces: boolean,
): Promise<void> {
  const kept = original.split('\n').filter((line) => line.trim() !== '' && !removed.test(line));
  const lines = [
    ...kept,
    '# Set by Lifeboat after the restore, so that this copy does not write into the archive of the original',
    '# or follow its primary. Remove these lines when it takes the place of the original, and restart it.',
    "archive_mode = 'off'",
    "primary_conninfo = ''",
    "primary_slot_name = ''",
    "restore_command = ''",
    "synchronous_standby_names = ''",
    ...(hasTablespaces
      ? [
          '# Tablespaces are folders in pg_tblspc here; without this, recovery after a crash would refuse them.',
          "allow_in_place_tablespaces = 'on'",
        ]
      : []),
  ];
  const path = join(dataFolder, fileName);
  await writeFileDurably(path, `${lines.join('\n')}\n`);
  await giveTo(account, path);
}
