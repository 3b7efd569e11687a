import type { KubernetesService } from '../../config/index.ts';
import { LifeboatError, throwIfAborted } from '../../core/index.ts';
import { deadlineIn } from '../deadline.ts';
import type { Platform, PlatformRequest, ServiceState } from '../platform.ts';
import type { PlatformMember } from '../registry.ts';
import { lookTimeoutMs, startWithinMs, stopWithinMs } from '../service-times.ts';
import { workloadBaseline } from './baseline.ts';
import type { FormerWorkload } from './former-workload.ts';
import { identifyCluster } from './identify.ts';
import { isIsolated, isolateWorkload, rejoinWorkload } from './isolation.ts';
import { Kubectl } from './kubectl.ts';
import { workloadOutput } from './output.ts';
import { workloadResources } from './resources.ts';
import { restoreReplicas } from './restore-replicas.ts';
import { stopReplicas } from './stop-replicas.ts';
import { restoreCronJob, restoreJob, stopCronJob, stopJob } from './suspend-jobs.ts';
import type { WorkloadCall } from './workload-call.ts';
import { workloadOf } from './workload-name.ts';
import { rememberedState, workloadState } from './workload-state.ts';

/** Workloads of a Kubernetes cluster, by kubectl with the user's own configuration and credentials. */
export const kubernetesMember: PlatformMember<KubernetesService> = {
  placeOf: ({ kubeconfig, context }) => JSON.stringify([kubeconfig ?? '', context ?? '']),
  create({ kubeconfig, context }, { environment }) {
    const place = { kubeconfig, context };
    return createKubernetesPlatform(place, new Kubectl(place, environment));
  },
};

type TimeOf = (service: KubernetesService, request: PlatformRequest) => number;
const lookTime: TimeOf = (_, request) => lookTimeoutMs(request);

function createKubernetesPlatform(
  place: { readonly context: string | undefined },
  kubectl: Kubectl,
): Platform {
  /** Begins a call: its time runs from here. */
  function begin(
    service: KubernetesService,
    request: PlatformRequest,
    timeOf: TimeOf = lookTime,
  ): WorkloadCall {
    throwIfAborted(request.signal);
    const deadline = deadlineIn(timeOf(service, request));
    return { kubectl, workload: workloadOf(service), deadline, signal: request.signal };
  }

  return {
    kind: 'kubernetes',
    async identify(request = {}) {
      throwIfAborted(request.signal);
      const time = { timeoutMs: lookTimeoutMs(request), signal: request.signal };
      return await identifyCluster(kubectl, place, time);
    },
    inspect: async (service: KubernetesService, request = {}) =>
      await workloadState(begin(service, request)),
    remembered: async (service: KubernetesService, request = {}) =>
      await rememberedState(begin(service, request)),
    stop: async (service: KubernetesService, request = {}) =>
      await stop(begin(service, request, stopWithinMs)),
    restore: async (service: KubernetesService, state, request = {}) =>
      await restore(begin(service, request, startWithinMs), state),
    async restart(service: KubernetesService, request = {}) {
      // What an interrupted restart left stopped is remembered by the workload itself.
      const state =
        (await rememberedState(begin(service, request))) ??
        (await workloadState(begin(service, request)));
      await stop(begin(service, request, stopWithinMs));
      await restore(begin(service, request, startWithinMs), state);
    },
    baseline: async (service: KubernetesService, salt, request = {}) =>
      await workloadBaseline(begin(service, request), salt),
    output: async (service: KubernetesService, range, request = {}) =>
      await workloadOutput(begin(service, request), range),
    resources: async (service: KubernetesService, request = {}) =>
      await workloadResources(begin(service, request)),
    isolation: {
      prepare: async (service: KubernetesService, request = {}) => ({
        wasIsolated: await isIsolated(begin(service, request)),
      }),
      async isolate(service: KubernetesService, request = {}) {
        const call = begin(service, request);
        const undo = { wasIsolated: await isIsolated(call) };
        await isolateWorkload(call);
        return undo;
      },
      async rejoin(service: KubernetesService, undo, request = {}) {
        if (undo.wasIsolated !== true) await rejoinWorkload(begin(service, request));
      },
    },
  };
}

async function stop(call: WorkloadCall): Promise<void> {
  switch (call.workload.kind) {
    case 'deployment':
    case 'statefulset':
      return await stopReplicas(call);
    case 'cronjob':
      return await stopCronJob(call);
    case 'job':
      return await stopJob(call);
  }
}

async function restore(call: WorkloadCall, state: ServiceState): Promise<void> {
  const former = state.restore as unknown as FormerWorkload;
  if ('isAbsent' in former) return;
  const { kind } = call.workload;
  if ('replicas' in former && (kind === 'deployment' || kind === 'statefulset')) {
    return await restoreReplicas(call, former);
  }
  if ('suspend' in former && kind === 'cronjob') return await restoreCronJob(call, former);
  if ('suspend' in former && kind === 'job') return await restoreJob(call, former);
  throw new LifeboatError(
    'platform.failed',
    `the recorded state is not one of ${call.workload.text}`,
    { hint: 'The service was another workload then: lifeboat.yaml has changed since.' },
  );
}
