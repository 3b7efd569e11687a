import { isLifeboatError } from '../../core/index.ts';
import type { ServiceResources } from '../platform.ts';
import type { ClusterObject } from './cluster-objects.ts';
import { findWorkload } from './find-workload.ts';
import { isOver, podsOf } from './pods.ts';
import { parseQuantity } from './quantity.ts';
import { inNamespace, type WorkloadCall } from './workload-call.ts';

interface PodMetrics extends ClusterObject {
  readonly containers?: readonly {
    readonly usage?: { readonly cpu?: string; readonly memory?: string };
  }[];
}

/** What the pods use together, as the metrics of the cluster say; undefined where it keeps none, or does not show them. */
export async function workloadResources(call: WorkloadCall): Promise<ServiceResources | undefined> {
  const found = await findWorkload(call);
  if (found?.spec.selector === undefined) return undefined;
  const pods = (await podsOf(call, found)).pods.filter((pod) => !isOver(pod));
  const names = new Set(pods.map((pod) => pod.metadata.name));
  const purpose = `read what ${call.workload.text} uses`;
  let metrics: { readonly items: readonly PodMetrics[] };
  try {
    metrics = await call.kubectl.json(
      inNamespace(call, purpose, ['get', 'pods.v1beta1.metrics.k8s.io']),
    );
  } catch (error) {
    if (isLifeboatError(error, 'platform.failed', 'platform.unavailable')) return undefined;
    throw error;
  }
  const usages = metrics.items
    .filter((each) => names.has(each.metadata.name))
    .flatMap((each) => each.containers ?? [])
    .flatMap(({ usage }) => (usage === undefined ? [] : [usage]));
  if (usages.length === 0) return undefined;
  const sum = (quantities: readonly (string | undefined)[]) =>
    quantities.reduce((total, each) => total + (parseQuantity(each ?? '') ?? 0), 0);
  return {
    processors: sum(usages.map(({ cpu }) => cpu)),
    memoryBytes: Math.round(sum(usages.map(({ memory }) => memory))),
  };
}
