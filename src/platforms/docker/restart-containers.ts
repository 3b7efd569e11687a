import { describeService } from '../describe-service.ts';
import { isOneOff } from './container.ts';
import { findContainers } from './find-containers.ts';
import { restoreContainers } from './restore-containers.ts';
import type { ContainerWork } from './stop-containers.ts';

/**
 * Stops and starts all that lasts of a service, and makes a compose service that is gone. Restart policies stay as they are, so that a
 * death half-way through loses none.
 */
export async function restartContainers(work: ContainerWork): Promise<void> {
  const { client, service, deadline, signal } = work;
  const purpose = `restart the ${describeService(service)}`;
  const call = () => ({ purpose, timeoutMs: deadline.leftMs(), signal });
  const { containers, project } = await findContainers(client, service, call());
  const lasting = containers.filter((each) => !isOneOff(each));
  const paused = lasting.filter(({ State }) => State.Status === 'paused').map(({ Id }) => Id);
  if (paused.length > 0) await client.run(['unpause', ...paused], call());
  const ids = lasting.map(({ Id }) => Id);
  if (ids.length > 0) await client.run(['restart', ...ids], call());
  await restoreContainers(work, { status: 'running', text: '', restore: { project } }, true);
}
