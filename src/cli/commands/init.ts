import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { homedir, hostname } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { jsonSchema } from '../../config/index.ts';
import { fileError, isLifeboatError, LifeboatError, Secret } from '../../core/index.ts';
import {
  initRepository,
  openLocation,
  openRepository,
  type RetryNotice,
} from '../../repository/index.ts';
import { findLocalServers, parseConnectionUrl } from '../../sources/index.ts';
import { type CommandContext, defineCommand } from '../command.ts';
import { tellAbilities } from '../examine-abilities.ts';
import { programName } from '../next-command.ts';
import { createConfigured } from '../setup/create-configured.ts';
import { roleSql } from '../setup/role-sql.ts';
import { configurationText, newPassword, writeNewFile } from '../setup/setup-files.ts';

export const init = defineCommand({
  description: `Looks for PostgreSQL on this machine, writes lifeboat.yaml and a file with a new random
password, creates an encrypted repository, and prints the SQL for a role that may do no more
than is needed. Existing files are never overwritten; run it again after an interruption.`,
  examples: [
    'init',
    'init --location /mnt/backups/shop --connection postgres://lifeboat@db:5432/shop --yes',
    'init --repository offsite',
    'init --schema > lifeboat.schema.json',
  ],
  arguments: [],
  options: {
    location: { flags: '--location <place>', description: 'folder of the repository' },
    connection: {
      flags: '--connection <url>',
      description: 'server to protect, without a password: postgres://user@host:5432/database',
    },
    name: { flags: '--name <name>', description: 'what is protected, for people' },
    repository: {
      flags: '-r, --repository <name>',
      description: 'only create the repository of that name in an existing lifeboat.yaml',
    },
    yes: { flags: '--yes', description: 'ask nothing, take what is proposed' },
    schema: { flags: '--schema', description: 'print the JSON Schema of lifeboat.yaml and end' },
  },
  async run({ options }, context) {
    if (options.schema) {
      const schema = jsonSchema();
      context.output.report({ type: 'schema', schema }, () => JSON.stringify(schema, null, 2));
      return 0;
    }
    if (options.repository !== undefined) {
      await createConfigured(context, options.repository);
      return 0;
    }
    const file = configurationPath(context);
    const choices = await choose(options, file, context);
    // The password first, the configuration last: a run that was interrupted can be repeated.
    const isNewPassword = await writeNewFile(choices.passwordFile, `${newPassword()}\n`);
    const repository = await createOrOpen(choices.location, choices.passwordFile, context);
    await tellAbilities(context, openLocation(choices.location));
    if (!(await writeNewFile(file, configurationText(choices)))) throw exists(file);
    const program = programName(context.environment);
    const role = parseConnectionUrl(choices.connection).user;
    context.output.report(
      {
        type: 'init',
        configuration: file,
        passwordFile: choices.passwordFile,
        location: choices.location,
        repository: repository.id,
        created: repository.created,
        connection: choices.connection,
        roleSql: roleSql(role),
      },
      ({ bold, dim, green, yellow }) =>
        [
          `${green('✓')} ${repository.created ? 'created' : 'found'} the repository ${choices.location}`,
          `${green('✓')} ${isNewPassword ? 'wrote' : 'kept'} its password in ${choices.passwordFile}`,
          `${green('✓')} wrote ${file}`,
          '',
          yellow('Copy the password to a safe place now. Without it nobody can restore anything.'),
          '',
          bold('Next'),
          `  1. As a superuser of the server, in psql ${dim('(a role that may read and stream, nothing else)')}:`,
          ...roleSql(role).map((line) => `       ${line}`),
          '     In pg_hba.conf, when it has no such line (then: SELECT pg_reload_conf();):',
          `       host replication ${role} samehost scram-sha-256   ${dim('# samehost: or the address of this machine')}`,
          `  2. Write the password into ${dirname(file)}/database.password`,
          `     ${dim('(chmod 600)')}, and take the # away from the line \`password:\` in lifeboat.yaml.`,
          '     The same for `rescue:`, a role that may write.',
          `  3. ${program} doctor     # is everything as it should be?`,
          `  4. ${program} serve      # stream the log, back up now and every night; leave it running`,
        ].join('\n'),
    );
    return 0;
  },
});

