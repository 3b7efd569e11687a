import { type PasswordSetting, readPassword } from '../config/index.ts';
import { isLifeboatError, LifeboatError, type Secret } from '../core/index.ts';
import type { CommandContext } from './command.ts';
import { secretSurroundings } from './configured.ts';

/** Where a new password comes from; never an argument: these show in the list of processes and in the shell's history. */
export const newPasswordOptions = {
  newPasswordFile: {
    flags: '--new-password-file <file>',
    description: 'the new password is the first line of this file',
  },
  newPasswordEnv: {
    flags: '--new-password-env <name>',
    description: 'the new password is in this environment variable',
  },
  newPasswordCommand: {
    flags: '--new-password-command <program>',
    description:
      'the new password is the first line that it prints; parts are split at spaces, no shell',
  },
} as const;

interface NewPasswordValues {
  readonly newPasswordFile: string | undefined;
  readonly newPasswordEnv: string | undefined;
  readonly newPasswordCommand: string | undefined;
}

/** Typed twice when nothing says where it comes from. Errors: `secret.unavailable`, `usage.invalid`. */
export async function readNewPassword(
  context: CommandContext,
  { newPasswordFile, newPasswordEnv, newPasswordCommand }: NewPasswordValues,
): Promise<Secret> {
  const settings: PasswordSetting[] = [
    ...(newPasswordFile === undefined ? [] : [{ file: newPasswordFile }]),
    ...(newPasswordEnv === undefined ? [] : [{ env: newPasswordEnv }]),
    ...(newPasswordCommand === undefined ? [] : [{ command: newPasswordCommand.split(/\s+/) }]),
  ];
  const what = 'new password';
  const surroundings = secretSurroundings(context);
  const [setting, other] = settings;
  if (other) {
    throw new LifeboatError('usage.invalid', 'the new password is to come from several places', {
      hint: 'Give only one of the --new-password options.',
    });
  }
  if (setting) {
    return await readPassword(setting, what, surroundings).catch((error) => {
      if (!isLifeboatError(error, 'secret.unavailable')) throw error;
      const hint = 'Nothing was changed. Correct the --new-password option, or what it names.';
      throw new LifeboatError(error.code, error.message, { hint, cause: error });
    });
  }
  if (!context.ask) {
    throw new LifeboatError(
      'secret.unavailable',
      'no new password: there is no terminal to type it',
      {
        hint: 'Give --new-password-file, --new-password-env or --new-password-command.',
      },
    );
  }
  const first = await readPassword({ prompt: true }, what, surroundings);
  const second = await readPassword({ prompt: true }, `${what} again`, surroundings);
  if (first.reveal() === second.reveal()) return first;
  throw new LifeboatError('secret.unavailable', 'the two passwords differ', {
    hint: 'Nothing was changed. Run the command again.',
  });
}
