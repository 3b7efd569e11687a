import type { DockerService } from '../../config/index.ts';
import { deadlineIn } from '../deadline.ts';
import { describeService } from '../describe-service.ts';
import type { Platform, PlatformRequest } from '../platform.ts';
import type { PlatformMember, PlatformOptions } from '../registry.ts';
import { lookTimeoutMs, startWithinMs, stopWithinMs } from '../service-times.ts';
import { baselineOf } from './baseline.ts';
import { isOneOff } from './container.ts';
import { DockerClient } from './docker-client.ts';
import { absentService, findContainers } from './find-containers.ts';
import { identifyEngine } from './identify-engine.ts';
import { dockerIsolation } from './isolation.ts';
import { outputOf } from './output.ts';
import { resourcesOf } from './resources.ts';
import { restartContainers } from './restart-containers.ts';
import { restoreContainers } from './restore-containers.ts';
import { stateOf } from './service-state.ts';
import { stopContainers } from './stop-containers.ts';

/** Containers, and services of compose projects, of one engine. */
export const dockerMember: PlatformMember<DockerService> = {
  placeOf: (service) => service.context ?? '',
  create: (service, options) => createDockerPlatform(service.context, options),
};

function createDockerPlatform(context: string | undefined, options: PlatformOptions): Platform {
  const client = new DockerClient(context, options.environment);
  const look = (purpose: string, request: PlatformRequest) => ({
    purpose,
    timeoutMs: lookTimeoutMs(request),
    signal: request.signal,
  });
  /** What lasts of a service. Rejects where there is nothing. */
  async function present(purpose: string, service: DockerService, request: PlatformRequest) {
    const call = look(`${purpose} the ${describeService(service)}`, request);
    const { containers } = await findContainers(client, service, call);
    const lasting = containers.filter((each) => !isOneOff(each));
    if (lasting.length === 0) throw absentService(service, call.purpose);
    return { containers: lasting, call };
  }
  const work = (service: DockerService, timeoutMs: number, { signal }: PlatformRequest) => ({
    client,
    service,
    deadline: deadlineIn(timeoutMs),
    signal,
  });

  return {
    kind: 'docker',
    identify: (request = {}) => identifyEngine(client, look('ask the Docker engine', request)),
    async inspect(service: DockerService, request = {}) {
      const call = look(`look at the ${describeService(service)}`, request);
      return stateOf(await findContainers(client, service, call));
    },
    stop: (service: DockerService, request = {}) =>
      stopContainers(work(service, stopWithinMs(service, request), request)),
    restore: (service: DockerService, state, request = {}) =>
      restoreContainers(work(service, startWithinMs(service, request), request), state),
    restart: (service: DockerService, request = {}) =>
      restartContainers(work(service, startWithinMs(service, request), request)),
    async baseline(service: DockerService, salt, request = {}) {
      const { containers } = await present('record what makes up', service, request);
      return baselineOf(service, containers, salt);
    },
    async output(service: DockerService, range, request = {}) {
      const { containers, call } = await present('read the output of', service, request);
      return outputOf(client, containers, range, call);
    },
    async resources(service: DockerService, request = {}) {
      const { containers, call } = await present('measure', service, request);
      return resourcesOf(client, containers, call);
    },
    isolation: dockerIsolation({ client, present }),
  };
}
