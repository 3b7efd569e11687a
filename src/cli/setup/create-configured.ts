import { pickNamed } from '../../config/index.ts';
import type { CommandContext } from '../command.ts';
import { loadConfigured, openConfiguredLocation } from '../configured.ts';
import { tellAbilities } from '../examine-abilities.ts';
import { confirmAnew } from './confirm-anew.ts';
import { makeRepository } from './make-repository.ts';

/**
 * Creates a repository that stands in lifeboat.yaml; one that is there already is opened. A password file that does not exist is
 * written with a new random password first. `yes`: its name, where one that this host has used is not there any more.
 */
export async function createConfigured(
  context: CommandContext,
  wanted: string,
  yes: string | undefined,
): Promise<void> {
  const configuration = loadConfigured(context);
  const [name, setting] = pickNamed('repository', configuration.repositories, wanted);
  const location = openConfiguredLocation(context, setting);
  const { stateFolder } = configuration;
  await confirmAnew(context, { name, address: setting.location, location, stateFolder, yes });
  const what = `password of the repository "${name}"`;
  const made = await makeRepository(context, location, setting.password, what);
  const { created, newPasswordFile } = made;
  context.output.report(
    { type: 'init-repository', name, location: location.describe(), created },
    ({ green, yellow }) =>
      [
        `${green('✓')} ${created ? 'created' : 'found'} the repository ${name} at ${location.describe()}`,
        ...(newPasswordFile === undefined
          ? []
          : [
              `${green('✓')} wrote a new password into ${newPasswordFile}`,
              yellow('Copy it to a safe place now. Without it nobody can restore anything.'),
            ]),
      ].join('\n'),
  );
  await tellAbilities(context, location);
}
