import { formatDuration, LifeboatError } from '../../core/index.ts';
import { deadlineIn } from '../deadline.ts';
import { autoscalersOf, releaseAutoscalers } from './autoscalers.ts';
import { changeObject } from './change-object.ts';
import type { Workload } from './cluster-objects.ts';
import { findWorkload, isGone } from './find-workload.ts';
import type { FormerReplicas } from './former-workload.ts';
import { marksPatch } from './marks.ts';
import { isOver, isReady, podsOf, waitsFor } from './pods.ts';
import { untilNoPods } from './stop-replicas.ts';
import { untilSettled } from './until-settled.ts';
import { resources, type WorkloadCall } from './workload-call.ts';

/** As many replicas as before, and all of them ready; none where there were none. */
export async function restoreReplicas(
  call: WorkloadCall,
  { replicas, marks }: FormerReplicas,
): Promise<void> {
  const isScaled = (await autoscalersOf(call)).length > 0;
  const restored = await changeObject<Workload>(call, {
    resource: resources[call.workload.kind],
    name: call.workload.name,
    purpose: `scale ${call.workload.text} to ${replicas}`,
    decide(found) {
      const now = found.spec.replicas ?? 1;
      // An earlier attempt began it, and an autoscaler has gone on from there: the number is its own again.
      const isRight = now === replicas || (isScaled && replicas > 0 && now > 0);
      const annotations = marksPatch(found, marks);
      if (isRight && annotations === undefined) return undefined;
      return { annotations, ...(isRight ? {} : { spec: { replicas } }) };
    },
  });
  if (restored === undefined) throw isGone(call);
  await releaseAutoscalers(call);
  await (replicas === 0 ? untilNoPods(call) : untilReady(call));
}

async function untilReady(call: WorkloadCall): Promise<void> {
  const { workload, deadline } = call;
  let latest: Workload | undefined;
  await untilSettled(
    async () => {
      latest = await findWorkload(call);
      if (latest === undefined) throw isGone(call);
      const { metadata, spec, status } = latest;
      const wanted = spec.replicas ?? 1;
      if (wanted === 0) throw wasScaledDown(call);
      const ready = status?.readyReplicas ?? 0;
      const isSeen = (status?.observedGeneration ?? 0) >= (metadata.generation ?? 0);
      return isSeen && ready >= wanted ? undefined : `${ready} of ${wanted} replicas ready`;
    },
    {
      ...call,
      async late(missing) {
        const reasons = latest === undefined ? [] : await reasonsOf(call, latest);
        const time = formatDuration(deadline.timeoutMs);
        return new LifeboatError(
          'platform.timeout',
          `${workload.text} is not ready after ${time}: ${[missing, ...reasons].join('; ')}`,
          {
            hint: `It stays scaled up. See more with kubectl describe and kubectl logs --namespace ${workload.namespace}; put right what is wrong, then repeat this.`,
            context: { reasons },
          },
        );
      },
    },
  );
}

/** Why pods are not ready, or are not even there. */
async function reasonsOf(call: WorkloadCall, found: Workload): Promise<readonly string[]> {
  // Time is over, but not for saying why.
  const { pods } = await podsOf({ ...call, deadline: deadlineIn(reasonTimeoutMs) }, found);
  const unready = pods.filter((pod) => !isReady(pod) && !isOver(pod));
  const refused = found.status?.conditions?.find(
    (each) => each.type === 'ReplicaFailure' && each.status === 'True',
  );
  return [
    ...(refused === undefined ? [] : [`${refused.reason}: ${refused.message}`]),
    ...unready.map((pod) => `pod ${pod.metadata.name}: ${waitsFor(pod)}`),
  ];
}

const reasonTimeoutMs = 10_000;

function wasScaledDown({ workload }: WorkloadCall): LifeboatError {
  return new LifeboatError(
    'platform.failed',
    `${workload.text} was scaled to 0 by somebody else while it was to start`,
    { hint: 'Find out who, and repeat this when it may run.' },
  );
}
