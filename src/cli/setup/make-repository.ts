import { type PasswordSetting, readPassword } from '../../config/index.ts';
import { isLifeboatError, LifeboatError } from '../../core/index.ts';
import { initRepository, type Location, openRepository } from '../../repository/index.ts';
import type { CommandContext } from '../command.ts';
import { secretSurroundings } from '../configured.ts';
import { newPassword, writeNewFile } from './new-file.ts';

export interface MadeRepository {
  readonly id: string;
  /** False: it was there already, and opened. */
  readonly created: boolean;
  /** A file that was written with a new random password. */
  readonly newPasswordFile: string | undefined;
}

/**
 * Creates a repository, or opens the one that is there; a password file that does not exist is written with a new random password first.
 * Can be repeated after an interruption.
 */
export async function makeRepository(
  context: CommandContext,
  location: Location,
  setting: PasswordSetting,
  what: string,
): Promise<MadeRepository> {
  const { signal } = context;
  const file = 'file' in setting ? setting.file : undefined;
  const isNew = file !== undefined && (await writeNewFile(file, `${newPassword()}\n`));
  const newPasswordFile = isNew ? file : undefined;
  const password = await readPassword(setting, what, secretSurroundings(context));
  try {
    await using repository = await initRepository({ location, password, signal });
    return { id: repository.id, created: true, newPasswordFile };
  } catch (error) {
    if (!isLifeboatError(error, 'repository.exists')) throw error;
  }
  try {
    await using repository = await openRepository({ location, password, signal });
    return { id: repository.id, created: false, newPasswordFile };
  } catch (error) {
    if (!isNew || !isLifeboatError(error, 'repository.wrong-password')) throw error;
    throw new LifeboatError(
      error.code,
      `${location.describe()} is a repository already, with another password`,
      {
        hint: `Write its password into ${file} and run the command again, or choose another location.`,
        cause: error,
      },
    );
  }
}
