import { z } from 'zod';
import type { ServiceRestarts, ServiceState, ServiceStatus } from '../platform.ts';
import {
  type Container,
  isAlive,
  isOneOff,
  nameOf,
  numberOf,
  restartPolicyOf,
} from './container.ts';
import type { FoundContainers } from './find-containers.ts';

/** What makes a container again what it was. */
const containerRecord = z.object({
  id: z.string(),
  name: z.string(),
  /** Of compose, which gives the same to the container that takes its place. */
  number: z.int().optional(),
  status: z.enum(['running', 'paused', 'stopped']),
  restartPolicy: z.string(),
});

/** `ServiceState.restore`. Without containers: whatever there is of the service is meant. */
export const restoreRecord = z.object({
  project: z.string().optional(),
  containers: z.array(containerRecord).optional(),
});

export type ContainerRecord = z.infer<typeof containerRecord>;
export type RestoreRecord = z.infer<typeof restoreRecord>;

export function stateOf({ project, containers }: FoundContainers): ServiceState {
  const lasting = containers.filter((each) => !isOneOff(each));
  const tasks = containers.filter((each) => isOneOff(each) && isAlive(each));
  return {
    status: statusOf(lasting, tasks),
    text:
      [...lasting.map(textOf), ...tasks.map((each) => `${textOf(each)} (a task)`)]
        .map((text, index, { length }) => (length === 1 ? text : `${nameAt(index)}: ${text}`))
        .join('; ') || 'there is no container of it',
    ...restartsOf(lasting),
    restore: {
      ...(project === undefined ? {} : { project }),
      containers: lasting.map(recordOf),
    },
  };

  function nameAt(index: number): string {
    return nameOf([...lasting, ...tasks][index] as Container);
  }
}

function statusOf(lasting: readonly Container[], tasks: readonly Container[]): ServiceStatus {
  const alive = lasting.filter(isAlive);
  if (alive.length === 0) {
    if (tasks.length > 0) return 'running';
    return lasting.length === 0 ? 'absent' : 'stopped';
  }
  const healths = alive.map(({ State }) => State.Health?.Status);
  if (alive.some(({ State }) => State.Status === 'restarting')) return 'failing';
  if (healths.includes('unhealthy')) return 'failing';
  return healths.includes('starting') ? 'starting' : 'running';
}

function restartsOf(lasting: readonly Container[]): { readonly restarts?: ServiceRestarts } {
  const [most] = lasting.toSorted((a, b) => (b.RestartCount ?? 0) - (a.RestartCount ?? 0));
  const { RestartCount: count = 0, State } = most ?? {};
  return count === 0 ? {} : { restarts: { count, ...(State && { since: State.StartedAt }) } };
}

function recordOf(each: Container): ContainerRecord {
  const { Status } = each.State;
  const number = numberOf(each);
  return {
    id: each.Id,
    name: nameOf(each),
    ...(number === undefined ? {} : { number }),
    status: Status === 'paused' ? 'paused' : isAlive(each) ? 'running' : 'stopped',
    restartPolicy: restartPolicyOf(each),
  };
}

/** For people. */
export function textOf({ State, RestartCount = 0 }: Container): string {
  const often = RestartCount > 0 ? `, restarted ${RestartCount} times` : '';
  const code = `exited with ${State.ExitCode}${State.OOMKilled ? ', out of memory' : ''}`;
  switch (State.Status) {
    case 'running': {
      const health = State.Health ? ` (${State.Health.Status})` : '';
      return `runs since ${toSecond(State.StartedAt)}${health}${often}`;
    }
    case 'restarting':
      return `is restarted again and again: ${code}${often}`;
    case 'exited':
      return State.FinishedAt === undefined ? code : `${code}, at ${toSecond(State.FinishedAt)}`;
    case 'created':
      return 'was never started';
    default:
      return State.Status;
  }
}

/** Docker tells nanoseconds, of UTC. */
function toSecond(moment: string): string {
  return `${moment.slice(0, 19)}Z`;
}
