import { LifeboatError } from '../../core/index.ts';
import { describeService } from '../describe-service.ts';
import type { ServiceState } from '../platform.ts';
import { readRecord } from '../read-answer.ts';
import { Settling } from '../settling.ts';
import { untilState } from '../until-state.ts';
import {
  type Container,
  isAlive,
  isOneOff,
  nameOf,
  numberOf,
  restartPolicyOf,
} from './container.ts';
import type { DockerCall } from './docker-client.ts';
import { absentService, fileArguments, findContainers, projectOf } from './find-containers.ts';
import {
  type ContainerRecord,
  type RestoreRecord,
  restoreRecord,
  textOf,
} from './service-state.ts';
import type { ContainerWork } from './stop-containers.ts';

/** What a container is to be; undefined: it is none of ours to change. */
type Wanted = Pick<ContainerRecord, 'status'> & Partial<Pick<ContainerRecord, 'restartPolicy'>>;

/**
 * Makes the containers of a service what they were. Those of a compose service that are gone are made again, and only they. `isChanged`:
 * something was started just before.
 */
export async function restoreContainers(
  work: ContainerWork,
  state: ServiceState,
  isChanged = false,
): Promise<void> {
  const { service, deadline, signal } = work;
  const record = recordOf(state, `put back the ${describeService(service)}`);
  const purpose = `${record.isUp ? 'start' : 'put back'} the ${describeService(service)}`;
  const settling = new Settling();
  let isNew = isChanged;
  await untilState({
    purpose,
    deadline,
    signal,
    async begin() {
      const call = () => ({ purpose, timeoutMs: deadline.leftMs(), signal });
      const { containers, areNew } = await makeMissing(work, record, call());
      isNew ||= areNew;
      for (const each of containers) {
        const wanted = wantedOf(each, record);
        if (wanted && (await putBack(work, each, wanted, call))) isNew = true;
      }
    },
    async look(timeoutMs) {
      const askedAt = performance.now();
      for (const each of await lasting(work, record, { purpose, timeoutMs, signal })) {
        const wanted = wantedOf(each, record);
        const isSettled =
          (!isNew && !each.RestartCount) ||
          settling.isSettled(each.Id, each.State.StartedAt, askedAt);
        const instead = wanted && notYet(each, wanted, isSettled, purpose);
        if (instead !== undefined) return `${nameOf(each)} ${instead}`;
      }
      return undefined;
    },
    hint: 'Its newest output says why (docker logs). Put that right and run the command again, or give it more time by startWithin.',
  });
}

interface ServiceRecord extends RestoreRecord {
  /** Something of it ran. */
  readonly isUp: boolean;
}

function recordOf({ status, restore }: ServiceState, purpose: string): ServiceRecord {
  const record = readRecord(restoreRecord, restore, { purpose });
  const isUp =
    record.containers?.some((each) => each.status !== 'stopped') ??
    (status !== 'stopped' && status !== 'absent');
  return { ...record, isUp };
}

async function lasting(
  { client, service }: ContainerWork,
  { project }: ServiceRecord,
  call: DockerCall,
): Promise<readonly Container[]> {
  const { containers } = await findContainers(client, service, call, project);
  return containers.filter((each) => !isOneOff(each));
}

function wantedOf(each: Container, { containers, isUp }: ServiceRecord): Wanted | undefined {
  if (containers === undefined) return { status: isUp ? 'running' : 'stopped' };
  const record =
    containers.find(({ id }) => id === each.Id) ??
    containers.find(({ name }) => name === nameOf(each)) ??
    containers.find(({ number }) => number !== undefined && number === numberOf(each));
  // One that came meanwhile: a service of which nothing ran stays without any that runs.
  return record ?? (isUp ? undefined : { status: 'stopped' });
}

/** Finds the containers of the service; those that ran and are gone are made again first. */
async function makeMissing(
  work: ContainerWork,
  record: ServiceRecord,
  call: DockerCall,
): Promise<{ readonly containers: readonly Container[]; readonly areNew: boolean }> {
  const { client, service } = work;
  const there = await lasting(work, record, call);
  const matched = new Set(there.map((each) => wantedOf(each, record)));
  const missing = record.containers?.filter(
    (each) => each.status !== 'stopped' && !matched.has(each),
  );
  const areMissing = missing === undefined ? there.length === 0 : missing.length > 0;
  if (!record.isUp || !areMissing) return { containers: there, areNew: false };
  if (service.compose === undefined) throw absentService(service, call.purpose);
  const project = record.project ?? (await projectOf(client, service, call));
  const count = Math.max(there.length, record.containers?.length ?? 1);
  const name = service.compose.service;
  const options = ['--detach', '--no-deps', '--no-recreate', '--scale', `${name}=${count}`];
  await client.compose([...fileArguments(service, project), 'up', ...options, name], call);
  return { containers: await lasting(work, { ...record, project }, call), areNew: true };
}

/** Whether it changed anything. */
async function putBack(
  { client }: ContainerWork,
  each: Container,
  { status, restartPolicy }: Wanted,
  call: () => DockerCall,
): Promise<boolean> {
  const commands: string[][] = [];
  // First, so that it is back even where it does not start in time.
  if (restartPolicy !== undefined && restartPolicy !== restartPolicyOf(each)) {
    commands.push(['update', '--restart', restartPolicy]);
  }
  const isPaused = each.State.Status === 'paused';
  if (status === 'stopped' && isAlive(each)) commands.push(['stop']);
  if (status !== 'stopped' && !isAlive(each)) commands.push(['start']);
  if (status === 'running' && isPaused) commands.push(['unpause']);
  if (status === 'paused' && !isPaused) commands.push(['pause']);
  for (const command of commands) await client.run([...command, each.Id], call());
  return commands.length > 0;
}

/** What it is instead; undefined: it is as wanted. Rejects for one that ended and that nothing starts again. */
function notYet(
  each: Container,
  { status }: Wanted,
  isSettled: boolean,
  purpose: string,
): string | undefined {
  const { Status, Health } = each.State;
  const text = textOf(each);
  if (status === 'stopped') return isAlive(each) ? text : undefined;
  if (status === 'paused') return Status === 'paused' ? undefined : text;
  if (!isAlive(each) && restartPolicyOf(each) === 'no') {
    throw new LifeboatError('platform.failed', `cannot ${purpose}: ${nameOf(each)} ${text}`, {
      hint: 'Its newest output says why (docker logs). Put that right and run the command again.',
    });
  }
  if (Status !== 'running') return text;
  if (Health) return Health.Status === 'healthy' ? undefined : text;
  return isSettled ? undefined : 'has only just been started';
}
