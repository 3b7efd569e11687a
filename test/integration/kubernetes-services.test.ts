import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import type { KubernetesService } from '../../src/config/index.ts';
import { isLifeboatError, type LifeboatError } from '../../src/core/index.ts';
import { createPlatforms, type Platform } from '../../src/platforms/index.ts';
import { changesOf, filesInstallation } from '../support/files-installation.ts';
import { startCluster, type TestCluster, whyNoKubernetes } from '../support/kubernetes.ts';
import { accountWith, rolesOfGuide } from '../support/kubernetes-role.ts';
import {
  autoscaler,
  cronJob,
  deployment,
  job,
  namespaceNamed,
  networkPolicy,
  serviceOf,
  statefulSet,
} from '../support/workloads.ts';

let cluster: TestCluster;
let platform: Platform;
let namespace: string;
let count = 0;
beforeAll(async () => {
  if (whyNoKubernetes() === undefined) cluster = await startCluster();
});
afterAll(async () => await cluster?.[Symbol.asyncDispose]());
beforeEach(async (context) => {
  const reason = whyNoKubernetes();
  if (reason !== undefined) context.skip(reason);
  namespace = `services-${++count}`;
  await cluster.apply(namespaceNamed(namespace));
  platform = platformOf(service('deployment/api'));
});

function platformOf(each: KubernetesService): Platform {
  return createPlatforms({ environment: cluster.environment }).of(each);
}
function service(workload: string, more: Partial<KubernetesService> = {}): KubernetesService {
  return serviceOf(cluster.kubeconfig, namespace, workload, more);
}
async function kubectl(...args: string[]): Promise<string> {
  return await cluster.kubectl([...args, '--namespace', namespace]);
}
async function get(object: string, path: string): Promise<string> {
  return await kubectl('get', object, '--output', `jsonpath={${path}}`);
}
async function ready(workload: string): Promise<void> {
  await kubectl('rollout', 'status', workload, '--timeout', '30s');
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

it('brings back as many replicas as there were, also when the recorded state was lost', async () => {
  await cluster.apply(deployment(namespace, 'api', { replicas: 3 }));
  await ready('deployment/api');
  const api = service('deployment/api');
  expect((await platform.inspect(api)).text).toBe('3 of 3 replicas ready');
  expect(await platform.remembered?.(api)).toBeUndefined();
  await platform.stop(api);
  expect(await get('deployment/api', '.metadata.annotations.lifeboat\\.dev/former-replicas')).toBe(
    '3',
  );
  expect((await platform.inspect(api)).text).toMatch(
    /^0 replicas, stopped by \S+@\S+ at .*Z, 3 before$/,
  );
  const remembered = await platform.remembered?.(api);
  expect(remembered?.restore).toMatchObject({ replicas: 3 });
  await platform.restore(api, remembered as NonNullable<typeof remembered>);
  expect(await get('deployment/api', '.status.readyReplicas')).toBe('3');
  expect(await get('deployment/api', '.metadata.annotations')).not.toContain('lifeboat.dev');
  expect(await platform.remembered?.(api)).toBeUndefined();
});

it('is compared with what it was made of at the last backup', async () => {
  await cluster.apply(deployment(namespace, 'api', { image: 'shop:1', secret: 'first-secret' }));
  await ready('deployment/api');
  await using own = await filesInstallation(
    'docs',
    `services: { api: { platform: kubernetes, workload: deployment/api, namespace: ${namespace}, kubeconfig: ${cluster.kubeconfig}, writes: [docs] } }`,
  );
  writeFileSync(join(own.source, 'one'), 'x');
  const changes = async () => await changesOf(own);
  expect((await own.run('backup', 'docs')).exitCode).toBe(0);
  expect(await changes()).toEqual([]);
  await cluster.apply(deployment(namespace, 'api', { image: 'shop:2', secret: 'second-secret' }));
  await ready('deployment/api');
  expect(await changes()).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ what: 'image', change: 'changed' }),
      expect.objectContaining({ what: 'variable', name: 'SECRET', change: 'changed' }),
    ]),
  );
});

