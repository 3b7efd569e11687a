import { LifeboatError } from '../../core/index.ts';
import { harmlessLines } from '../harmless-text.ts';
import type { OutputRange } from '../platform.ts';
import type { Pod, Workload } from './cluster-objects.ts';
import { findWorkload, isGone } from './find-workload.ts';
import { podsOf } from './pods.ts';
import { jobsOf } from './suspend-jobs.ts';
import { inNamespace, type WorkloadCall } from './workload-call.ts';

interface Line {
  readonly time: string;
  readonly text: string;
}

/**
 * What the containers of all pods wrote, by time; also those that are over, and the former run of a container that was restarted. With
 * several pods each line begins with the name of its pod.
 */
export async function workloadOutput(
  call: WorkloadCall,
  range: OutputRange,
): Promise<readonly string[]> {
  const found = await findWorkload(call);
  if (found === undefined) throw isGone(call);
  const pods = await everyPod(call, found);
  const lines: Line[] = [];
  const refused: LifeboatError[] = [];
  for (const pod of pods) {
    const mark = pods.length === 1 ? '' : `${pod.metadata.name} `;
    for (const { container, isFormer } of logsOf(pod)) {
      const answer = await readLog(call, pod, container, isFormer, range);
      if (answer instanceof LifeboatError) refused.push(answer);
      else lines.push(...answer.map(({ time, text }) => ({ time, text: `${mark}${text}` })));
    }
  }
  if (refused.length > 0 && lines.length === 0) throw refused[0];
  // A stable sort: lines of one moment stay as they were written.
  lines.sort((a, b) => (a.time < b.time ? -1 : a.time > b.time ? 1 : 0));
  return lines.slice(-range.lines).map(({ text }) => text);
}

async function everyPod(call: WorkloadCall, found: Workload): Promise<readonly Pod[]> {
  const owners = call.workload.kind === 'cronjob' ? await jobsOf(call, found) : [found];
  const pods = await Promise.all(owners.map(async (owner) => (await podsOf(call, owner)).pods));
  return pods.flat();
}

function logsOf({ status, spec }: Pod): readonly { container: string; isFormer: boolean }[] {
  const statuses = [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])];
  const isKnown = statuses.length > 0;
  const begun = isKnown ? statuses.filter(hasBegun) : spec.containers;
  return begun.flatMap((each) => {
    const isRestarted = 'restartCount' in each && (each.restartCount ?? 0) > 0;
    const now = { container: each.name, isFormer: false };
    return isRestarted ? [{ container: each.name, isFormer: true }, now] : [now];
  });
}

/** There is nothing to read of a container that waits for its first start. */
function hasBegun({ state, restartCount = 0 }: { state?: object; restartCount?: number }): boolean {
  return restartCount > 0 || state === undefined || !('waiting' in state);
}

async function readLog(
  call: WorkloadCall,
  { metadata }: Pod,
  container: string,
  isFormer: boolean,
  { lines, since }: OutputRange,
): Promise<readonly Line[] | LifeboatError> {
  const purpose = `read the log of pod ${metadata.name} of ${call.workload.text}`;
  const args = ['logs', metadata.name, '--container', container, '--timestamps'];
  args.push(`--tail=${lines}`);
  if (isFormer) args.push('--previous');
  if (since !== undefined) args.push(`--since-time=${since.toISOString()}`);
  const answer = await call.kubectl.attempt({
    ...inNamespace(call, purpose, args),
    keep: 'newest',
  });
  if (answer.refusal === undefined) return harmlessLines(answer.stdout).map(parseLine);
  if (answer.refusal === 'denied' || answer.refusal === 'unreachable') throw answer.error;
  return answer.error;
}

function parseLine(line: string): Line {
  const space = line.indexOf(' ');
  return { time: line.slice(0, space), text: line.slice(space + 1) };
}
