import type { TestContext } from 'vitest';
import { createPlatforms } from '../../src/platforms/index.ts';
import type { PlatformUnderTest } from '../../src/platforms/platform-contract.ts';
import { type TestCluster, whyNoKubernetes } from './kubernetes.ts';
import { need } from './skip.ts';
import { type deployment, namespaceNamed, serviceOf, type WorkloadOptions } from './workloads.ts';

const secret = 'of-the-service-4711';
let count = 0;

type Make = typeof deployment;

/** A namespace with a service that has one ready pod. */
export async function kubernetesPlace(
  context: TestContext,
  cluster: TestCluster | undefined,
  kind: 'deployment' | 'statefulset',
  make: Make,
): Promise<PlatformUnderTest> {
  const { kubectl, kubeconfig, environment, apply } = need(
    context,
    cluster,
    whyNoKubernetes() ?? '',
  );
  const namespace = `contract-${++count}`;
  const platforms = createPlatforms({ environment });
  const service = serviceOf(kubeconfig, namespace, `${kind}/api`);
  const readyAs = async (name: string, options: WorkloadOptions) => {
    await apply(namespaceNamed(namespace), make(namespace, name, options));
    const args = ['rollout', 'status', `${kind}/${name}`, '--namespace', namespace];
    await kubectl([...args, '--timeout', '30s']);
  };
  await readyAs('api', { secret });
  const inNamespace = ['--namespace', namespace];
  return {
    platform: platforms.of(service),
    service,
    absent: serviceOf(kubeconfig, namespace, `${kind}/absent`),
    async slow() {
      await readyAs('slow', { image: 'shop:stuck' });
      return serviceOf(kubeconfig, namespace, `${kind}/slow`);
    },
    secret,
    withoutProgram: createPlatforms({ environment: { PATH: '/nowhere' } }).of(service),
    async incarnation() {
      const path = 'jsonpath={.items[*].metadata.uid}';
      const args = ['get', 'pods', '--selector', 'app=api', '--output', path, ...inNamespace];
      return (await kubectl(args)) || undefined;
    },
    async provoke() {
      await kubectl(['rollout', 'restart', `${kind}/api`, ...inNamespace]);
    },
    async changeSecret(value) {
      await readyAs('api', { secret: value });
    },
    async [Symbol.asyncDispose]() {
      const now = ['--force', '--grace-period=0', '--wait=false'];
      await kubectl(['delete', `${kind}s.apps`, '--all', '--wait=false', ...inNamespace]);
      await kubectl(['delete', 'pods', '--all', ...now, ...inNamespace]);
    },
  };
}