interface Choices {
  readonly name: string;
  readonly location: string;
  readonly connection: string;
  readonly passwordFile: string;
}

async function choose(
  given: {
    location?: string | undefined;
    connection?: string | undefined;
    name?: string | undefined;
    yes?: boolean | undefined;
  },
  file: string,
  context: CommandContext,
): Promise<Choices> {
  const ask = given.yes ? undefined : context.ask;
  const answer = async (value: string | undefined, question: string, proposal: string) =>
    value ?? (ask ? (await ask.text(question, proposal)).trim() : proposal);
  const location = await answer(given.location, 'Folder of the repository', defaultLocation());
  const proposal = given.connection ?? (await proposeConnection(context));
  const connection = await answer(given.connection, 'Server to protect', proposal);
  if (parseConnectionUrl(connection).password) {
    throw new LifeboatError('usage.invalid', 'the connection URL holds a password', {
      hint: 'Arguments can be seen by everybody on the machine. Leave it out here and put it into lifeboat.yaml as password: { file: PATH }.',
    });
  }
  const name = await answer(given.name, 'Name, for people', hostname());
  const place = /^[a-z0-9]+:/.test(location) ? location : resolve(context.folder, location);
  return {
    name,
    location: place,
    connection,
    passwordFile: join(dirname(file), 'lifeboat.password'),
  };
}

function configurationPath(context: CommandContext): string {
  const file = resolve(context.folder, context.configFile ?? 'lifeboat.yaml');
  if (existsSync(file)) throw exists(file);
  return file;
}

async function proposeConnection({ output }: CommandContext): Promise<string> {
  const servers = await findLocalServers();
  output.report({ type: 'servers-found', servers }, ({ dim }) =>
    servers.length === 0
      ? dim('no PostgreSQL answers on the usual sockets and ports of this machine')
      : dim(
          `found PostgreSQL: ${servers.map(({ host, port }) => `${host}, port ${port}`).join('; ')}`,
        ),
  );
  const [first] = servers;
  if (!first) return 'postgres://lifeboat@localhost:5432/postgres';
  if (!first.host.startsWith('/'))
    return `postgres://lifeboat@${first.host}:${first.port}/postgres`;
  return `postgres://lifeboat@localhost:${first.port}/postgres?host=${encodeURIComponent(first.host)}`;
}

async function createOrOpen(place: string, passwordFile: string, context: CommandContext) {
  const { environment, output, signal } = context;
  const text = await readFile(passwordFile, 'utf8').catch((error) => {
    throw fileError(error, `could not read ${passwordFile}`);
  });
  const password = new Secret((text.split(/\r?\n/, 1)[0] ?? '').trim());
  const onRetry = ({ message }: RetryNotice) => output.warn(message);
  const location = openLocation(place, { environment, onRetry });
  try {
    await using repository = await initRepository({ location, password, signal });
    return { id: repository.id, created: true };
  } catch (error) {
    if (!isLifeboatError(error, 'repository.exists')) throw error;
    await using repository = await openRepository({ location, password, signal });
    return { id: repository.id, created: false };
  }
}

function defaultLocation(): string {
  return process.getuid?.() === 0
    ? '/var/backups/lifeboat'
    : join(homedir(), '.local/share/lifeboat/repository');
}

function exists(file: string): LifeboatError {
  return new LifeboatError('config.exists', `the configuration ${file} exists already`, {
    hint: 'It is never overwritten. Edit it, or give another path with --config. `lifeboat init -r NAME` creates a repository that stands in it.',
    context: { file },
  });
}
