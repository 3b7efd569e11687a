import { z } from 'zod';
import type { DockerService } from '../../config/index.ts';
import { LifeboatError } from '../../core/index.ts';
import { describeService } from '../describe-service.ts';
import { readAnswer } from '../read-answer.ts';
import { type Container, container, numberOf } from './container.ts';
import type { DockerCall, DockerClient } from './docker-client.ts';

export interface FoundContainers {
  /** Of a compose service. */
  readonly project?: string;
  /** In compose's own order; empty: there is none. */
  readonly containers: readonly Container[];
}

/** The containers of a service, running or not. `project` is what was recorded of it, where something was. */
export async function findContainers(
  client: DockerClient,
  service: DockerService,
  call: DockerCall,
  project?: string,
): Promise<FoundContainers> {
  if (service.compose === undefined) {
    return { containers: await inspectContainers(client, [service.container as string], call) };
  }
  const name = project ?? (await projectOf(client, service, call));
  const containers = await labelled(
    client,
    [
      ['project', name],
      ['service', service.compose.service],
    ],
    call,
  );
  return {
    project: name,
    containers: containers.sort((a, b) => (numberOf(a) ?? 0) - (numberOf(b) ?? 0)),
  };
}

/**
 * Name of the project of a service: as configured, else as its containers say, which needs neither compose nor sound files, else as
 * compose makes of the files.
 */
export async function projectOf(
  client: DockerClient,
  service: DockerService,
  call: DockerCall,
): Promise<string> {
  const compose = service.compose as NonNullable<DockerService['compose']>;
  if (compose.project !== undefined) return compose.project;
  const files = ['project.config_files', compose.files.join(',')] as const;
  const there = await labelled(client, [files, ['service', compose.service]], call);
  const names = new Set(there.map(({ Config }) => Config.Labels?.['com.docker.compose.project']));
  const [name] = names;
  if (names.size === 1 && name !== undefined) return name;
  if (names.size > 1) {
    throw new LifeboatError(
      'platform.failed',
      `cannot ${call.purpose}: several projects were made from its files: ${[...names].join(', ')}`,
      { hint: `Name the one that is meant: services.${service.name}.compose.project.` },
    );
  }
  const { stdout } = await client.compose(
    [...fileArguments(service), 'config', '--format', 'json'],
    call,
  );
  return readAnswer(z.object({ name: z.string() }), stdout, call).name;
}

/** Of compose: which files, and of which project. */
export function fileArguments({ compose }: DockerService, project?: string): readonly string[] {
  return [
    ...(compose?.files ?? []).flatMap((file) => ['--file', file]),
    ...(project === undefined ? [] : ['--project-name', project]),
  ];
}

async function labelled(
  client: DockerClient,
  labels: readonly (readonly [string, string])[],
  call: DockerCall,
): Promise<Container[]> {
  const filters = labels.flatMap(([name, value]) => [
    '--filter',
    `label=com.docker.compose.${name}=${value}`,
  ]);
  const { stdout } = await client.run(['ps', '--all', '--quiet', '--no-trunc', ...filters], call);
  return inspectContainers(
    client,
    stdout.split('\n').filter((id) => id !== ''),
    call,
  );
}

/** Those of them that are there. */
async function inspectContainers(
  client: DockerClient,
  names: readonly string[],
  call: DockerCall,
): Promise<Container[]> {
  if (names.length === 0) return [];
  const end = await client.try(['container', 'inspect', ...names], call);
  if (end.exitCode !== 0 && !/no such (container|object)/i.test(end.stderr))
    throw client.failure(end, call);
  return readAnswer(z.array(container), end.stdout, call);
}

/** For errors about a service that is not there. */
export function absentService(service: DockerService, purpose: string): LifeboatError {
  return new LifeboatError(
    'platform.failed',
    `cannot ${purpose}: there is no ${describeService(service)}`,
    {
      hint: 'Make it again as it was (the last service baseline says of what), then run the command again.',
    },
  );
}
