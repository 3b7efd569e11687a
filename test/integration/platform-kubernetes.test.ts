import { afterAll, beforeAll } from 'vitest';
import { testPlatform } from '../../src/platforms/platform-contract.ts';
import { startCluster, type TestCluster, whyNoKubernetes } from '../support/kubernetes.ts';
import { kubernetesPlace } from '../support/kubernetes-place.ts';
import { deployment } from '../support/workloads.ts';

let cluster: TestCluster | undefined;
beforeAll(async () => {
  if (whyNoKubernetes() === undefined) cluster = await startCluster();
});
afterAll(async () => await cluster?.[Symbol.asyncDispose]());

testPlatform('kubernetes, deployment', (context) =>
  kubernetesPlace(context, cluster, 'deployment', deployment),
);
