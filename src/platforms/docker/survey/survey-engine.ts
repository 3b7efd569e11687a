import { hostname } from 'node:os';
import { posix } from 'node:path';
import { z } from 'zod';
import { deadlineIn } from '../../deadline.ts';
import { readAnswer } from '../../read-answer.ts';
import { isAlive, isOneOff, nameOf } from '../container.ts';
import { type DockerCall, DockerClient } from '../docker-client.ts';
import {
  environmentOf,
  type InspectedContainer,
  inspectedContainer,
  labelsOf,
} from './inspected-container.ts';
import { postgresServer } from './postgres-server.ts';
import { publishedAddresses } from './published-addresses.ts';
import type { DockerSurvey, SurveyedCompose, SurveyedContainer, SurveyedMount } from './survey.ts';

export interface SurveyOptions {
  readonly environment: NodeJS.ProcessEnv;
  /** For all of it. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Asks the engine of the current context what containers it has and what they use. Runs nothing in them, changes nothing. Errors:
 * `platform.unavailable`, `platform.timeout`, `platform.failed`, `cancelled`.
 */
export async function surveyEngine(options: SurveyOptions): Promise<DockerSurvey> {
  const { environment, timeoutMs, signal } = options;
  const deadline = deadlineIn(timeoutMs);
  const call = (): DockerCall => ({
    purpose: 'look at the containers of Docker',
    timeoutMs: Math.max(1, deadline.leftMs()),
    signal,
  });
  const client = new DockerClient(undefined, environment);
  const context = await client.context(call());
  const endpoint = environment.DOCKER_HOST || (await endpointOf(client, context, call()));
  const { stdout } = await client.run(['ps', '--all', '--quiet', '--no-trunc'], call());
  const ids = stdout.split('\n').filter((id) => id !== '');
  const isHere = endpoint.startsWith('unix://') || endpoint.startsWith('npipe://');
  const inspected = ids.length === 0 ? [] : await inspect(client, ids, call());
  const meant = inspected.filter((each) => !isOneOff(each) && !isOfKubernetes(each));
  return {
    context: context === 'default' ? undefined : context,
    containers: surveyed(meant, isHere ? undefined : hostOf(endpoint)),
  };
}

async function endpointOf(
  client: DockerClient,
  context: string,
  call: DockerCall,
): Promise<string> {
  const format = '{{.Endpoints.docker.Host}}';
  const { stdout } = await client.run(['context', 'inspect', context, '--format', format], call);
  return stdout.trim();
}

/** One that has gone meanwhile, or is of a form that is not known, is left out. */
async function inspect(
  client: DockerClient,
  ids: readonly string[],
  call: DockerCall,
): Promise<readonly InspectedContainer[]> {
  const end = await client.try(['container', 'inspect', ...ids], call);
  if (end.exitCode !== 0 && !/no such (container|object)/i.test(end.stderr)) {
    throw client.failure(end, call);
  }
  return readAnswer(z.array(z.unknown()), end.stdout, call)
    .flatMap((each) => inspectedContainer.safeParse(each).data ?? [])
    .sort((a, b) => (a.Name < b.Name ? -1 : 1));
}

function isOfKubernetes(each: InspectedContainer): boolean {
  return labelsOf(each)['io.kubernetes.pod.name'] !== undefined;
}

function surveyed(
  all: readonly InspectedContainer[],
  engineHost: string | undefined,
): readonly SurveyedContainer[] {
  const first = all.map((each) => {
    const addresses = publishedAddresses(each, engineHost);
    return { each, addresses, server: postgresServer(each, addresses) };
  });
  const isInReach = ({ kind }: SurveyedMount) => kind === 'volume' || engineHost === undefined;
  const servers = first.filter(({ server }) => server !== undefined);
  return first.map(({ each, addresses, server }) => {
    const compose = composeOf(each);
    const unfit = unfitFor(each);
    return {
      name: nameOf(each),
      image: each.Config.Image,
      isRunning: isAlive(each),
      ...(compose === undefined ? {} : { compose }),
      mounts: (each.Mounts ?? []).flatMap(mountOf).filter(isInReach),
      networks: Object.keys(each.NetworkSettings.Networks ?? {}),
      addresses,
      ...(unfit === undefined ? {} : { unfit }),
      ...(server === undefined ? {} : { server }),
      namesServers: servers
        .filter((other) => other.each !== each && names(each, other.each))
        .map((other) => nameOf(other.each)),
    };
  });
}

function composeOf(each: InspectedContainer): SurveyedCompose | undefined {
  const labels = labelsOf(each);
  const label = (name: string) => labels[`com.docker.compose.${name}`] ?? '';
  const [project, service] = [label('project'), label('service')];
  if (project === '' || service === '') return undefined;
  const folder = label('project.working_dir');
  const environmentFiles = label('project.environment_file');
  const usual = posix.join(folder, '.env');
  return {
    project,
    service,
    folder,
    files: label('project.config_files')
      .split(',')
      .filter((file) => file !== '')
      .map((file) => posix.resolve(folder || '/', file)),
    ...(environmentFiles === '' || environmentFiles === usual ? {} : { environmentFiles }),
    // `db:service_started:false,cache:service_healthy:true`
    after: label('depends_on')
      .split(',')
      .map((each) => each.split(':')[0] as string)
      .filter((name) => name !== ''),
  };
}

function mountOf(mount: NonNullable<InspectedContainer['Mounts']>[number]): SurveyedMount[] {
  const { Type, Name = '', Source = '', Destination: at, RW: isWritable = true } = mount;
  if (Type === 'volume' && Name !== '') return [{ kind: 'volume', name: Name, at, isWritable }];
  if (Type === 'bind' && Source !== '') return [{ kind: 'folder', name: Source, at, isWritable }];
  return [];
}

function unfitFor(each: InspectedContainer): string | undefined {
  if (each.HostConfig.AutoRemove)
    return 'it was started with --rm, so that it is gone when stopped';
  if (labelsOf(each)['com.docker.swarm.service.id'] !== undefined) {
    return 'it belongs to a service of a swarm, which starts another in its place';
  }
  return undefined;
}

/** Whether the environment or the arguments of one container name another, by a name that it has on their networks. */
function names(one: InspectedContainer, other: InspectedContainer): boolean {
  const known = new Set([nameOf(other), labelsOf(other)['com.docker.compose.service'] ?? '']);
  for (const { Aliases } of Object.values(other.NetworkSettings.Networks ?? {})) {
    for (const alias of Aliases ?? []) known.add(alias);
  }
  const said = [...environmentOf(one).values(), ...(one.Args ?? [])];
  return [...known].filter(Boolean).some((name) => {
    const word = new RegExp(`(^|[^\\w.-])${name.replace(/[^\w-]/g, '\\$&')}($|[^\\w.-])`);
    return said.some((text) => word.test(text));
  });
}

function hostOf(endpoint: string): string {
  return /^[a-z]+:\/\/(?:[^@/]*@)?(\[[^\]]+\]|[^:/]+)/.exec(endpoint)?.[1] ?? hostname();
}
