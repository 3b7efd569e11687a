import { LifeboatError } from '../../core/index.ts';
import type { DockerSurvey } from '../../platforms/index.ts';
import { findLocalServers, type LocalServer } from '../../sources/index.ts';
import type { Ask, CommandContext } from '../command.ts';
import {
  type Application,
  applicationOf,
  applicationsIn,
  describeApplication,
  isWorthProtecting,
  namedApplication,
} from './docker/applications.ts';
import { glanceAtDocker, lookAtDocker, tellApplications } from './docker/look-at-docker.ts';

export interface WhatOptions {
  readonly path?: readonly string[] | undefined;
  readonly exclude?: readonly string[] | undefined;
  readonly docker?: readonly string[] | undefined;
  readonly volume?: readonly string[] | undefined;
  readonly connection?: string | undefined;
}

/** What is to be protected, in kinds. */
export interface What {
  readonly files: boolean;
  readonly postgres: boolean;
  /** URL of a server that was found. */
  readonly proposal: string;
  /** Of Docker. */
  readonly application?: Application | undefined;
  readonly survey?: DockerSurvey | undefined;
  /** The application itself was chosen, not only what it has to do with what the options name. */
  readonly isWhole: boolean;
}

/** As options say; where they do not, as is answered, or the only thing that is found. Errors: `usage.invalid`, those of Docker where it is named. */
export async function chooseWhat(
  options: WhatOptions,
  context: CommandContext,
  ask: Ask | undefined,
): Promise<What> {
  const { path = [], exclude, connection, volume = [], docker = [] } = options;
  const given = { files: path.length > 0, postgres: connection !== undefined, proposal: '' };
  if (docker.length > 0) {
    const survey = await lookAtDocker(context);
    return { ...given, survey, application: namedApplication(docker, survey), isWhole: true };
  }
  if (given.files || given.postgres || volume.length > 0) {
    refuseUnusedExcludes(given.files, exclude);
    const isAboutDocker = given.postgres || volume.length > 0;
    const survey = isAboutDocker ? await glanceAtDocker(context) : undefined;
    const named = { ...(connection === undefined ? {} : { connection }), volumes: volume };
    return {
      ...given,
      survey,
      application: survey && applicationOf(named, survey),
      isWhole: false,
    };
  }
  const [servers, survey] = await Promise.all([findLocalServers(), glanceAtDocker(context)]);
  const applications = survey ? applicationsIn(survey).filter(isWorthProtecting) : [];
  const own = servers.filter((each) => !isOfContainer(each, survey));
  tellServers(servers, context);
  tellApplications(applications, context);
  const found = { own, applications, proposal: proposedConnection(own.length > 0 ? own : servers) };
  const what = ask ? await askWhat(found, ask) : proposedWhat(found, context);
  if (!what.application) refuseUnusedExcludes(what.files, exclude);
  return { ...what, survey };
}

export interface Found {
  /** Servers that no container is. */
  readonly own: readonly LocalServer[];
  readonly applications: readonly Application[];
  readonly proposal: string;
}

async function askWhat({ own, applications, proposal }: Found, ask: Ask): Promise<What> {
  const withServer = applications.findIndex(({ containers }) => containers.some((c) => c.server));
  const usual =
    applications.length === 0 ? 'files' : (`docker ${Math.max(withServer, 0)}` as const);
  const kind = await ask.choose<string>(
    'What to protect',
    [
      ...applications.map((each, index) => ({
        value: `docker ${index}`,
        label: `in Docker: ${describeApplication(each)}`,
      })),
      { value: 'files', label: 'folders and files of this machine' },
      { value: 'postgres', label: 'a PostgreSQL server' },
      { value: 'both', label: applications.length === 0 ? 'both' : 'files and a server' },
    ],
    own.length > 0 ? 'postgres' : usual,
  );
  const application = applications.find((_, index) => kind === `docker ${index}`);
  if (application) {
    return { files: false, postgres: false, proposal, application, isWhole: true };
  }
  return { files: kind !== 'postgres', postgres: kind !== 'files', proposal, isWhole: false };
}

/** Without anybody to ask: the only thing there is. Errors: `usage.invalid`. */
export function proposedWhat(
  { own, applications, proposal }: Found,
  { output }: Pick<CommandContext, 'output'>,
): What {
  const names = applications.flatMap(({ project, containers }) =>
    project === undefined ? containers.map(({ name }) => name) : [project],
  );
  if (own.length > 0) {
    if (names.length > 0) {
      output.warn(
        'what is in Docker is not protected by this',
        `--docker NAME protects it instead: ${names.join(', ')}`,
      );
    }
    return { files: false, postgres: true, proposal, isWhole: false };
  }
  const [application] = applications;
  if (applications.length > 1) {
    throw new LifeboatError('usage.invalid', 'there are several applications in Docker', {
      hint: `Name the one to protect: --docker NAME, one of ${names.join(', ')}. What belongs to another gets a lifeboat.yaml of its own.`,
    });
  }
  if (application) {
    return { files: false, postgres: false, proposal, application, isWhole: true };
  }
  throw new LifeboatError(
    'usage.invalid',
    'there is nothing to protect: no path, volume or server is named, and no PostgreSQL answers here',
    {
      hint: 'Give --path FOLDER or --volume NAME (several times for several), --connection URL, or all of them.',
    },
  );
}

/** Errors: `usage.invalid`. */
export function refuseUnusedExcludes(
  hasFiles: boolean,
  exclude: readonly string[] | undefined,
): void {
  if (hasFiles || exclude === undefined) return;
  throw new LifeboatError('usage.invalid', '--exclude is given, but no --path to leave it out of', {
    hint: 'Give --path FOLDER too.',
  });
}

function isOfContainer({ host, port }: LocalServer, survey: DockerSurvey | undefined): boolean {
  const published = (survey?.containers ?? []).flatMap(({ addresses }) => addresses);
  return !host.startsWith('/') && published.some(({ hostPort }) => hostPort === port);
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
