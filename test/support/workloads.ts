import type { KubernetesService } from '../../src/config/index.ts';

/** Objects as JSON for `apply`, with one small container each. */
export interface WorkloadOptions {
  readonly replicas?: number;
  readonly image?: string;
  readonly secret?: string;
}

export function podTemplate(name: string, { image = 'shop:1', secret }: WorkloadOptions = {}) {
  return {
    metadata: { labels: { app: name } },
    spec: {
      containers: [
        {
          name: 'main',
          image,
          command: ['serve', '--port', '8001'],
          ports: [{ containerPort: 8001 }],
          env: [
            { name: 'MODE', value: 'production' },
            ...(secret === undefined ? [] : [{ name: 'SECRET', value: secret }]),
            { name: 'PASSWORD', valueFrom: { secretKeyRef: { name: 'shop', key: 'password' } } },
          ],
          resources: { requests: { cpu: '10m' } },
        },
      ],
    },
  };
}

export function namespaceNamed(name: string, labels = {}) {
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } };
}

export function deployment(namespace: string, name: string, options: WorkloadOptions = {}) {
  const { replicas = 1 } = options;
  const selector = { matchLabels: { app: name } };
  const template = podTemplate(name, options);
  const metadata = { name, namespace };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata,
    spec: { replicas, selector, template },
  };
}

export function statefulSet(namespace: string, name: string, options: WorkloadOptions = {}) {
  const made = deployment(namespace, name, options);
  return { ...made, kind: 'StatefulSet', spec: { ...made.spec, serviceName: name } };
}

export function job(namespace: string, name: string, spec: object = {}) {
  const template = podTemplate(name);
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name, namespace },
    spec: {
      ...spec,
      template: { ...template, spec: { ...template.spec, restartPolicy: 'Never' } },
    },
  };
}

export function serviceOf(
  kubeconfig: string,
  namespace: string,
  workload: string,
  more: Partial<KubernetesService> = {},
): KubernetesService {
  const name = workload.replace('/', '-');
  return { platform: 'kubernetes', name, workload, namespace, kubeconfig, ...more };
}

export function cronJob(namespace: string, name: string, spec: object = {}) {
  // Its jobs go on for a while: each pod is over in a moment.
  const jobTemplate = { spec: job(namespace, name, { completions: 500, parallelism: 1 }).spec };
  const metadata = { name, namespace };
  const schedule = '0 2 1 1 *';
  return {
    apiVersion: 'batch/v1',
    kind: 'CronJob',
    metadata,
    spec: { schedule, jobTemplate, ...spec },
  };
}

export function autoscaler(
  namespace: string,
  name: string,
  { min, max }: { readonly min: number; readonly max: number },
) {
  return {
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata: { name, namespace },
    spec: {
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name },
      minReplicas: min,
      maxReplicas: max,
      metrics: [
        {
          type: 'Resource',
          resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 50 } },
        },
      ],
    },
  };
}

/** Lets everything in to pods with that label. */
export function networkPolicy(namespace: string, name: string, app: string) {
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name, namespace },
    spec: { podSelector: { matchLabels: { app } }, policyTypes: ['Ingress'], ingress: [{}] },
  };
}

/** A claim and the volume that it gets. */
export function boundClaim(namespace: string, name: string, accessModes: readonly string[]) {
  const volumeName = `${namespace}-${name}`;
  const storageClassName = '';
  const [capacity, resources] = [{ storage: '1Gi' }, { requests: { storage: '1Gi' } }];
  const hostPath = { path: '/nowhere' };
  return [
    {
      apiVersion: 'v1',
      kind: 'PersistentVolume',
      metadata: { name: volumeName },
      spec: { accessModes, capacity, storageClassName, hostPath, claimRef: { namespace, name } },
    },
    {
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: { name, namespace },
      spec: { accessModes, storageClassName, volumeName, resources },
    },
  ];
}

export function podWithClaim(namespace: string, name: string, claimName: string) {
  const volumes = [{ name: 'data', persistentVolumeClaim: { claimName } }];
  const volumeMounts = [{ name: 'data', mountPath: '/data' }];
  const containers = [{ name: 'main', image: 'shop:1', volumeMounts }];
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace },
    spec: { containers, volumes },
  };
}
