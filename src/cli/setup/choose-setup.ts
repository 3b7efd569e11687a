import { homedir, hostname } from 'node:os';
import { join, resolve } from 'node:path';
import { LifeboatError } from '../../core/index.ts';
import { findLocalServers, type LocalServer, parseConnectionUrl } from '../../sources/index.ts';
import type { Ask, CommandContext } from '../command.ts';
import { chooseFiles, withoutRepository } from './choose-files.ts';
import { choosePassword, type PasswordValues } from './choose-password.ts';
import { chooseVolumes } from './choose-volumes.ts';
import { parseRetentionText, proposedRetention } from './retention-text.ts';
import type { SetupChoices } from './setup-choices.ts';

export interface SetupOptions extends PasswordValues {
  readonly path?: readonly string[] | undefined;
  readonly exclude?: readonly string[] | undefined;
  readonly source?: string | undefined;
  readonly volume?: readonly string[] | undefined;
  readonly connection?: string | undefined;
  readonly location?: string | undefined;
  readonly keep?: string | undefined;
  readonly name?: string | undefined;
  readonly yes?: boolean | string | undefined;
}

/**
 * What the options say; the rest is asked, or taken as proposed when there is nobody to ask. What is wrong is said before anything is
 * written. Errors: `usage.invalid`.
 */
export async function chooseSetup(
  given: SetupOptions,
  configurationFolder: string,
  context: CommandContext,
): Promise<SetupChoices> {
  const ask = given.yes ? undefined : context.ask;
  if (given.connection) refusePassword(given.connection);
  const givenRetention = given.keep === undefined ? undefined : parseRetentionText(given.keep);
  const volumes = chooseVolumes(given.volume ?? []);
  const { kinds, proposal } = await chooseKinds(given, context, ask);
  const files = kinds.files
    ? await chooseFiles(
        { paths: given.path ?? [], exclude: given.exclude, name: given.source },
        context,
        ask,
      )
    : undefined;
  const connection = kinds.postgres
    ? (given.connection ?? (await answer(ask, 'Server to protect', proposal)))
    : undefined;
  if (connection !== undefined) refusePassword(connection);
  const place =
    given.location ??
    (await answer(
      ask,
      'Where the repository lies: a folder, or s3:, gs:, rest:, rclone: with an address',
      defaultLocation(),
    ));
  const location = /^[a-z0-9]+:/.test(place) ? place : absolutePlace(place, context);
  const password = await choosePassword(given, configurationFolder, context, ask);
  const retention = given.keep === undefined ? await chooseRetention(context, ask) : givenRetention;
  const name = given.name ?? (await answer(ask, 'Name, for people', hostname()));
  return {
    name,
    location,
    password,
    retention,
    connection,
    files: files && withoutRepository(files, location),
    volumes,
  };
}

async function answer(ask: Ask | undefined, question: string, proposal: string): Promise<string> {
  return ((await ask?.text(question, proposal)) ?? '').trim() || proposal;
}

async function chooseKinds(
  { path, exclude, connection, volume = [] }: SetupOptions,
  context: CommandContext,
  ask: Ask | undefined,
) {
  const given = { files: (path?.length ?? 0) > 0, postgres: connection !== undefined };
  if (given.files || given.postgres || volume.length > 0) {
    refuseUnusedExcludes(given.files, exclude);
    return { kinds: given, proposal: '' };
  }
  const servers = await findLocalServers();
  tellServers(servers, context);
  const proposal = proposedConnection(servers);
  if (!ask) {
    if (servers.length > 0) {
      refuseUnusedExcludes(false, exclude);
      return { kinds: { files: false, postgres: true }, proposal };
    }
    throw new LifeboatError(
      'usage.invalid',
      'there is nothing to protect: no path, volume or server is named, and no PostgreSQL answers here',
      {
        hint: 'Give --path FOLDER or --volume NAME (several times for several), --connection URL, or all of them.',
      },
    );
  }
  const kind = await ask.choose(
    'What to protect',
    [
      { value: 'files', label: 'folders and files of this machine' },
      { value: 'postgres', label: 'a PostgreSQL server' },
      { value: 'both', label: 'both' },
    ],
    servers.length > 0 ? 'postgres' : 'files',
  );
  return { kinds: { files: kind !== 'postgres', postgres: kind !== 'files' }, proposal };
}

function refuseUnusedExcludes(hasFiles: boolean, exclude: readonly string[] | undefined): void {
  if (hasFiles || exclude === undefined) return;
  throw new LifeboatError('usage.invalid', '--exclude is given, but no --path to leave it out of', {
    hint: 'Give --path FOLDER too.',
  });
}

function refusePassword(connection: string): void {
  if (!parseConnectionUrl(connection).password) return;
  throw new LifeboatError('usage.invalid', 'the connection URL holds a password', {
    hint: 'Arguments can be seen by everybody on the machine. Leave it out here and put it into lifeboat.yaml as password: { file: PATH }.',
  });
}

function tellServers(servers: readonly LocalServer[], { output }: CommandContext): void {
  output.report({ type: 'servers-found', servers }, ({ dim }) =>
    dim(
      servers.length === 0
        ? 'no PostgreSQL answers on the usual sockets and ports of this machine'
        : `found PostgreSQL: ${servers.map(({ host, port }) => `${host}, port ${port}`).join('; ')}`,
    ),
  );
}

function proposedConnection([first]: readonly LocalServer[]): string {
  if (!first) return 'postgres://lifeboat@localhost:5432/postgres';
  if (!first.host.startsWith('/'))
    return `postgres://lifeboat@${first.host}:${first.port}/postgres`;
  return `postgres://lifeboat@localhost:${first.port}/postgres?host=${encodeURIComponent(first.host)}`;
}

/** A text that is not understood is asked for again. */
async function chooseRetention(context: CommandContext, ask: Ask | undefined) {
  if (!ask) return parseRetentionText(proposedRetention);
  for (;;) {
    const question = 'Which snapshots to keep ("all": forget nothing)';
    const text = await answer(ask, question, proposedRetention);
    try {
      return parseRetentionText(text);
    } catch (error) {
      if (!(error instanceof LifeboatError)) throw error;
      context.output.warn(error.message, error.hint);
    }
  }
}

function absolutePlace(text: string, { environment, folder }: CommandContext): string {
  const home = environment.HOME || homedir();
  return text.startsWith('~/') ? join(home, text.slice(2)) : resolve(folder, text);
}

function defaultLocation(): string {
  return process.getuid?.() === 0
    ? '/var/backups/lifeboat'
    : join(homedir(), '.local/share/lifeboat/repository');
}
