import { LifeboatError, sleep } from '../../core/index.ts';
import type { ClusterObject } from './cluster-objects.ts';
import { marks } from './marks.ts';
import { inNamespace, type WorkloadCall } from './workload-call.ts';

/** What is named is set as a whole, null removes it. */
export interface ObjectPatch {
  readonly annotations?: Readonly<Record<string, string | null>> | undefined;
  readonly spec?: Readonly<Record<string, unknown>>;
}

interface Changeable extends ClusterObject {
  readonly spec: object;
}

export interface ObjectChange<Found extends Changeable> {
  /** `deployments.apps` */
  readonly resource: string;
  readonly name: string;
  /** `scale deployment/api in namespace shop to 0` */
  readonly purpose: string;
  /** From what it is now; undefined: nothing is to be changed. May throw. */
  decide(found: Found): ObjectPatch | undefined;
}

/**
 * Reads an object, decides, and writes only if what is to be changed is still what was read, else from the start: what is remembered of
 * it is always what was there right before. Other parts of it may change meanwhile; the status of a busy one always does. Resolves with
 * what it is then, or with undefined when there is none.
 */
export async function changeObject<Found extends Changeable>(
  call: WorkloadCall,
  { resource, name, purpose, decide }: ObjectChange<Found>,
): Promise<Found | undefined> {
  const { kubectl, signal } = call;
  const patch = (type: 'merge' | 'json', content: object) =>
    inNamespace(call, purpose, [
      ...['patch', resource, name, '--type', type, '--patch', JSON.stringify(content)],
      ...['--output', 'json'],
    ]);
  for (let attempt = 1; ; attempt++) {
    const found = await kubectl.find<Found>(inNamespace(call, purpose, ['get', resource, name]));
    if (found === undefined) return undefined;
    const wanted = decide(found);
    if (wanted === undefined) return found;
    const adds = Object.values(wanted.annotations ?? {}).some((each) => each !== null);
    if (adds && found.metadata.annotations === undefined) {
      // Nothing can be added to what is not there. One that says nothing by itself, since it may be all that comes to be.
      const { stoppedBy } = marks;
      const annotations = { [stoppedBy]: wanted.annotations?.[stoppedBy] ?? '' };
      await kubectl.run(patch('merge', { metadata: { annotations } }));
      continue;
    }
    const answer = await kubectl.attempt(patch('json', operations(found, wanted)));
    if (answer.refusal === undefined) return JSON.parse(answer.stdout) as Found;
    if (answer.refusal === 'not-found') return undefined;
    if (answer.refusal !== 'conflict') throw answer.error;
    if (attempt >= attemptsMax) {
      throw new LifeboatError('platform.failed', `cannot ${purpose}: others keep changing it`, {
        hint: 'Nothing was changed. See who does: `kubectl get --show-managed-fields --output yaml` names them.',
        cause: answer.error,
        retryable: true,
      });
    }
    await sleep(attempt * 50, signal);
  }
}

const attemptsMax = 10;

/** JSON Patch (RFC 6902); the server does all of it or nothing. */
function operations(
  { metadata, spec: found }: Changeable,
  { annotations = {}, spec = {} }: ObjectPatch,
): readonly object[] {
  const now = found as Readonly<Record<string, unknown>>;
  return [
    ...Object.entries(spec).flatMap(([key, value]) => change(`/spec/${key}`, now[key], value)),
    ...Object.entries(annotations).flatMap(([key, value]) =>
      change(
        `/metadata/annotations/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`,
        metadata.annotations?.[key],
        value,
      ),
    ),
  ];
}

function change(path: string, former: unknown, value: unknown): readonly object[] {
  const isThere = former !== undefined;
  const asRead = isThere ? [{ op: 'test', path, value: former }] : [];
  if (value !== null) return [...asRead, { op: 'add', path, value }];
  return isThere ? [...asRead, { op: 'remove', path }] : [];
}
