import { LifeboatError } from '../../../core/index.ts';
import type { DockerSurvey, SurveyedContainer } from '../../../platforms/index.ts';
import { parseConnectionUrl } from '../../../sources/index.ts';
import { labelOf, storesOf } from './stores.ts';

/** Containers that belong together: a compose project, or all that belong to none. */
export interface Application {
  /** Of the project; undefined: there is none. */
  readonly project?: string;
  readonly containers: readonly SurveyedContainer[];
}

export function applicationsIn({ containers }: DockerSurvey): readonly Application[] {
  const projects = new Map<string | undefined, SurveyedContainer[]>();
  for (const each of containers) {
    const project = each.compose?.project;
    projects.set(project, [...(projects.get(project) ?? []), each]);
  }
  return [...projects].map(([project, all]) => ({
    ...(project === undefined ? {} : { project }),
    containers: all,
  }));
}

/** It has data. */
export function isWorthProtecting({ containers }: Application): boolean {
  return containers.some(({ server }) => server) || storesOf(containers).offered.length > 0;
}

export function describeApplication({ project, containers }: Application): string {
  const server = containers.some((each) => each.server) ? ['PostgreSQL'] : [];
  const stores = storesOf(containers).offered;
  const of = (kind: 'volume' | 'folder') => {
    const count = stores.filter((each) => each.kind === kind).length;
    return count === 0 ? [] : [`${count} ${kind}${count === 1 ? '' : 's'} of files`];
  };
  const what = [...server, ...of('volume'), ...of('folder')].join(', ') || 'no data that is seen';
  const name = project === undefined ? 'containers of no compose project' : project;
  return `${name} (${containers.map(labelOf).join(', ')}): ${what}`;
}

/** By names of compose projects, or of containers. Errors: `usage.invalid`. */
export function namedApplication(names: readonly string[], survey: DockerSurvey): Application {
  const found = names.map((name) => {
    const ofProject = survey.containers.filter(({ compose }) => compose?.project === name);
    const meant =
      ofProject.length > 0 ? ofProject : survey.containers.filter((each) => each.name === name);
    if (meant.length === 0) throw notFound(name, survey);
    return meant;
  });
  const containers = [...new Set(found.flat())];
  const [project] = new Set(containers.map(({ compose }) => compose?.project));
  const isOne = containers.every(({ compose }) => compose?.project === project);
  return { ...(isOne && project !== undefined ? { project } : {}), containers };
}

/** Those that serve what the options name, and those beside them. */
export function applicationOf(
  { connection, volumes }: { readonly connection?: string; readonly volumes: readonly string[] },
  survey: DockerSurvey,
): Application | undefined {
  const own = applicationsIn(survey).filter(({ containers }) =>
    containers.some(
      (each) =>
        (connection !== undefined && isServerAt(each, connection)) ||
        each.mounts.some(({ kind, name }) => kind === 'volume' && volumes.includes(name)),
    ),
  );
  if (own.length === 0) return undefined;
  const [first] = own;
  return own.length === 1 ? first : { containers: own.flatMap(({ containers }) => containers) };
}

export function isServerAt({ server }: SurveyedContainer, connection: string): boolean {
  if (server?.address === undefined) return false;
  const { host, port } = parseConnectionUrl(connection);
  const { host: ownHost, hostPort } = server.address;
  return port === hostPort && (host === ownHost || (isLoopback(host) && isLoopback(ownHost)));
}

function isLoopback(host: string): boolean {
  return /^(localhost|127\.\d+\.\d+\.\d+|\[?::1\]?)$/.test(host);
}

function notFound(name: string, survey: DockerSurvey): LifeboatError {
  const projects = new Set(survey.containers.flatMap(({ compose }) => compose?.project ?? []));
  const others = survey.containers.filter(({ compose }) => !compose).map((each) => each.name);
  const known = [...projects, ...others];
  return new LifeboatError(
    'usage.invalid',
    `Docker has no compose project and no container called ${JSON.stringify(name)}`,
    {
      hint:
        known.length === 0
          ? 'It has no containers at all. Start the application first, so that it is seen what it uses.'
          : `It has ${known.slice(0, 20).join(', ')}. Start the application first, so that it is seen what it uses.`,
    },
  );
}
