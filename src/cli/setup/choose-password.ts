import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { PasswordSetting } from '../../config/index.ts';
import { LifeboatError } from '../../core/index.ts';
import type { Ask, CommandContext } from '../command.ts';

/** Where the password of the repository comes from. */
export const passwordOptions = {
  passwordFile: {
    flags: '--password-file <file>',
    description:
      "its password is the first line of this file, which is made with a new one when it isn't there (default: lifeboat.password beside the configuration)",
  },
  passwordEnv: {
    flags: '--password-env <name>',
    description: 'its password is in this environment variable',
  },
  passwordCommand: {
    flags: '--password-command <program>',
    description: 'its password is the first line that it prints; split at spaces, no shell',
  },
} as const;

export interface PasswordValues {
  readonly passwordFile?: string | undefined;
  readonly passwordEnv?: string | undefined;
  readonly passwordCommand?: string | undefined;
}

/** As options say; undefined: they do not. Errors: `usage.invalid`. */
export function givenPassword(
  { passwordFile, passwordEnv, passwordCommand }: PasswordValues,
  context: CommandContext,
): PasswordSetting | undefined {
  const given: PasswordSetting[] = [
    ...(passwordFile === undefined ? [] : [{ file: resolve(context.folder, passwordFile) }]),
    ...(passwordEnv === undefined ? [] : [{ env: passwordEnv }]),
    ...(passwordCommand === undefined ? [] : [commandOf(passwordCommand)]),
  ];
  const [setting, other] = given;
  if (other) {
    throw new LifeboatError('usage.invalid', 'the password is to come from several places', {
      hint: 'Give only one of --password-file, --password-env and --password-command.',
    });
  }
  return setting;
}

/** Errors: `usage.invalid`. */
export async function choosePassword(
  values: PasswordValues,
  configurationFolder: string,
  context: CommandContext,
  ask: Ask | undefined,
): Promise<PasswordSetting> {
  const setting = givenPassword(values, context);
  if (setting) return setting;
  const file = join(configurationFolder, 'lifeboat.password');
  if (!ask) return { file };
  const kind = await ask.choose(
    'Password of the repository',
    [
      { value: 'new', label: `${existsSync(file) ? 'the one' : 'a new random one'} in ${file}` },
      { value: 'file', label: 'in another file' },
      { value: 'env', label: 'in an environment variable' },
      { value: 'command', label: 'printed by a program, such as a password manager' },
    ],
    'new',
  );
  if (kind === 'new') return { file };
  const answer = (await ask.text(questions[kind])).trim();
  if (answer === '') return { file };
  if (kind === 'file') return { file: resolve(context.folder, answer) };
  return kind === 'env' ? { env: answer } : commandOf(answer);
}

const questions = {
  file: 'Path of the file (made with a new password when it is not there)',
  env: 'Name of the variable',
  command: 'Program and arguments',
} as const;

function commandOf(text: string): PasswordSetting {
  return { command: text.split(/\s+/).filter(Boolean) };
}