it('is thawed by what it remembers, when every record of the freeze is gone', async () => {
  await cluster.apply(deployment(namespace, 'api', { replicas: 3 }), cronJob(namespace, 'night'));
  await ready('deployment/api');
  const of = (workload: string) =>
    `{ platform: kubernetes, workload: ${workload}, namespace: ${namespace}, kubeconfig: ${cluster.kubeconfig}, writes: [docs] }`;
  await using own = await filesInstallation(
    'docs',
    `services:\n  api: ${of('deployment/api')}\n  night: ${of('cronjob/night')}\n`,
  );
  const frozen = await own.run('freeze', '--yes', 'test');
  expect(frozen.exitCode, frozen.stderr).toBe(0);
  expect(await get('deployment/api', '.spec.replicas')).toBe('0');
  rmSync(own.stateFolder, { recursive: true });
  rmSync(join(own.repository, 'lifeboat'), { recursive: true });

  const shown = await own.run('thaw', '--dry-run');
  expect(shown.exitCode, shown.stderr).toBe(0);
  expect(shown.records.at(-1)).toMatchObject({
    type: 'thaw-plan',
    from: 'services',
    sources: ['docs'],
    items: [{ name: 'service api' }, { name: 'service night' }],
  });
  expect(await get('deployment/api', '.spec.replicas')).toBe('0');
  expect((await own.run('thaw', '--yes', 'test')).exitCode).toBe(0);
  expect(await get('deployment/api', '.status.readyReplicas')).toBe('3');
  expect(await get('cronjob/night', '.spec.suspend')).toBe('false');
  expect((await own.run('thaw', '--dry-run')).records.at(-1)).toMatchObject({
    code: 'thaw.nothing',
  });
});

it('is not scaled up again by an autoscaler, which goes on after the restore', async () => {
  await cluster.apply(
    deployment(namespace, 'api'),
    autoscaler(namespace, 'api', { min: 2, max: 5 }),
  );
  const api = service('deployment/api');
  await until(async () => (await get('deployment/api', '.spec.replicas')) === '2');
  await ready('deployment/api');
  const state = await platform.inspect(api);
  expect(state.text).toBe('2 of 2 replicas ready, autoscaler api from 2 to 5');
  await platform.stop(api);
  // It has looked, and decided to do nothing.
  const scaling = '.status.conditions[?(@.type=="ScalingActive")].reason';
  await until(async () => (await get('hpa/api', scaling)) === 'ScalingDisabled');
  expect((await platform.inspect(api)).status).toBe('stopped');
  await platform.restore(api, state);
  expect(await get('deployment/api', '.spec.replicas')).toBe('2');
});

it('refuses, before it changes anything, what others would start again', async () => {
  const owner = {
    apiVersion: 'keda.sh/v1alpha1',
    kind: 'ScaledObject',
    name: 'api',
    uid: 'f5aec682',
  };
  const owners = [{ ...owner, controller: true }];
  const scaled = autoscaler(namespace, 'api', { min: 1, max: 5 });
  const owned = deployment(namespace, 'owned');
  await cluster.apply(
    deployment(namespace, 'api'),
    { ...scaled, metadata: { ...scaled.metadata, ownerReferences: owners } },
    { ...owned, metadata: { ...owned.metadata, ownerReferences: owners } },
  );
  const keda = await failureOf(platform.stop(service('deployment/api')));
  expect(keda).toMatchObject({ code: 'platform.failed', message: expect.stringContaining('KEDA') });
  expect(keda.hint).toContain('autoscaling.keda.sh/paused');
  const operator = await failureOf(platform.stop(service('deployment/owned')));
  expect(operator.message).toContain('belongs to ScaledObject/api');
  expect(await get('deployment/api', '.spec.replicas')).toBe('1');
  expect(await get('deployment/owned', '.spec.replicas')).toBe('1');
});

