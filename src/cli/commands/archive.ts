import { LifeboatError } from '../../core/index.ts';
import {
  archiveCommand,
  PostgresSource,
  prepareArchive,
  restoreCommand,
} from '../../sources/index.ts';
import { defineCommand, sourceArgument } from '../command.ts';
import { createConfiguredSource, loadConfigured } from '../configured.ts';

export const archive = defineCommand({
  description: `Prepares what archive_command and restore_command of a PostgreSQL server on this host call, and prints
what to set. The commands are a few lines of sh; \`serve\` does the work: it stores each file in the
log that is streamed to as well, and hands it back for a recovery or a standby. archive_command
succeeds only once the file is durable in the repository. Needs \`archive: {}\` at the source. May be
run again at any time; changes nothing in the server.`,
  examples: ['archive', 'archive database --json'],
  arguments: [sourceArgument],
  options: {},
  async run({ arguments: [wanted] }, context) {
    const configuration = loadConfigured(context);
    const source = await createConfiguredSource(context, configuration, wanted, 'look');
    const settings = source instanceof PostgresSource ? source.settings.archive : undefined;
    if (settings === undefined) {
      throw new LifeboatError('config.invalid', `${source.name} has no archive`, {
        hint: 'Add `archive: {}` to the PostgreSQL source in lifeboat.yaml: sources: { database: { kind: postgres, ..., archive: {} } }.',
      });
    }
    await prepareArchive(settings);
    const { folder } = settings;
    const commands = {
      archiveCommand: archiveCommand(folder),
      restoreCommand: restoreCommand(folder),
    };
    const { output } = context;
    output.report({ type: 'archive', source: source.name, folder, ...commands }, ({ dim }) =>
      [
        dim(`# in postgresql.conf of ${source.name}; archive_mode takes a restart`),
        'archive_mode = on',
        `archive_command = ${setting(commands.archiveCommand)}`,
        '',
        dim('# for a standby, or a recovery by hand (touch recovery.signal)'),
        `restore_command = ${setting(commands.restoreCommand)}`,
        '',
        dim('# both work while `lifeboat serve` runs on this host'),
      ].join('\n'),
    );
    return undefined;
  },
});

/** As a string of postgresql.conf. */
function setting(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
