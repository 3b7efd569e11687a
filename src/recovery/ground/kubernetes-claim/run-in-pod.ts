import { formatDuration, LifeboatError, sleep } from '../../../core/index.ts';
import { type Pod, waitsFor } from '../../../platforms/index.ts';
import { runScript, type ScriptEnd } from '../in-volume/run-script.ts';
import { type ClaimContext, describeClaim, inNamespaceOf } from './claim.ts';
import { helperCommand, type helperPod } from './helper-pod.ts';

const goneWithinMs = 60_000;
const firstPauseMs = 100;
const longestPauseMs = 2_000;

/** Creates it and waits until commands can be run in it. One that does not start is removed again. Resolves with its name. */
export async function startHelper(
  context: ClaimContext,
  manifest: ReturnType<typeof helperPod>,
  startWithinMs: number,
): Promise<string> {
  const { kubectl, signal } = context;
  const purpose = `start a helper pod for the ${describeClaim(context.setting)}`;
  const call = inNamespaceOf(context, purpose, ['create', '--filename', '-']);
  const { name } = manifest.metadata;
  try {
    await kubectl.run({ ...call, input: JSON.stringify(manifest) });
    const end = performance.now() + startWithinMs;
    for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(pauseMs * 1.5, longestPauseMs)) {
      const args = ['get', 'pods', name];
      const pod = await kubectl.find<Pod>(inNamespaceOf(context, purpose, args));
      if (pod?.status?.containerStatuses?.some((each) => each.ready === true)) return name;
      const isOver = ['Succeeded', 'Failed'].includes(pod?.status?.phase ?? '');
      if (pod === undefined || isOver) {
        throw notStarted(purpose, pod === undefined ? 'somebody deleted it' : waitsFor(pod));
      }
      if (performance.now() > end) {
        const fact = `not ready after ${formatDuration(startWithinMs)}: ${waitsFor(pod)}`;
        throw notStarted(purpose, fact);
      }
      await sleep(pauseMs, signal);
    }
  } catch (error) {
    await removeHelpers({ ...context, signal: undefined }, [name]).catch(() => {});
    throw error;
  }
}

/** Removes pods of ours, and waits until nothing of them runs any more: what they do must have ended before somebody else works there. */
export async function removeHelpers(
  context: ClaimContext,
  names: readonly string[],
): Promise<void> {
  if (names.length === 0) return;
  const { kubectl, signal } = context;
  const purpose = `remove the helper pods of the ${describeClaim(context.setting)}`;
  const args = ['delete', 'pods', ...names, '--ignore-not-found', '--wait=false'];
  await kubectl.run(inNamespaceOf(context, purpose, args));
  const end = performance.now() + goneWithinMs;
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(pauseMs * 1.5, longestPauseMs)) {
    const get = ['get', 'pods', ...names, '--ignore-not-found', '--output', 'name'];
    const left = await kubectl.run(inNamespaceOf(context, purpose, get));
    if (left.trim() === '') return;
    if (performance.now() > end) {
      const text = left.trim().split('\n').join(', ');
      throw new LifeboatError(
        'ground.unavailable',
        `${text} did not go away within ${formatDuration(goneWithinMs)}`,
        {
          hint: `See why: kubectl describe ${text.replaceAll(', ', ' ')} --namespace ${context.setting.namespace ?? 'default'}. Then repeat this.`,
          retryable: true,
        },
      );
    }
    await sleep(pauseMs, signal);
  }
}

/** Runs the script there. Errors: `ground.unavailable`, `cancelled`, those of the input. */
export async function execInHelper(
  context: ClaimContext,
  pod: string,
  args: readonly string[],
  input: AsyncIterable<Uint8Array> | undefined,
): Promise<ScriptEnd> {
  const { kubectl, setting, signal } = context;
  const command = kubectl.command([
    'exec',
    ...(input === undefined ? [] : ['--stdin']),
    ...['--namespace', setting.namespace ?? 'default', pod, '--container', 'claim', '--'],
    ...helperCommand,
    ...args,
  ]);
  const end = await runScript({ ...command, input, signal });
  if (end.exitCode === 0) return end;
  // "command terminated with exit code 67": what kubectl says of the command, and not of itself.
  const told = /command terminated with exit code (\d+)\s*$/.exec(end.stderr);
  if (told !== null) {
    return { ...end, exitCode: Number(told[1]), stderr: end.stderr.slice(0, told.index) };
  }
  const fact = end.stderr.trim().split('\n').at(-1) ?? `kubectl ended with ${end.exitCode}`;
  throw new LifeboatError(
    'ground.unavailable',
    `cannot work at the ${describeClaim(setting)}: ${fact}`,
    {
      hint: 'The connection to the pod broke, or may not be used (pods/exec). Every step there may be repeated, and goes on from where it was.',
      retryable: true,
    },
  );
}

function notStarted(purpose: string, fact: string): LifeboatError {
  return new LifeboatError('ground.failed', `cannot ${purpose}: ${fact}`, {
    hint: 'See that its image can be had and has sh and tar, that the claim can be mounted on some node, and that rules of the namespace allow a pod as root. What services use is as before.',
  });
}