it('stops a stateful set whose pods are not ready, which Kubernetes alone would not', async () => {
  await cluster.apply(statefulSet(namespace, 'db', { replicas: 3 }));
  await ready('statefulset/db');
  const unready = {
    status: { conditions: [{ type: 'Ready', status: 'False', reason: 'Crashed' }] },
  };
  for (const pod of ['db-1', 'db-2']) {
    const patch = ['--subresource', 'status', '--type', 'strategic', '--patch'];
    await kubectl('patch', 'pod', pod, ...patch, JSON.stringify(unready));
  }
  const db = service('statefulset/db');
  await until(async () => (await platform.inspect(db)).text.startsWith('1 of 3 replicas ready'));
  const state = await platform.inspect(db);
  await platform.stop(db);
  expect(await get('pods', '.items[*].metadata.name')).toBe('');
  await platform.restore(db, state);
  expect(await get('statefulset/db', '.status.readyReplicas')).toBe('3');
});

it('names pods that do not go away, and who scales up again meanwhile', async () => {
  await cluster.apply(deployment(namespace, 'api', { image: 'shop:stuck' }));
  await ready('deployment/api');
  const pod = await get('pods', '.items[0].metadata.name');
  const api = service('deployment/api');
  const error = await failureOf(platform.stop(api, { timeoutMs: 1_500 }));
  expect(error.code).toBe('platform.timeout');
  expect(error.message).toContain(`${pod} (Running on node-1, to be gone since `);
  expect(error.context.pods).toEqual([pod]);
  await kubectl('scale', 'deployment/api', '--replicas', '1');
  const stopping = failureOf(platform.stop(api, { timeoutMs: 30_000 }));
  await until(async () => (await get('deployment/api', '.spec.replicas')) === '0');
  await kubectl('scale', 'deployment/api', '--replicas', '2');
  const again = await stopping;
  expect(again).toMatchObject({ code: 'platform.failed' });
  expect(again.message).toMatch(/was scaled to 2 again while it was to stop, by kubectl/);
});

it('names pods that do not get ready, and why', async () => {
  await cluster.apply(deployment(namespace, 'api', { replicas: 0, image: 'shop:broken' }));
  const api = service('deployment/api');
  const state = { status: 'running', text: '', restore: { replicas: 1, marks: {} } } as const;
  const error = await failureOf(platform.restore(api, state, { timeoutMs: 1_500 }));
  const pod = await get('pods', '.items[0].metadata.name');
  expect(error.code).toBe('platform.timeout');
  expect(error.message).toContain(`0 of 1 replicas ready; pod ${pod}: not ready, Pending`);
  const waiting = { reason: 'ImagePullBackOff', message: 'Back-off pulling image' };
  const status = { containerStatuses: [{ name: 'main', ...containerStatus, state: { waiting } }] };
  const patch = ['--subresource', 'status', '--type', 'merge', '--patch'];
  await kubectl('patch', 'pod', pod, ...patch, JSON.stringify({ status }));
  const known = await failureOf(platform.restore(api, state, { timeoutMs: 500 }));
  expect(known.message).toContain('container main: ImagePullBackOff: Back-off pulling image');
  expect(await platform.inspect(api)).toMatchObject({ status: 'failing' });
});

it('tells how often a container was started again, also while others are ready', async () => {
  await cluster.apply(deployment(namespace, 'api', { replicas: 2 }));
  await ready('deployment/api');
  const api = service('deployment/api');
  expect((await platform.inspect(api)).restarts).toBeUndefined();
  const pod = await get('pods', '.items[0].metadata.name');
  const startedAt = '2026-11-27T06:00:00Z';
  const again = { ...containerStatus, restartCount: 7, state: { running: { startedAt } } };
  const status = { containerStatuses: [{ name: 'main', ...again }] };
  const patch = ['--subresource', 'status', '--type', 'merge', '--patch'];
  await kubectl('patch', 'pod', pod, ...patch, JSON.stringify({ status }));
  expect(await platform.inspect(api)).toMatchObject({
    status: 'running',
    restarts: { count: 7, since: startedAt },
  });
});

