import { LifeboatError } from '../../core/index.ts';
import { harmlessText } from '../harmless-text.ts';
import { machinesOfCluster } from '../place-of-host.ts';
import type { PlatformIdentity } from '../platform.ts';
import type { ClusterObject } from './cluster-objects.ts';
import type { Kubectl, KubectlCall, KubectlPlace } from './kubectl.ts';

interface Kubeconfig {
  readonly 'current-context'?: string;
  readonly contexts?: readonly Named<'context', { readonly cluster: string }>[] | null;
  readonly clusters?: readonly Named<'cluster', { readonly server: string }>[] | null;
}

type Named<Key extends string, Value> = { readonly name: string } & Readonly<Record<Key, Value>>;

/** The cluster that commands go to. Its fingerprint is the UID of the namespace `kube-system`, which lives as long as the cluster. */
export async function identifyCluster(
  kubectl: Kubectl,
  { context }: KubectlPlace,
  request: Pick<KubectlCall, 'timeoutMs' | 'signal'>,
): Promise<PlatformIdentity> {
  const purpose = 'see which cluster kubectl is for';
  const config = await kubectl.json<Kubeconfig>({ args: ['config', 'view'], purpose, ...request });
  const namespace = await kubectl.find<ClusterObject>({
    args: ['get', 'namespaces', 'kube-system'],
    purpose,
    ...request,
  });
  if (namespace === undefined) {
    throw new LifeboatError(
      'platform.failed',
      `cannot ${purpose}: it has no namespace kube-system`,
    );
  }
  const { uid } = namespace.metadata;
  const machines = machinesOfCluster(uid);
  return { kind: 'kubernetes', text: placeText(config, context), fingerprint: uid, machines };
}

function placeText(config: Kubeconfig, wanted: string | undefined): string {
  const name = wanted ?? config['current-context'] ?? '';
  const cluster = config.contexts?.find((each) => each.name === name)?.context.cluster;
  const server = config.clusters?.find((each) => each.name === cluster)?.cluster.server;
  // Without a configuration kubectl uses the account of the pod that it runs in.
  if (server === undefined) return 'kubernetes, the cluster that Lifeboat runs in';
  return harmlessText(`kubernetes context ${name}, ${server}`);
}
