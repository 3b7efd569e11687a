import { formatDuration, LifeboatError } from '../../core/index.ts';
import { changeObject } from './change-object.ts';
import { controllerOf, type ObjectList, type Workload } from './cluster-objects.ts';
import { findWorkload, isGone, requireOwnMaster } from './find-workload.ts';
import type { FormerSuspension } from './former-workload.ts';
import { marks, marksPatch, stoppedByUs } from './marks.ts';
import { isOver, podsOf, remainsAs } from './pods.ts';
import { untilSettled } from './until-settled.ts';
import { inNamespace, resources, type WorkloadCall } from './workload-call.ts';

/** After a cron job was suspended, its controller may still begin what it had decided upon. */
const lateJobMs = 1_000;

/** A job without pods: suspended, which ends them; its controller begins them anew when it is resumed. One that is over stays so. */
export async function stopJob(call: WorkloadCall): Promise<void> {
  const found = await findWorkload(call);
  if (found === undefined) return;
  requireOwnMaster(call, found);
  await suspendJob(call, call.workload.name);
  await untilNoJobPods(call, async () => {
    const job = await findWorkload(call);
    return job === undefined || isFinished(job) ? [] : [job];
  });
}

/** A cron job that begins nothing, and those that it had begun suspended. */
export async function stopCronJob(call: WorkloadCall): Promise<void> {
  const { workload } = call;
  const found = await findWorkload(call);
  if (found === undefined) return;
  requireOwnMaster(call, found);
  await changeObject<Workload>(call, {
    resource: resources.cronjob,
    name: workload.name,
    purpose: `suspend ${workload.text}`,
    decide: suspension,
  });
  const quietAt = performance.now() + lateJobMs;
  await untilNoJobPods(call, async () => {
    const jobs = (await jobsOf(call, found)).filter((job) => !isFinished(job));
    for (const { metadata, spec } of jobs) {
      if (spec.suspend !== true) await suspendJob(call, metadata.name);
    }
    return performance.now() < quietAt ? undefined : jobs;
  });
}

export async function restoreJob(call: WorkloadCall, former: FormerSuspension): Promise<void> {
  const found = await findWorkload(call);
  if (found === undefined) throw isGone(call);
  if (isFinished(found)) return;
  await resume(call, 'job', call.workload.name, former);
  if (former.suspend) return;
  await untilSettled(
    async () => {
      const job = await findWorkload(call);
      if (job === undefined || isFinished(job)) return undefined;
      return Number(job.status?.active ?? 0) > 0 ? undefined : 'it has no pods yet';
    },
    { ...call, late: async (missing) => notInTime(call, 'start', missing) },
  );
}

/** First the jobs that were ended, then what begins new ones. */
export async function restoreCronJob(call: WorkloadCall, former: FormerSuspension): Promise<void> {
  const found = await findWorkload(call);
  if (found === undefined) throw isGone(call);
  for (const job of await jobsOf(call, found)) {
    if (job.metadata.annotations?.[marks.formerSuspend] === undefined) continue;
    await resume(call, 'job', job.metadata.name, { suspend: false, marks: {} });
  }
  await resume(call, 'cronjob', call.workload.name, former);
}

export function isFinished({ status }: Workload): boolean {
  return status?.conditions?.some(isEnd) === true;
}

/** `complete`, `failed: BackoffLimitExceeded` */
export function endOf({ status }: Workload): string {
  const end = status?.conditions?.find(isEnd);
  return end?.type === 'Failed' ? `failed: ${end.reason ?? 'no reason given'}` : 'complete';
}

function isEnd(condition: { readonly type: string; readonly status: string }): boolean {
  return ['Complete', 'Failed'].includes(condition.type) && condition.status === 'True';
}

/** Jobs that a cron job has begun. */
export async function jobsOf(
  call: WorkloadCall,
  { metadata }: Workload,
): Promise<readonly Workload[]> {
  const purpose = `list the jobs of ${call.workload.text}`;
  const list = await call.kubectl.json<ObjectList<Workload>>(
    inNamespace(call, purpose, ['get', resources.job]),
  );
  return list.items.filter((job) => controllerOf(job)?.uid === metadata.uid);
}

function suspension({ spec: { suspend = false } }: Workload) {
  if (suspend) return undefined;
  const annotations = {
    [marks.formerSuspend]: String(suspend),
    [marks.stoppedBy]: stoppedByUs(),
  };
  return { annotations, spec: { suspend: true } };
}

async function suspendJob(call: WorkloadCall, name: string): Promise<void> {
  await changeObject<Workload>(call, {
    resource: resources.job,
    name,
    purpose: `suspend job/${name} in namespace ${call.workload.namespace}`,
    decide: (job) => (isFinished(job) ? undefined : suspension(job)),
  });
}

async function resume(
  call: WorkloadCall,
  kind: 'job' | 'cronjob',
  name: string,
  { suspend, marks: wanted }: FormerSuspension,
): Promise<void> {
  await changeObject<Workload>(call, {
    resource: resources[kind],
    name,
    purpose: `resume ${kind}/${name} in namespace ${call.workload.namespace}`,
    decide(found) {
      const annotations = marksPatch(found, wanted);
      if ((found.spec.suspend ?? false) === suspend && annotations === undefined) return undefined;
      return { annotations, spec: { suspend } };
    },
  });
}

/** `unfinished` resolves with jobs whose pods have to be gone, or with undefined while there may be more. */
async function untilNoJobPods(
  call: WorkloadCall,
  unfinished: () => Promise<readonly Workload[] | undefined>,
): Promise<void> {
  await untilSettled(
    async () => {
      const jobs = await unfinished();
      if (jobs === undefined) return 'its controller may just begin another job';
      const pods = await Promise.all(jobs.map(async (job) => (await podsOf(call, job)).pods));
      const left = pods.flat().filter((pod) => !isOver(pod));
      if (left.length > 0) {
        return left.map((pod) => `pod ${pod.metadata.name} (${remainsAs(pod)})`).join('; ');
      }
      const active = jobs.filter((job) => job.spec.suspend !== true);
      return active.length === 0 ? undefined : `${active.length} jobs are not suspended`;
    },
    { ...call, late: async (missing) => notInTime(call, 'stop', missing) },
  );
}

function notInTime(
  { workload, deadline }: WorkloadCall,
  aim: 'start' | 'stop',
  missing: string,
): LifeboatError {
  const time = formatDuration(deadline.timeoutMs);
  const hint =
    aim === 'stop'
      ? 'What is left may still write. Remove a pod by force only when its node is certainly off. Repeating the freeze goes on from here.'
      : 'See why with kubectl describe, then repeat this.';
  return new LifeboatError(
    'platform.timeout',
    `${workload.text} did not ${aim} within ${time}: ${missing}`,
    { hint: `${hint} Look with: kubectl get pods --namespace ${workload.namespace}.` },
  );
}
