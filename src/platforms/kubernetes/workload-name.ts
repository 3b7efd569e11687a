import type { KubernetesService } from '../../config/index.ts';

export type WorkloadKind = 'deployment' | 'statefulset' | 'cronjob' | 'job';

/** What a service is in the cluster. */
export interface WorkloadName {
  readonly kind: WorkloadKind;
  readonly name: string;
  readonly namespace: string;
  /** `deployment/api in namespace shop` */
  readonly text: string;
}

export function workloadOf({ workload, namespace = 'default' }: KubernetesService): WorkloadName {
  const slash = workload.indexOf('/');
  return {
    kind: workload.slice(0, slash) as WorkloadKind,
    name: workload.slice(slash + 1),
    namespace,
    text: `${workload} in namespace ${namespace}`,
  };
}

/** The kind as objects of the cluster spell it. */
export const kindInCluster: Readonly<Record<WorkloadKind, string>> = {
  deployment: 'Deployment',
  statefulset: 'StatefulSet',
  cronjob: 'CronJob',
  job: 'Job',
};
