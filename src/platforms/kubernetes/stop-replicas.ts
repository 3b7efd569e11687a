import { formatDuration, LifeboatError } from '../../core/index.ts';
import { autoscalersOf, holdAutoscalers, requireNoOperator } from './autoscalers.ts';
import { changeObject } from './change-object.ts';
import type { Pod, Workload } from './cluster-objects.ts';
import { findWorkload, requireOwnMaster } from './find-workload.ts';
import { marks, stoppedByUs } from './marks.ts';
import { isOver, isReady, podsOf, remainsAs } from './pods.ts';
import { untilSettled } from './until-settled.ts';
import { inNamespace, resources, type WorkloadCall } from './workload-call.ts';

/**
 * A deployment or stateful set with no pods, nor anything that would scale it up again. How many there were stands in an annotation of
 * the workload, written by the patch that scales it down.
 */
export async function stopReplicas(call: WorkloadCall): Promise<void> {
  const found = await findWorkload(call);
  if (found === undefined) return;
  requireOwnMaster(call, found);
  const autoscalers = await autoscalersOf(call);
  requireNoOperator(call, autoscalers);
  // Before the workload: one that scales from zero would have time to do it.
  await holdAutoscalers(call, autoscalers);
  await changeObject<Workload>(call, {
    resource: resources[call.workload.kind],
    name: call.workload.name,
    purpose: `scale ${call.workload.text} to 0`,
    decide({ spec: { replicas = 1 } }) {
      if (replicas === 0) return undefined;
      const annotations = {
        [marks.formerReplicas]: String(replicas),
        [marks.stoppedBy]: stoppedByUs(),
      };
      return { annotations, spec: { replicas: 0 } };
    },
  });
  await untilNoPods(call);
}

/** Resolves when no container of it runs, and its controllers have seen that none is to. Pods are never removed by force. */
export async function untilNoPods(call: WorkloadCall): Promise<void> {
  const { workload, deadline } = call;
  let left: readonly Pod[] = [];
  await untilSettled(
    async () => {
      const found = await findWorkload(call);
      if (found === undefined) return undefined;
      if ((found.spec.replicas ?? 1) > 0) throw await wasScaledUp(call, found);
      const { pods, replicaSets } = await podsOf(call, found);
      left = pods.filter((pod) => !isOver(pod));
      if (left.length > 0) {
        if (found.kind === 'StatefulSet' && isSeen(found)) await freeOrder(call, left);
        return left.map((pod) => `${pod.metadata.name} (${remainsAs(pod)})`).join('; ');
      }
      const isSettled = [found, ...replicaSets].every(
        (each) => isSeen(each) && (each.status?.replicas ?? 0) === 0,
      );
      return isSettled ? undefined : 'its controller has not seen yet that it is to have no pods';
    },
    {
      ...call,
      async late(missing) {
        const names = left.map((pod) => pod.metadata.name);
        const count = names.length === 1 ? '1 pod is' : `${names.length} pods are`;
        const what = names.length === 0 ? missing : `${count} left: ${missing}`;
        const time = formatDuration(deadline.timeoutMs);
        return new LifeboatError(
          'platform.timeout',
          `${workload.text} did not stop within ${time}: ${what}`,
          {
            hint: `What is left may still write. See why: kubectl describe pods ${names.join(' ')} --namespace ${workload.namespace}. Remove a pod by force only when its node is certainly off. Repeating the freeze goes on from here; a thaw puts the replicas back.`,
            context: { pods: names },
          },
        );
      },
    },
  );
}

function isSeen({ metadata, status }: Pick<Workload, 'metadata' | 'status'>): boolean {
  return (status?.observedGeneration ?? 0) >= (metadata.generation ?? 0);
}

/**
 * A stateful set takes its pods away from the last to the first, and does not go on while two of them are not ready (seen on 1.34): one
 * that crashes for want of good data never ends by itself. Its last pod is deleted then, in the ordinary way, which is what its controller would do.
 */
async function freeOrder(call: WorkloadCall, left: readonly Pod[]): Promise<void> {
  if (left.some((pod) => pod.metadata.deletionTimestamp !== undefined)) return;
  const unready = left.filter((pod) => !isReady(pod));
  const last = left.reduce((a, b) => (ordinal(a) > ordinal(b) ? a : b));
  if (unready.length < 2 || !unready.includes(last)) return;
  const purpose = `delete the pod ${last.metadata.name}, which keeps ${call.workload.text} from stopping`;
  const args = ['delete', 'pods', last.metadata.name, '--wait=false', '--ignore-not-found'];
  await call.kubectl.run(inNamespace(call, purpose, args));
}

function ordinal({ metadata }: Pod): number {
  return Number(metadata.name.slice(metadata.name.lastIndexOf('-') + 1));
}

async function wasScaledUp(call: WorkloadCall, found: Workload): Promise<LifeboatError> {
  const { kind, name, text } = call.workload;
  const args = ['get', resources[kind], name, '--show-managed-fields'];
  const told = await call.kubectl
    .find<Workload>(inNamespace(call, `read ${text}`, args))
    .catch(() => undefined);
  const manager = told?.metadata.managedFields
    ?.filter(({ fieldsV1 }) => {
      const spec = fieldsV1?.['f:spec'] as Record<string, unknown> | undefined;
      return spec?.['f:replicas'] !== undefined;
    })
    .sort((a, b) => (a.time ?? '').localeCompare(b.time ?? ''))
    .at(-1)?.manager;
  return new LifeboatError(
    'platform.failed',
    `${text} was scaled to ${found.spec.replicas ?? 1} again while it was to stop${manager === undefined ? '' : `, by ${manager}`}`,
    {
      hint: 'Pause what does that (a deployment pipeline, an operator, an autoscaler of its own), then repeat the freeze.',
    },
  );
}
