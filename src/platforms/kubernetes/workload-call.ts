import type { Deadline } from '../deadline.ts';
import type { Kubectl, KubectlCall } from './kubectl.ts';
import type { WorkloadKind, WorkloadName } from './workload-name.ts';

/** One call of the platform: about which workload, and how long it may take. */
export interface WorkloadCall {
  readonly kubectl: Kubectl;
  readonly workload: WorkloadName;
  readonly deadline: Deadline;
  readonly signal?: AbortSignal | undefined;
}

/** Whole names: a custom resource may have the same short one. */
export const resources: Readonly<Record<WorkloadKind, string>> = {
  deployment: 'deployments.apps',
  statefulset: 'statefulsets.apps',
  cronjob: 'cronjobs.batch',
  job: 'jobs.batch',
};

/** Arguments for kubectl in the namespace of the workload. */
export function inNamespace(
  { workload, deadline, signal }: WorkloadCall,
  purpose: string,
  args: readonly string[],
): KubectlCall {
  return {
    args: [...args, '--namespace', workload.namespace],
    purpose,
    timeoutMs: deadline.leftMs(),
    signal,
  };
}
