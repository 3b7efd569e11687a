import type { DockerService } from '../../config/index.ts';
import { LifeboatError } from '../../core/index.ts';
import type { Deadline } from '../deadline.ts';
import { describeService } from '../describe-service.ts';
import { untilState } from '../until-state.ts';
import { type Container, isAlive, isOneOff, nameOf, restartPolicyOf } from './container.ts';
import type { DockerClient } from './docker-client.ts';
import { findContainers } from './find-containers.ts';
import { textOf } from './service-state.ts';

export interface ContainerWork {
  readonly client: DockerClient;
  readonly service: DockerService;
  readonly deadline: Deadline;
  readonly signal: AbortSignal | undefined;
}

/**
 * Stops every container of the service, tasks too, each in the time that it was given when it was made. The restart policy goes first: with
 * `always` the engine starts on its own start also what was stopped by hand, and one that is restarted again and again would slip through.
 */
export async function stopContainers({
  client,
  service,
  deadline,
  signal,
}: ContainerWork): Promise<void> {
  const purpose = `stop the ${describeService(service)}`;
  let project: string | undefined;
  const callFor = (timeoutMs: number) => ({ purpose, timeoutMs, signal });
  await untilState({
    purpose,
    deadline,
    signal,
    async begin() {
      const found = await findContainers(client, service, callFor(deadline.leftMs()));
      const { containers } = found;
      project = found.project;
      for (const each of containers) requireStoppable(each, purpose);
      const policed = containers
        .filter((each) => restartPolicyOf(each) !== 'no' && !isOneOff(each))
        .map(idOf);
      if (policed.length > 0) {
        await client.run(['update', '--restart', 'no', ...policed], callFor(deadline.leftMs()));
      }
      const alive = containers.filter(isAlive).map(idOf);
      if (alive.length > 0) await client.run(['stop', ...alive], callFor(deadline.leftMs()));
    },
    async look(timeoutMs) {
      const { containers } = await findContainers(client, service, callFor(timeoutMs), project);
      const alive = containers.filter(isAlive);
      if (alive.length === 0) return undefined;
      return `${alive.map((each) => `${nameOf(each)} ${textOf(each)}`).join('; ')}`;
    },
    hint: 'The engine goes on trying. See what the container waits for, or give it more time by stopWithin, then run the command again.',
  });
}

function idOf({ Id }: Container): string {
  return Id;
}

function requireStoppable(each: Container, purpose: string): void {
  const swarm = each.Config.Labels?.['com.docker.swarm.service.name'];
  if (swarm !== undefined) {
    throw new LifeboatError(
      'platform.failed',
      `cannot ${purpose}: ${nameOf(each)} belongs to the swarm service ${swarm}, which would start another`,
      { hint: 'Describe it by commands instead (platform: shell), with docker service scale.' },
    );
  }
  if (each.HostConfig.AutoRemove && isAlive(each)) {
    throw new LifeboatError(
      'platform.failed',
      `cannot ${purpose}: ${nameOf(each)} was started with --rm and would be removed when it stops`,
      {
        hint: 'Nothing of it was changed. Wait until it has ended, or stop it by hand if nothing in it is needed.',
      },
    );
  }
}
