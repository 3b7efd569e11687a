import { LifeboatError } from '../../core/index.ts';
import { changeObject } from './change-object.ts';
import { type ClusterObject, controllerOf, type ObjectList } from './cluster-objects.ts';
import { marks, marksPatch, stoppedByUs } from './marks.ts';
import { inNamespace, type WorkloadCall } from './workload-call.ts';
import { kindInCluster } from './workload-name.ts';

export interface Autoscaler extends ClusterObject {
  readonly spec: {
    readonly scaleTargetRef: { readonly kind: string; readonly name: string };
    readonly minReplicas?: number;
    readonly maxReplicas: number;
    readonly behavior?: Readonly<Record<string, unknown>>;
  };
}

const resource = 'horizontalpodautoscalers.autoscaling';

/** The horizontal pod autoscalers that set the replicas of the workload. */
export async function autoscalersOf(call: WorkloadCall): Promise<readonly Autoscaler[]> {
  const { kind, name, text } = call.workload;
  const purpose = `list the autoscalers of ${text}`;
  // In its newest version, whatever kubectl prefers: `behavior` is not in the older ones.
  const args = ['get', 'horizontalpodautoscalers.v2.autoscaling'];
  const list = await call.kubectl.json<ObjectList<Autoscaler>>(inNamespace(call, purpose, args));
  return list.items.filter(({ spec: { scaleTargetRef: target } }) => {
    return target.kind === kindInCluster[kind] && target.name === name;
  });
}

/** `autoscaler api from 3 to 6` */
export function describeAutoscaler({ metadata, spec }: Autoscaler): string {
  return `autoscaler ${metadata.name} from ${spec.minReplicas ?? 1} to ${spec.maxReplicas}`;
}

/**
 * Sees to it that none of them scales up what has no replicas. One whose minimum is 1 or more does nothing while there are none: so the
 * controller is made ("ScalingDisabled", seen on 1.34). One whose minimum is 0 scales from 0: it is told never to scale up. What KEDA
 * drives is refused: its operator starts workloads by itself.
 */
export async function holdAutoscalers(
  call: WorkloadCall,
  autoscalers: readonly Autoscaler[],
): Promise<void> {
  for (const { metadata, spec } of autoscalers) {
    if (spec.minReplicas !== 0) continue;
    const { name } = metadata;
    await changeObject<Autoscaler>(call, {
      resource,
      name,
      purpose: `hold the autoscaler ${name} of ${call.workload.text}`,
      decide(found) {
        if (found.metadata.annotations?.[marks.formerBehavior] !== undefined) return undefined;
        const { behavior } = found.spec;
        const scaleUp = { ...(behavior?.scaleUp as object | undefined), selectPolicy: 'Disabled' };
        return {
          annotations: {
            [marks.formerBehavior]: JSON.stringify(behavior ?? null),
            [marks.stoppedBy]: stoppedByUs(),
          },
          spec: { behavior: { ...behavior, scaleUp } },
        };
      },
    });
  }
}

export function requireNoOperator(call: WorkloadCall, autoscalers: readonly Autoscaler[]): void {
  for (const autoscaler of autoscalers) {
    const owner = controllerOf(autoscaler);
    if (owner?.kind !== 'ScaledObject') continue;
    const { namespace, text } = call.workload;
    throw new LifeboatError(
      'platform.failed',
      `${text} is scaled by KEDA (${owner.kind}/${owner.name}), which starts it again by itself`,
      {
        hint: `Pause that first: kubectl annotate scaledobject ${owner.name} --namespace ${namespace} autoscaling.keda.sh/paused=true. Take the annotation off after the thaw.`,
      },
    );
  }
}

/** Lets those that were held scale again as before. */
export async function releaseAutoscalers(call: WorkloadCall): Promise<void> {
  for (const { metadata } of await autoscalersOf(call)) {
    if (metadata.annotations?.[marks.formerBehavior] === undefined) continue;
    await changeObject<Autoscaler>(call, {
      resource,
      name: metadata.name,
      purpose: `release the autoscaler ${metadata.name} of ${call.workload.text}`,
      decide(found) {
        const former = found.metadata.annotations?.[marks.formerBehavior];
        if (former === undefined) return undefined;
        return { annotations: marksPatch(found), spec: { behavior: JSON.parse(former) } };
      },
    });
  }
}
