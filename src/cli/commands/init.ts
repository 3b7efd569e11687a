import { existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { jsonSchema } from '../../config/index.ts';
import { LifeboatError } from '../../core/index.ts';
import { openLocation, type RetryNotice } from '../../repository/index.ts';
import { parseConnectionUrl } from '../../sources/index.ts';
import { adoptConfiguration } from '../adopt/adopt-configuration.ts';
import { type CommandContext, defineCommand } from '../command.ts';
import { tellAbilities } from '../examine-abilities.ts';
import { programName, quoteArgument } from '../next-command.ts';
import { givenPassword, passwordOptions } from '../setup/choose-password.ts';
import { chooseSetup } from '../setup/choose-setup.ts';
import { configurationText } from '../setup/configuration-text.ts';
import { createConfigured } from '../setup/create-configured.ts';
import { type MadeRepository, makeRepository } from '../setup/make-repository.ts';
import { writeNewFile } from '../setup/new-file.ts';
import { nextSteps } from '../setup/next-steps.ts';
import { hbaLines, roleSql } from '../setup/role-sql.ts';
import type { SetupChoices } from '../setup/setup-choices.ts';

export const init = defineCommand({
  description: `Asks what to protect: folders and files, a PostgreSQL server, or an application in Docker with
its database, volumes and services. It looks for servers and containers on this machine, writes
lifeboat.yaml and a file with a new random password, creates an encrypted repository, and says what to
do next. What is given as an option is not asked; without a terminal nothing is. Existing files are
never overwritten; run it again after an interruption.
On a new host, after a disaster: --from-repository fetches the configuration that another host stored
there, verifies who signed it, shows every command that it would ever run, and writes it once the name
of this host was typed. Nothing of it runs before; the password comes from the options for passwords,
LIFEBOAT_PASSWORD, LIFEBOAT_PASSWORD_FILE or the terminal.`,
  examples: [
    'init',
    'init --path /srv/documents --exclude "*.tmp" --location /mnt/backups/office --yes',
    'init --path ~/work --location s3:https://s3.example.com/bucket/work --password-env BACKUP_PASSWORD --yes',
    'init --location /mnt/backups/shop --connection postgres://lifeboat@db:5432/shop --yes',
    'init --docker shop --location /mnt/backups/shop --yes',
    'init --volume shop_uploads --connection postgres://lifeboat@db:5432/shop --yes',
    'init --repository offsite',
    'init --from-repository s3:https://s3.example.com/bucket/shop --password-file /root/password',
    'init --schema > lifeboat.schema.json',
  ],
  arguments: [],
  options: {
    path: {
      flags: '--path <path>',
      description: 'folder or file to protect; may be given several times',
      repeatable: true,
    },
    exclude: {
      flags: '--exclude <pattern>',
      description: 'what to leave out of it, as in .gitignore; may be given several times',
      repeatable: true,
    },
    source: {
      flags: '--source <name>',
      description: 'what this source of files is called (default: the host and -files)',
    },
    docker: {
      flags: '--docker <name>',
      description:
        'compose project, or container, to protect: its PostgreSQL, volumes and folders, and what writes to them; may be given several times',
      repeatable: true,
    },
    volume: {
      flags: '--volume <name>',
      description: 'Docker volume to protect; may be given several times',
      repeatable: true,
    },
    connection: {
      flags: '--connection <url>',
      description: 'server to protect, without a password: postgres://user@host:5432/database',
    },
    location: {
      flags: '--location <place>',
      description:
        'where the repository lies: a folder, or s3:, gs:, rest:, rclone: with an address',
    },
    ...passwordOptions,
    keep: {
      flags: '--keep <rules>',
      description:
        'which snapshots to keep, such as "daily 30, monthly 12"; "all" forgets nothing (default: daily 30, weekly 12, monthly 12, yearly 7)',
    },
    name: { flags: '--name <name>', description: 'what is protected, for people' },
    repository: {
      flags: '-r, --repository <name>',
      description: 'only create the repository of that name in an existing lifeboat.yaml',
    },
    fromRepository: {
      flags: '--from-repository <place>',
      description:
        'on a new host: write the configuration that is stored in this repository, once its commands were shown and the name of this host was typed',
    },
    host: {
      flags: '--host <name>',
      description: 'with --from-repository: whose configuration, where several hosts stored theirs',
    },
    yes: {
      flags: '--yes [name]',
      description:
        'ask nothing, take what is proposed; with --from-repository the name of this host, instead of typing it; with -r that of a repository that this host has used and that is to be made anew',
    },
    schema: { flags: '--schema', description: 'print the JSON Schema of lifeboat.yaml and end' },
  },
  async run({ options }, context) {
    if (options.schema) {
      const schema = jsonSchema();
      context.output.report({ type: 'schema', schema }, () => JSON.stringify(schema, null, 2));
      return 0;
    }
    if (options.fromRepository !== undefined) {
      refuseBeside(options);
      const file = await adoptConfiguration(context, {
        location: options.fromRepository,
        host: options.host,
        password: givenPassword(options, context),
        yes: typeof options.yes === 'string' ? [options.yes] : [],
      });
      tellAdopted(context, file);
      return 0;
    }
    if (options.repository !== undefined) {
      const yes = typeof options.yes === 'string' ? options.yes : undefined;
      await createConfigured(context, options.repository, yes);
      return 0;
    }
    if (typeof options.yes === 'string') {
      throw new LifeboatError(
        'usage.invalid',
        '--yes takes a name only with --from-repository or --repository',
        {
          hint: 'Write --yes alone: it takes what is proposed.',
        },
      );
    }
    const file = configurationPath(context);
    const choices = await chooseSetup(options, dirname(file), context);
    const { environment, output } = context;
    const onRetry = ({ message }: RetryNotice) => output.warn(message);
    const location = openLocation(choices.location, { environment, onRetry });
    // The password first, the configuration last: a run that was interrupted can be repeated.
    const what = 'password of the repository';
    const made = await makeRepository(context, location, choices.password, what);
    await tellAbilities(context, location);
    if (!(await writeNewFile(file, configurationText(choices, dirname(file))))) throw exists(file);
    report(context, file, choices, made);
    return 0;
  },
});

const notBeside = [
  'path',
  'exclude',
  'source',
  'docker',
  'volume',
  'connection',
  'location',
  'keep',
  'name',
  'repository',
];

/** Errors: `usage.invalid`. */
function refuseBeside(options: Readonly<Record<string, unknown>>): void {
  const beside = notBeside.find((each) => options[each] !== undefined);
  if (beside === undefined) return;
  throw new LifeboatError(
    'usage.invalid',
    `--from-repository takes all from there, and --${beside} is given`,
    {
      hint: 'Beside it: --host, --password-file, --password-env, --password-command, --yes HOST.',
    },
  );
}

function tellAdopted({ output, environment, configFile }: CommandContext, file: string): void {
  const config = configFile === undefined ? '' : ` --config ${quoteArgument(configFile)}`;
  const program = `${programName(environment)}${config}`;
  output.say(({ bold, dim }) =>
    [
      bold('Next'),
      `  ${program} doctor                      ${dim('# what of it works here?')}`,
      `  ${program} recover --resume INCIDENT   ${dim('# go on with a recovery that was begun elsewhere')}`,
      dim(`  What is not on this host: correct it in ${file}.`),
    ].join('\n'),
  );
}

function report(
  context: CommandContext,
  file: string,
  choices: SetupChoices,
  { id, created, newPasswordFile }: MadeRepository,
): void {
  const { location, password, files, volumes = [], connection, retention } = choices;
  const { server, services } = choices;
  const settings = connection === undefined ? undefined : parseConnectionUrl(connection);
  const passwordFile = 'file' in password ? password.file : undefined;
  const excludes = files?.exclude ?? [];
  context.output.report(
    {
      type: 'init',
      configuration: file,
      passwordFile,
      location,
      repository: id,
      created,
      paths: files?.paths,
      exclude: files?.exclude,
      ...(volumes.length > 0
        ? { volumes: volumes.map(({ name, volume }) => ({ name, volume })) }
        : {}),
      retention,
      connection,
      roleSql: settings && roleSql(settings, server !== undefined),
      hbaLines: settings && hbaLines(settings, server !== undefined),
      ...(server ? { server: { container: server.container, ground: server.ground } } : {}),
      ...(services ? { services: services.entries.map(({ name }) => name) } : {}),
    },
    (style) => {
      const done = style.green('✓');
      return [
        `${done} ${created ? 'created' : 'found'} the repository ${location}`,
        ...(passwordFile === undefined
          ? []
          : [`${done} ${newPasswordFile ? 'wrote' : 'kept'} its password in ${passwordFile}`]),
        `${done} wrote ${file}`,
        ...(files ? [`  protects ${files.paths.join(', ')}`] : []),
        ...volumes.map(({ volume }) => `  protects docker volume ${volume}`),
        ...(excludes.length > 0 ? [`  leaves out ${excludes.join(', ')}`] : []),
        ...(connection ? [`  protects ${connection}`] : []),
        ...(services
          ? [`  a recovery stops and starts ${services.entries.map(({ name }) => name).join(', ')}`]
          : []),
        `  keeps ${retention ? `of its snapshots ${describeRetention(retention)}` : 'every snapshot'}`,
        '',
        style.yellow(
          'Copy the password to a safe place now. Without it nobody can restore anything.',
        ),
        '',
        ...nextSteps(choices, dirname(file), context, style),
      ].join('\n');
    },
  );
}

function describeRetention(retention: NonNullable<SetupChoices['retention']>): string {
  const rules = Object.entries(retention).map(([rule, value]) => `${rule} ${value}`);
  return rules.join(', ');
}

function configurationPath(context: CommandContext): string {
  const file = resolve(context.folder, context.configFile ?? 'lifeboat.yaml');
  if (existsSync(file)) throw exists(file);
  return file;
}

function exists(file: string): LifeboatError {
  return new LifeboatError('config.exists', `the configuration ${file} exists already`, {
    hint: 'It is never overwritten. Edit it, or give another path with --config. `lifeboat init -r NAME` creates a repository that stands in it.',
    context: { file },
  });
}