const containerStatus = { image: 'shop:broken', imageID: '', ready: false, restartCount: 0 };

it('remembers the number that was there right before, whatever else changes the object', async () => {
  await cluster.apply(deployment(namespace, 'api', { replicas: 2 }));
  await ready('deployment/api');
  const api = service('deployment/api');
  let isOver = false;
  const disturb = async () => {
    for (let each = 0; !isOver; each++) {
      await kubectl('annotate', 'deployment/api', '--overwrite', `other/count=${each}`);
    }
  };
  const disturbing = disturb();
  await platform.stop(api);
  isOver = true;
  await disturbing;
  expect(await platform.remembered?.(api)).toMatchObject({ restore: { replicas: 2 } });
  expect(await get('deployment/api', '.metadata.annotations.other/count')).not.toBe('');
});

it('suspends a cron job and the jobs it began, and resumes what was not suspended before', async () => {
  await cluster.apply(
    cronJob(namespace, 'report'),
    cronJob(namespace, 'paused', { suspend: true }),
  );
  await kubectl('create', 'job', 'report-1', '--from', 'cronjob/report');
  const report = service('cronjob/report');
  await until(async () => (await platform.inspect(report)).text.endsWith(', 1 job runs'));
  const state = await platform.inspect(report);
  expect(state).toMatchObject({ status: 'running', text: 'runs at "0 2 1 1 *", 1 job runs' });
  await platform.stop(report);
  expect(await get('cronjob/report', '.spec.suspend')).toBe('true');
  expect(await get('job/report-1', '.spec.suspend')).toBe('true');
  expect(await get('pods', '.items[?(@.status.phase=="Running")].metadata.name')).toBe('');
  expect(await platform.inspect(report)).toMatchObject({ status: 'stopped' });
  await platform.restore(report, state);
  expect(await get('cronjob/report', '.spec.suspend')).toBe('false');
  expect(await get('job/report-1', '.spec.suspend')).toBe('false');
  expect(await get('job/report-1', '.metadata.annotations')).not.toContain('lifeboat.dev');
  const paused = service('cronjob/paused');
  const before = await platform.inspect(paused);
  await platform.stop(paused);
  await platform.restore(paused, before);
  expect(await get('cronjob/paused', '.spec.suspend')).toBe('true');
});

it('suspends a job, resumes it, and leaves alone one that is over', async () => {
  await cluster.apply(
    job(namespace, 'long', { completions: 500, parallelism: 1 }),
    job(namespace, 'short'),
  );
  const [long, short] = [service('job/long'), service('job/short')];
  await until(async () => (await platform.inspect(long)).status === 'running');
  const state = await platform.inspect(long);
  await platform.stop(long);
  expect(await platform.inspect(long)).toMatchObject({ status: 'stopped' });
  await platform.restore(long, state);
  expect(await get('job/long', '.spec.suspend')).toBe('false');
  await until(async () => (await platform.inspect(short)).text === 'complete');
  const over = await platform.inspect(short);
  await platform.stop(short);
  await platform.restore(short, over);
  expect(await get('job/short', '.spec.suspend')).toBe('false');
});

it('cuts off by a policy of ours, names those that let something through, and deletes no other', async () => {
  await cluster.apply(deployment(namespace, 'api'), networkPolicy(namespace, 'other', 'elsewhere'));
  const api = service('deployment/api');
  const isolation = platform.isolation as NonNullable<Platform['isolation']>;
  await isolation.isolate(api);
  expect(await get('networkpolicies', '.items[*].spec.policyTypes')).toContain(
    '["Ingress","Egress"]',
  );
  expect(await get('networkpolicies', '.items[*].spec.podSelector.matchLabels.app')).toContain(
    'api',
  );
  await cluster.apply(networkPolicy(namespace, 'web', 'api'));
  const error = await failureOf(isolation.isolate(api));
  expect(error.message).toContain('cut off but for what other network policies allow: web');
  await isolation.rejoin(api, {});
  expect(await get('networkpolicies', '.items[*].metadata.name')).toBe('other web');
});

