import { harmlessText } from '../harmless-text.ts';
import type { ServiceRestarts } from '../platform.ts';
import {
  type ClusterObject,
  controllerOf,
  type ObjectList,
  type Pod,
  type ReplicaSet,
  type Workload,
} from './cluster-objects.ts';
import { selectorText } from './label-selector.ts';
import { inNamespace, type WorkloadCall } from './workload-call.ts';

export interface WorkloadPods {
  readonly pods: readonly Pod[];
  /** Those of a deployment. */
  readonly replicaSets: readonly ReplicaSet[];
}

/** Pods of a deployment, stateful set or job, whatever state they are in; none of others that only have the same labels. */
export async function podsOf(call: WorkloadCall, owner: Workload): Promise<WorkloadPods> {
  const isDeployment = owner.kind === 'Deployment';
  const selector = selectorText(owner.spec.selector ?? {});
  const args = ['get', isDeployment ? 'replicasets.apps,pods' : 'pods', '--selector', selector];
  const purpose = `list the pods of ${call.workload.text}`;
  const list = await call.kubectl.json<ObjectList<ClusterObject>>(inNamespace(call, purpose, args));
  const replicaSets = list.items.filter(
    (each): each is ReplicaSet =>
      each.kind === 'ReplicaSet' && controllerOf(each)?.uid === owner.metadata.uid,
  );
  const owners = new Set([owner, ...replicaSets].map((each) => each.metadata.uid));
  const pods = list.items.filter((each): each is Pod => {
    if (each.kind !== 'Pod') return false;
    const controller = controllerOf(each);
    // One that nobody owns is taken over by whoever has its labels in the selector.
    return controller === undefined || owners.has(controller.uid);
  });
  return { pods, replicaSets };
}

/** None of its containers runs any more, nor will again. */
export function isOver({ status }: Pod): boolean {
  return status?.phase === 'Succeeded' || status?.phase === 'Failed';
}

export function isReady({ metadata, status }: Pod): boolean {
  if (metadata.deletionTimestamp !== undefined) return false;
  return (
    status?.conditions?.some((each) => each.type === 'Ready' && each.status === 'True') === true
  );
}

/** What keeps it from being ready, when that is more than that it has only just begun. */
export function troubleOf(pod: Pod): string | undefined {
  const { status } = pod;
  if (status?.phase === 'Failed') return sentence(status.reason ?? 'failed', status.message);
  const statuses = [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])];
  for (const { name, state, restartCount = 0 } of statuses) {
    const { waiting, terminated } = state ?? {};
    const reason = waiting?.reason;
    if (reason !== undefined && reason !== 'ContainerCreating' && reason !== 'PodInitializing') {
      return sentence(`container ${name}: ${reason}`, waiting?.message);
    }
    if (terminated !== undefined && terminated.exitCode !== 0) {
      return `container ${name} exited with ${terminated.exitCode}, restarted ${restartCount} times`;
    }
  }
  const unscheduled = status?.conditions?.find(
    (each) => each.type === 'PodScheduled' && each.status === 'False',
  );
  return unscheduled && sentence(unscheduled.reason ?? 'not scheduled', unscheduled.message);
}

/** Of the container that was started again most often. */
export function restartsOf(pods: readonly Pod[]): { readonly restarts?: ServiceRestarts } {
  const [most] = pods
    .flatMap(({ status }) => status?.containerStatuses ?? [])
    .toSorted((a, b) => (b.restartCount ?? 0) - (a.restartCount ?? 0));
  const { restartCount: count = 0, state } = most ?? {};
  const since = state?.running?.startedAt;
  return count === 0 ? {} : { restarts: { count, ...(since === undefined ? {} : { since }) } };
}

/** Why it is not ready, for people. */
export function waitsFor(pod: Pod): string {
  const { status } = pod;
  const trouble = troubleOf(pod);
  if (trouble !== undefined) return trouble;
  const unready = status?.conditions?.find(
    (each) => each.type === 'Ready' && each.status === 'False' && each.message !== undefined,
  );
  return unready
    ? sentence(unready.reason ?? 'not ready', unready.message)
    : `not ready, ${status?.phase ?? 'phase unknown'}`;
}

/** Why it is still there, for people. */
export function remainsAs({ metadata, spec, status }: Pod): string {
  const since = metadata.deletionTimestamp;
  const node = spec.nodeName === undefined ? '' : ` on ${spec.nodeName}`;
  if (since === undefined) return `${status?.phase ?? 'phase unknown'}${node}, nobody deleted it`;
  const finalizers = metadata.finalizers ?? [];
  const held = finalizers.length === 0 ? '' : `, held by ${finalizers.join(', ')}`;
  return `${status?.phase ?? 'phase unknown'}${node}, to be gone since ${since}${held}`;
}

function sentence(reason: string, message: string | undefined): string {
  const text = message === undefined || message === '' ? reason : `${reason}: ${message}`;
  return harmlessText(text).replaceAll(/\s+/g, ' ').slice(0, 300);
}
