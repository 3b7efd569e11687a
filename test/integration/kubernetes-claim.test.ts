import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, it, type TestContext } from 'vitest';
import { isLifeboatError, type LifeboatError } from '../../src/core/index.ts';
import type { TreeDelivery } from '../../src/recovery/ground/ground.ts';
import { script } from '../../src/recovery/ground/in-volume/script.ts';
import { ClaimGround } from '../../src/recovery/ground/kubernetes-claim/claim-ground.ts';
import { helperPod } from '../../src/recovery/ground/kubernetes-claim/helper-pod.ts';
import { listEntries } from '../support/entry-list.ts';
import { startCluster, type TestCluster, whyNoKubernetes } from '../support/kubernetes.ts';
import { playExec } from '../support/kubernetes-exec.ts';
import { accountWith, rolesOfGuide } from '../support/kubernetes-role.ts';
import { temporaryFolder } from '../support/postgres.ts';
import { smallDisk } from '../support/small-disk.ts';
import { boundClaim, namespaceNamed, podWithClaim } from '../support/workloads.ts';

let cluster: TestCluster;
let namespace: string;
let volume: string;
let count = 0;
const outer = temporaryFolder('claim');
beforeAll(async () => {
  if (whyNoKubernetes() !== undefined) return;
  cluster = await startCluster({ podEnvironment: { LIFEBOAT_SCRIPT: script } });
});
afterAll(async () => {
  await cluster?.[Symbol.asyncDispose]();
  rmSync(outer, { recursive: true, force: true });
});
beforeEach(async (context) => {
  const reason = whyNoKubernetes();
  if (reason !== undefined) context.skip(reason);
  namespace = `claims-${++count}`;
  volume = join(outer, namespace);
  mkdirSync(volume);
});