it('has a baseline with references for secrets, and a hash that a restart does not change', async () => {
  await cluster.apply(deployment(namespace, 'api', { image: 'shop:1' }));
  const api = service('deployment/api');
  const salt = new Uint8Array(32);
  const before = await platform.baseline(api, salt);
  expect(before).toMatchObject({ image: 'shop:1', command: ['serve', '--port', '8001'] });
  expect(before.ports).toEqual(['8001/tcp']);
  expect(before.environment.PASSWORD).toBe(
    'from {"secretKeyRef":{"key":"password","name":"shop"}}',
  );
  expect(before.environment.MODE).toMatch(/^[0-9a-f]{64}$/);
  await kubectl('rollout', 'restart', 'deployment/api');
  expect((await platform.baseline(api, salt)).files).toEqual(before.files);
  await kubectl('set', 'image', 'deployment/api', 'main=shop:2');
  const after = await platform.baseline(api, salt);
  expect(after.image).toBe('shop:2');
  expect(after.files).not.toEqual(before.files);
});

it('does all of it with the rights that the guide prints, and says what it may not without', async () => {
  await cluster.apply(
    deployment(namespace, 'api'),
    statefulSet(namespace, 'db'),
    cronJob(namespace, 'report'),
    job(namespace, 'load', { completions: 500, parallelism: 1 }),
    autoscaler(namespace, 'api', { min: 1, max: 2 }),
  );
  for (const each of ['deployment/api', 'statefulset/db']) await ready(each);
  const kubeconfig = await accountWith(cluster, namespace, 'lifeboat', rolesOfGuide('services'));
  const limited = platformOf(service('deployment/api', { kubeconfig }));
  expect((await limited.identify()).fingerprint).toBe((await platform.identify()).fingerprint);
  for (const workload of ['deployment/api', 'statefulset/db', 'cronjob/report', 'job/load']) {
    const each = service(workload, { kubeconfig });
    const state = await limited.inspect(each);
    expect(await limited.baseline(each, new Uint8Array(32))).toMatchObject({ image: 'shop:1' });
    expect(await limited.resources(each)).toBeUndefined();
    await limited.output(each, { lines: 5 });
    await limited.isolation?.isolate(each);
    await limited.isolation?.rejoin(each, {});
    await limited.stop(each);
    expect(await limited.inspect(each)).toMatchObject({ status: 'stopped' });
    await limited.restore(each, state);
    if (/deployment|stateful/.test(workload)) await limited.restart(each);
  }
  const nothing = await accountWith(cluster, namespace, 'nobody', []);
  const denied = platformOf(service('deployment/api', { kubeconfig: nothing }));
  const error = await failureOf(denied.stop(service('deployment/api')));
  expect(error.code).toBe('platform.unavailable');
  expect(error.message).toContain('cannot get resource "deployments"');
  expect(error.hint).toContain('docs/guide/services.md');
  expect(await failureOf(denied.identify())).toMatchObject({ code: 'platform.unavailable' });
});

it('says that there is no such context', async () => {
  const elsewhere = platformOf(service('deployment/api', { context: 'nope' }));
  expect(await failureOf(elsewhere.inspect(service('deployment/api')))).toMatchObject({
    code: 'platform.unavailable',
    message: expect.stringContaining('nope'),
  });
});

// The last one: nothing answers afterwards.
it('says so when the API server is gone in the middle of a stop', async () => {
  await cluster.apply(deployment(namespace, 'api', { image: 'shop:stuck' }));
  await ready('deployment/api');
  const stopping = failureOf(platform.stop(service('deployment/api'), { timeoutMs: 5_000 }));
  await until(async () => (await get('pods', '.items[0].metadata.deletionTimestamp')) !== '');
  cluster.killApiServer();
  const error = await stopping;
  expect(error).toMatchObject({ code: 'platform.unavailable', retryable: true });
  expect(error.message).toContain('was refused');
});
