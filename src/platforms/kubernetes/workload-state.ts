import { harmlessText } from '../harmless-text.ts';
import type { ServiceState } from '../platform.ts';
import { autoscalersOf, describeAutoscaler } from './autoscalers.ts';
import type { Workload } from './cluster-objects.ts';
import { findWorkload } from './find-workload.ts';
import type { FormerWorkload } from './former-workload.ts';
import { markOf, marksOn } from './marks.ts';
import { isOver, podsOf, restartsOf, troubleOf } from './pods.ts';
import { endOf, isFinished, jobsOf } from './suspend-jobs.ts';
import type { WorkloadCall } from './workload-call.ts';

export async function workloadState(call: WorkloadCall): Promise<ServiceState> {
  const found = await findWorkload(call);
  if (found === undefined) return absent(call);
  switch (call.workload.kind) {
    case 'deployment':
    case 'statefulset':
      return await stateOfReplicas(call, found);
    case 'cronjob':
      return await stateOfCronJob(call, found);
    case 'job':
      return await stateOfJob(call, found);
  }
}

/** What it was before it was stopped, as the annotations of the object say; undefined where there are none. */
export async function rememberedState(call: WorkloadCall): Promise<ServiceState | undefined> {
  const found = await findWorkload(call);
  if (found === undefined) return undefined;
  const by = markOf(found, 'stoppedBy') ?? 'somebody';
  const replicas = markOf(found, 'formerReplicas');
  if ((found.spec.replicas ?? 0) > 0) return undefined;
  if (replicas !== undefined && /^\d{1,6}$/.test(replicas)) {
    const text = `${replicas} replicas, before ${by} stopped it`;
    return state('running', text, { replicas: Number(replicas), marks: {} });
  }
  if (markOf(found, 'formerSuspend') !== 'false' || found.spec.suspend !== true) return undefined;
  return state('running', `not suspended, before ${by} stopped it`, { suspend: false, marks: {} });
}

function absent({ workload }: WorkloadCall): ServiceState {
  return state('absent', `there is no ${workload.text}`, { isAbsent: true });
}

async function stateOfReplicas(call: WorkloadCall, found: Workload): Promise<ServiceState> {
  const { replicas = 1 } = found.spec;
  const former = { replicas, marks: marksOn(found) };
  const scaling = (await autoscalersOf(call))
    .map((each) => `, ${describeAutoscaler(each)}`)
    .join('');
  const ready = found.status?.readyReplicas ?? 0;
  const counts = `${ready} of ${replicas} replicas ready`;
  const pods = (await podsOf(call, found)).pods.filter((pod) => !isOver(pod));
  const restarts = restartsOf(pods);
  if (replicas > 0 && ready > 0) {
    return { ...state('running', `${counts}${scaling}`, former), ...restarts };
  }
  if (replicas === 0) {
    if (pods.length > 0) return state('running', `${pods.length} pods are still stopping`, former);
    return state('stopped', `0 replicas${stoppedNote(found)}${scaling}`, former);
  }
  const trouble = pods.map(troubleOf).find((each) => each !== undefined) ?? failureOf(found);
  return trouble === undefined
    ? { ...state('starting', `${counts}${scaling}`, former), ...restarts }
    : { ...state('failing', `${counts}: ${trouble}`, former), ...restarts };
}

async function stateOfCronJob(call: WorkloadCall, found: Workload): Promise<ServiceState> {
  const { suspend = false, schedule = '' } = found.spec;
  const running = (await jobsOf(call, found)).filter(
    (job) => !isFinished(job) && job.spec.suspend !== true,
  ).length;
  const jobs = running === 0 ? '' : `, ${running === 1 ? '1 job runs' : `${running} jobs run`}`;
  const about = suspend ? `suspended${stoppedNote(found)}` : `runs at "${harmlessText(schedule)}"`;
  const isStopped = suspend && running === 0;
  return state(isStopped ? 'stopped' : 'running', `${about}${jobs}`, {
    suspend,
    marks: marksOn(found),
  });
}

async function stateOfJob(call: WorkloadCall, found: Workload): Promise<ServiceState> {
  const { suspend = false } = found.spec;
  const former = { suspend, marks: marksOn(found) };
  if (isFinished(found)) return state('stopped', endOf(found), former);
  const pods = (await podsOf(call, found)).pods.filter((pod) => !isOver(pod));
  const count = pods.length === 1 ? '1 pod' : `${pods.length} pods`;
  if (suspend) {
    return pods.length === 0
      ? state('stopped', `suspended${stoppedNote(found)}`, former)
      : state('running', `suspended, ${count} still stopping`, former);
  }
  const trouble = pods.map(troubleOf).find((each) => each !== undefined);
  if (trouble !== undefined) return state('failing', `${count}: ${trouble}`, former);
  return state(pods.length === 0 ? 'starting' : 'running', count, former);
}

function stoppedNote(found: Workload): string {
  const by = markOf(found, 'stoppedBy');
  const replicas = markOf(found, 'formerReplicas');
  if (by === undefined) return '';
  return `, stopped by ${by}${replicas === undefined ? '' : `, ${replicas} before`}`;
}

/** Why there are no pods at all: a quota, a rule of admission. */
function failureOf({ status }: Workload): string | undefined {
  const failure = status?.conditions?.find(
    (each) =>
      (each.type === 'ReplicaFailure' && each.status === 'True') ||
      (each.type === 'Progressing' && each.status === 'False'),
  );
  return failure && harmlessText(failure.message ?? failure.reason ?? failure.type);
}

function state(
  status: ServiceState['status'],
  text: string,
  restore: FormerWorkload,
): ServiceState {
  return { status, text, restore: { ...restore } };
}
