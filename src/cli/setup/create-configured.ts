import { pickNamed, readPassword } from '../../config/index.ts';
import { isLifeboatError } from '../../core/index.ts';
import { initRepository, openRepository } from '../../repository/index.ts';
import type { CommandContext } from '../command.ts';
import { loadConfigured, openConfiguredLocation, secretSurroundings } from '../configured.ts';
import { tellAbilities } from '../examine-abilities.ts';
import { newPassword, writeNewFile } from './setup-files.ts';

/**
 * Creates a repository that stands in lifeboat.yaml; one that is there already is opened. A password file that does not exist is
 * written with a new random password first.
 */
export async function createConfigured(context: CommandContext, wanted: string): Promise<void> {
  const { output, signal } = context;
  const configuration = loadConfigured(context);
  const [name, setting] = pickNamed('repository', configuration.repositories, wanted);
  const file = 'file' in setting.password ? setting.password.file : undefined;
  const isNewPassword = file !== undefined && (await writeNewFile(file, `${newPassword()}\n`));
  const what = `password of the repository "${name}"`;
  const password = await readPassword(setting.password, what, secretSurroundings(context));
  const location = openConfiguredLocation(context, setting);
  let created = true;
  try {
    await using _made = await initRepository({ location, password, signal });
  } catch (error) {
    if (!isLifeboatError(error, 'repository.exists')) throw error;
    await using _found = await openRepository({ location, password, signal });
    created = false;
  }
  output.report(
    { type: 'init-repository', name, location: location.describe(), created },
    ({ green, yellow }) =>
      [
        `${green('✓')} ${created ? 'created' : 'found'} the repository ${name} at ${location.describe()}`,
        ...(isNewPassword
          ? [
              `${green('✓')} wrote a new password into ${file}`,
              yellow('Copy it to a safe place now. Without it nobody can restore anything.'),
            ]
          : []),
      ].join('\n'),
  );
  await tellAbilities(context, location);
}
