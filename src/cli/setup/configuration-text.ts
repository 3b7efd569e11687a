import { join } from 'node:path';
import { stringify } from 'yaml';
import { withUser } from '../../sources/index.ts';
import type { SetupChoices } from './setup-choices.ts';

const everyNight = '0 2 * * *';
const everySunday = '0 5 * * 0';

/** The text of a new lifeboat.yaml that lies in `folder`. */
export function configurationText(choices: SetupChoices, folder: string): string {
  const head =
    '# What is protected, and where the backups live. For editors: lifeboat init --schema';
  const { name, location, password, retention, files, connection, stateFolder } = choices;
  const volumes = (choices.volumes ?? []).map(({ name: source, volume }) => [
    source,
    { kind: 'volume', volume, backup: everyNight },
  ]);
  // The sources last, because lines to complete stand below them.
  const body = stringify({
    name,
    repositories: { main: { location, password } },
    ...(retention ? { retention, prune: everySunday } : {}),
    ...(stateFolder ? { state: stateFolder } : {}),
    sources: {
      ...(files
        ? {
            [files.name]: {
              kind: 'files',
              paths: files.paths,
              ...(files.exclude.length > 0 ? { exclude: files.exclude } : {}),
              backup: everyNight,
            },
          }
        : {}),
      ...Object.fromEntries(volumes),
      ...(connection ? { database: { kind: 'postgres', connection, backup: everyNight } } : {}),
    },
  });
  const comments = connection && !stateFolder ? roleComments(connection, folder) : '';
  return `${head}\n${body}${comments}`;
}

/** Lines to complete, below the last source. */
function roleComments(connection: string, folder: string): string {
  const url = withUser(connection, 'OWNER');
  return [
    '    # The password of the role, in the first line of a file that only you can read:',
    `    # password: { file: ${join(folder, 'database.password')} }`,
    '    # The owner of the tables or a superuser, because `rescue` writes:',
    '    # rescue:',
    `    #   connection: ${url}`,
    `    #   password: { file: ${join(folder, 'owner.password')} }`,
    '',
  ].join('\n');
}
