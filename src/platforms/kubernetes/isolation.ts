import { createHash } from 'node:crypto';
import { LifeboatError } from '../../core/index.ts';
import { templateOf } from './baseline.ts';
import type { ClusterObject, LabelSelector, ObjectList } from './cluster-objects.ts';
import { findWorkload, isGone } from './find-workload.ts';
import { selects } from './label-selector.ts';
import { inNamespace, type WorkloadCall } from './workload-call.ts';

interface NetworkPolicy extends ClusterObject {
  readonly spec: {
    readonly podSelector?: LabelSelector;
    readonly ingress?: readonly unknown[];
    readonly egress?: readonly unknown[];
  };
}

const resource = 'networkpolicies.networking.k8s.io';
const ours = { 'app.kubernetes.io/managed-by': 'lifeboat', 'lifeboat.dev/purpose': 'isolation' };

/**
 * A network policy of ours that selects the pods of the workload and allows nothing, in nor out. Policies add up: what another one allows
 * to the same pods stays allowed, so such a one is an error that names it. A network that knows no policies cannot be told from one that does.
 */
export async function isolateWorkload(call: WorkloadCall): Promise<void> {
  const { workload } = call;
  const found = await findWorkload(call);
  if (found === undefined) throw isGone(call);
  const template = templateOf(found);
  if (template?.spec.hostNetwork === true) {
    throw new LifeboatError(
      'platform.failed',
      `${workload.text} uses the network of its nodes, which policies do not hold back`,
      { hint: 'Stop it, or cut off its nodes by commands under recovery.isolate.' },
    );
  }
  const labels = template?.metadata?.labels ?? {};
  const podSelector = found.spec.selector ?? { matchLabels: labels };
  if (Object.keys({ ...podSelector.matchLabels, ...podSelector.matchExpressions }).length === 0) {
    throw new LifeboatError('platform.failed', `the pods of ${workload.text} have no labels`, {
      hint: 'Stop it instead: a policy finds pods by their labels.',
    });
  }
  const policy = {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name: policyName(call), namespace: workload.namespace, labels: ours },
    spec: { podSelector, policyTypes: ['Ingress', 'Egress'] },
  };
  await create(call, policy);
  const open = (await otherPolicies(call)).filter(
    ({ spec }) =>
      selects(spec.podSelector ?? {}, labels) &&
      ((spec.ingress ?? []).length > 0 || (spec.egress ?? []).length > 0),
  );
  if (open.length === 0) return;
  const names = open.map(({ metadata }) => metadata.name);
  throw new LifeboatError(
    'platform.failed',
    `${workload.text} is cut off but for what other network policies allow: ${names.join(', ')}`,
    {
      hint: `Policies add up, so ours cannot take that back. Keep them (kubectl get networkpolicies ${names.join(' ')} --namespace ${workload.namespace} --output yaml), delete them, and isolate again.`,
      context: { policies: names },
    },
  );
}

/** Removes the policy of ours, by name and label; nobody else's. */
export async function rejoinWorkload(call: WorkloadCall): Promise<void> {
  const { text } = call.workload;
  const purpose = `put ${text} back on its network`;
  const found = await ourPolicy(call, purpose);
  if (found === undefined) return;
  if (!isOurs(found)) {
    throw new LifeboatError(
      'platform.failed',
      `the network policy ${found.metadata.name} is not Lifeboat's`,
      {
        hint: 'It has our name and not our labels. Look at it, and delete it if it is not needed.',
      },
    );
  }
  const args = ['delete', resource, found.metadata.name, '--ignore-not-found', '--wait=false'];
  await call.kubectl.run(inNamespace(call, purpose, args));
}

export async function isIsolated(call: WorkloadCall): Promise<boolean> {
  const found = await ourPolicy(call, `see whether ${call.workload.text} is cut off`);
  return found !== undefined && isOurs(found);
}

async function create(call: WorkloadCall, policy: object): Promise<void> {
  const purpose = `cut ${call.workload.text} off from its network`;
  const found = await ourPolicy(call, purpose);
  if (found !== undefined && isOurs(found)) return;
  const answer = await call.kubectl.attempt({
    ...inNamespace(call, purpose, ['create', '--filename', '-']),
    input: JSON.stringify(policy),
  });
  if (answer.refusal !== undefined && answer.refusal !== 'exists') throw answer.error;
}

async function ourPolicy(call: WorkloadCall, purpose: string): Promise<NetworkPolicy | undefined> {
  const args = ['get', resource, policyName(call)];
  return await call.kubectl.find<NetworkPolicy>(inNamespace(call, purpose, args));
}

async function otherPolicies(call: WorkloadCall): Promise<readonly NetworkPolicy[]> {
  const purpose = `list the network policies of namespace ${call.workload.namespace}`;
  const args = ['get', resource];
  const list = await call.kubectl.json<ObjectList<NetworkPolicy>>(inNamespace(call, purpose, args));
  return list.items.filter((policy) => !isOurs(policy));
}

function isOurs({ metadata }: ClusterObject): boolean {
  return Object.entries(ours).every(([key, value]) => metadata.labels?.[key] === value);
}

/** The same for every attempt, another for every workload. */
function policyName({ workload }: WorkloadCall): string {
  const { kind, name } = workload;
  const hash = createHash('sha256').update(`${kind}/${name}`).digest('hex').slice(0, 8);
  return `lifeboat-isolation-${name.slice(0, 200)}-${hash}`;
}
