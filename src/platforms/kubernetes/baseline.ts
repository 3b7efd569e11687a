import { createHmac } from 'node:crypto';
import { concealArguments } from '../conceal-arguments.ts';
import type { ServiceBaseline } from '../service-baseline.ts';
import type { Container, Pod, PodTemplate, Workload } from './cluster-objects.ts';
import { findWorkload, isGone } from './find-workload.ts';
import { isOver, podsOf } from './pods.ts';
import { jobsOf } from './suspend-jobs.ts';
import type { WorkloadCall } from './workload-call.ts';

/**
 * What the pods of a workload are made of. With more than one container, words and names stand under the name of the container. A
 * variable that is taken from elsewhere has the reference as its value: what it leads to may not be read, and is no part of the workload.
 */
export async function workloadBaseline(
  call: WorkloadCall,
  salt: Uint8Array,
): Promise<ServiceBaseline> {
  const found = await findWorkload(call);
  if (found === undefined) throw isGone(call);
  const template = templateOf(found) as PodTemplate;
  const containers = [...(template.spec.initContainers ?? []), ...template.spec.containers];
  const isOne = containers.length === 1;
  const named = ({ name }: Container, text: string) => (isOne ? text : `${name}: ${text}`);
  const digests = digestsOf(await runningPods(call, found));
  const imageDigest = containers
    .flatMap((each) => (digests.get(each.name) ?? []).map((digest) => named(each, digest)))
    .join(', ');
  return {
    image: containers.map((each) => named(each, each.image ?? '')).join(', '),
    ...(imageDigest === '' ? {} : { imageDigest }),
    command: containers.flatMap((each) => [
      ...(isOne ? [] : [`${each.name}:`]),
      ...concealArguments([...(each.command ?? []), ...(each.args ?? [])], salt),
    ]),
    environment: Object.fromEntries(
      containers.flatMap((each) =>
        variablesOf(each, salt).map(([name, value]) => [
          isOne ? name : `${each.name}/${name}`,
          value,
        ]),
      ),
    ),
    ports: containers.flatMap(portsOf),
    files: {
      [`pod template of ${call.workload.kind}/${call.workload.name}`]: templateHash(template, salt),
    },
  };
}

export function templateOf({ spec }: Workload): PodTemplate | undefined {
  return spec.jobTemplate?.spec.template ?? spec.template;
}

async function runningPods(call: WorkloadCall, found: Workload): Promise<readonly Pod[]> {
  const owners = call.workload.kind === 'cronjob' ? await jobsOf(call, found) : [found];
  const pods = await Promise.all(owners.map(async (owner) => (await podsOf(call, owner)).pods));
  return pods.flat().filter((pod) => !isOver(pod));
}

/** Content ids of the images by container; several while a new image is being rolled out. */
function digestsOf(pods: readonly Pod[]): ReadonlyMap<string, readonly string[]> {
  const digests = new Map<string, string[]>();
  for (const { status } of pods) {
    const statuses = [
      ...(status?.initContainerStatuses ?? []),
      ...(status?.containerStatuses ?? []),
    ];
    for (const { name, imageID } of statuses) {
      if (imageID === undefined || imageID === '') continue;
      const known = digests.get(name) ?? [];
      if (!known.includes(imageID)) digests.set(name, [...known, imageID].sort());
    }
  }
  return digests;
}

function variablesOf({ env = [], envFrom = [] }: Container, salt: Uint8Array): [string, string][] {
  return [
    ...envFrom.map(({ prefix = '', configMapRef, secretRef }): [string, string] => {
      const source = secretRef ? `secret ${secretRef.name}` : `config map ${configMapRef?.name}`;
      return [`${prefix}*`, `all of ${source}`];
    }),
    ...env.map(({ name, value = '', valueFrom }): [string, string] => [
      name,
      valueFrom === undefined
        ? createHmac('sha256', salt).update(value).digest('hex')
        : `from ${canonicalJson(valueFrom)}`,
    ]),
  ];
}

function portsOf({ ports = [] }: Container): string[] {
  return ports.map(({ containerPort, protocol = 'TCP', hostPort, hostIP = '0.0.0.0' }) => {
    const port = `${containerPort}/${protocol.toLowerCase()}`;
    return hostPort === undefined ? port : `${port} -> ${hostIP}:${hostPort}`;
  });
}

/** HMAC-SHA-256 of all that it says but values of variables, which are told of one by one, and the mark of a restart, which changes nothing. */
function templateHash({ metadata, spec }: PodTemplate, salt: Uint8Array): string {
  const { 'kubectl.kubernetes.io/restartedAt': _, ...annotations } = metadata?.annotations ?? {};
  const quiet = (container: Container) => ({
    ...container,
    ...(container.env && { env: container.env.map(({ value: _, ...rest }) => rest) }),
  });
  const described = {
    labels: metadata?.labels ?? {},
    annotations,
    spec: {
      ...spec,
      containers: spec.containers.map(quiet),
      ...(spec.initContainers && { initContainers: spec.initContainers.map(quiet) }),
    },
  };
  return createHmac('sha256', salt).update(canonicalJson(described)).digest('hex');
}

function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_, each) =>
    each !== null && typeof each === 'object' && !Array.isArray(each)
      ? Object.fromEntries(Object.entries(each).sort(([a], [b]) => (a < b ? -1 : 1)))
      : each,
  );
}