async function makeClaim(modes: readonly string[] = ['ReadWriteOnce'], labels = {}) {
  await cluster.apply(namespaceNamed(namespace, labels), ...boundClaim(namespace, 'data', modes));
  await until(async () => (await get('pvc/data', '.status.phase')) === 'Bound');
}
function groundOf(
  context: TestContext,
  { image = 'busybox:1', isPlayed = true, kubeconfig = cluster.kubeconfig, claim = 'data' } = {},
): ClaimGround {
  const setting = { kind: 'kubernetes-claim', claim, namespace, kubeconfig, image } as const;
  const environment = isPlayed ? playExec(context, cluster.environment) : cluster.environment;
  return new ClaimGround(setting, { environment, mountPath: volume, startWithinMs: 5_000 });
}
async function kubectl(...args: string[]): Promise<string> {
  return await cluster.kubectl([...args, '--namespace', namespace]);
}
async function get(object: string, path: string): Promise<string> {
  return await kubectl('get', object, '--output', `jsonpath={${path}}`);
}
async function until(look: () => Promise<boolean>): Promise<void> {
  for (let left = 200; !(await look()); left--) {
    if (left === 0) throw new Error('it does not become so');
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}
async function failureOf(work: Promise<unknown>): Promise<LifeboatError> {
  const error = await work.then(
    () => undefined,
    (reason) => reason,
  );
  if (!isLifeboatError(error)) throw error ?? new Error('it did not fail');
  return error;
}
function deliver(content: string): TreeDelivery {
  const folder = join(outer, `tree-${namespace}-${content}`);
  mkdirSync(join(folder, 'deep'), { recursive: true });
  writeFileSync(join(folder, 'deep/file'), content);
  return { kind: 'tree', folder, bytes: 1000 };
}
const contents = () =>
  Object.keys(listEntries(volume)).filter((path) => !path.includes('.lifeboat'));

// Kubelet and container are played on this host: what is run in the pod runs here, in the folder that stands for its volume.
it('fills, swaps, swaps back and settles through helper pods that are gone afterwards', async (context) => {
  using disk = smallDisk(context, 50);
  volume = disk.folder;
  await makeClaim();
  const ground = groundOf(context);
  writeFileSync(join(volume, 'former'), 'former');
  expect(await ground.state('t1')).toBe('nothing');
  expect(await ground.freeBytes()).toBeGreaterThan(0);
  await ground.fill('t1', deliver('new'));
  expect(await ground.state('t1')).toBe('filled');
  await ground.swap('t1');
  expect(contents()).toContain('/deep/file');
  expect(contents()).not.toContain('/former');
  await ground.swapBack('t1');
  expect(contents()).toContain('/former');
  await ground.swap('t1');
  await ground.settle('t1');
  expect(await ground.state('t1')).toBe('settled');
  expect(await get('pods', '.items[*].metadata.name')).toBe('');
  const identity = await ground.identify();
  expect(identity.text).toContain(`claim data in namespace ${namespace}, kubernetes context peer`);
});

it('removes pods that a killed run left, and leaves those of others', async (context) => {
  await makeClaim(['ReadWriteMany']);
  const place = {
    namespace,
    claim: 'data',
    image: 'busybox:1',
    mountPath: volume,
    node: undefined,
  };
  const left = helperPod({ ...place, token: 'mine' });
  const other = helperPod({ ...place, token: 'other' });
  await cluster.apply(left, other);
  expect(await groundOf(context).state('mine')).toBe('nothing');
  expect(await get('pods', '.items[*].metadata.name')).toBe(other.metadata.name);
  const error = await failureOf(groundOf(context).swap('mine'));
  expect(error.code).toBe('ground.failed');
});

it('reaches a pod through the API server, and its script arrives as it is', async (context) => {
  await makeClaim();
  expect(await groundOf(context, { isPlayed: false }).state('t1')).toBe('nothing');
  const pod = helperPod({
    namespace,
    claim: 'data',
    image: 'busybox:1',
    mountPath: '/x',
    token: 't',
    node: undefined,
  });
  await cluster.apply(pod);
  const value = await get(`pod/${pod.metadata.name}`, '.spec.containers[0].env[0].value');
  // As the kubelet makes it: of two dollars one.
  expect(value.replaceAll('$$', '$')).toBe(script);
});

it('is swapped only while no pod uses it, and filled on the node of those that do', async (context) => {
  await makeClaim();
  await cluster.apply(podWithClaim(namespace, 'app', 'data'));
  await until(async () => (await get('pod/app', '.status.phase')) === 'Running');
  const ground = groundOf(context);
  await ground.fill('t1', deliver('new'));
  const error = await failureOf(ground.swap('t1'));
  expect(error).toMatchObject({ code: 'target.in-use', context: { pods: ['app'] } });
  await kubectl('delete', 'pod', 'app');
  await ground.swap('t1');
  expect(contents()).toContain('/deep/file');
});

it('does not share a claim that is for one pod', async (context) => {
  await makeClaim(['ReadWriteOncePod']);
  await cluster.apply(podWithClaim(namespace, 'app', 'data'));
  const error = await failureOf(groundOf(context).fill('t1', deliver('new')));
  expect(error).toMatchObject({ code: 'target.in-use', context: { pods: ['app'] } });
});

it('names a claim that is missing, a pod that does not start, and a rule that refuses it', async (context) => {
  await makeClaim(undefined, { 'pod-security.kubernetes.io/enforce': 'baseline' });
  const missing = await failureOf(groundOf(context, { claim: 'nope' }).identify());
  expect(missing).toMatchObject({
    code: 'ground.failed',
    message: expect.stringContaining('there is no claim nope'),
  });
  const broken = await failureOf(groundOf(context, { image: 'busybox:broken' }).state('t1'));
  expect(broken).toMatchObject({
    code: 'ground.failed',
    message: expect.stringContaining('not ready after'),
  });
  expect(await groundOf(context).state('t1')).toBe('nothing');
  await kubectl(
    'label',
    'namespace',
    namespace,
    '--overwrite',
    'pod-security.kubernetes.io/enforce=restricted',
  );
  const refused = await failureOf(groundOf(context).state('t1'));
  expect(refused).toMatchObject({
    code: 'ground.failed',
    message: expect.stringContaining('PodSecurity'),
  });
  expect(await get('pods', '.items[*].metadata.name')).toBe('');
});

it('does all of it with the rights that the guide prints, and says what it may not without', async (context) => {
  await makeClaim();
  const kubeconfig = await accountWith(cluster, namespace, 'lifeboat', rolesOfGuide('claim'));
  const ground = groundOf(context, { kubeconfig, isPlayed: false });
  expect((await ground.identify()).fingerprint).toBe(
    (await groundOf(context).identify()).fingerprint,
  );
  expect(await ground.state('t1')).toBe('nothing');
  const nothing = await accountWith(cluster, namespace, 'nobody', []);
  const denied = await failureOf(groundOf(context, { kubeconfig: nothing }).state('t1'));
  expect(denied.code).toBe('ground.unavailable');
  expect(denied.message).toContain('cannot get resource "persistentvolumeclaims"');
});
