import type { ServiceSetting } from '../../../config/index.ts';

/** What a service is told, as its platform's command line takes it. The platform may have to do more around it. */
export function stopCommand(service: ServiceSetting): readonly string[] {
  switch (service.platform) {
    case 'docker':
      return dockerCommand(service, 'stop');
    case 'kubernetes': {
      const [kind] = service.workload.split('/');
      return kind === 'deployment' || kind === 'statefulset'
        ? [...kubectl(service), 'scale', service.workload, '--replicas=0']
        : [...kubectl(service), 'patch', service.workload, '-p', '{"spec":{"suspend":true}}'];
    }
    case 'systemd':
      return [...systemctl(service), 'stop', service.unit];
    case 'shell':
      return service.stop;
  }
}

/** Of a service that does not run; compose makes again what is gone, and nothing of what it depends on. */
export function startCommand(service: ServiceSetting): readonly string[] {
  return service.platform === 'docker' && service.compose !== undefined
    ? dockerCommand(service, 'up', '--detach', '--no-deps', '--no-recreate')
    : restartCommand(service);
}

export function restartCommand(service: ServiceSetting): readonly string[] {
  switch (service.platform) {
    case 'docker':
      return dockerCommand(service, 'restart');
    case 'kubernetes':
      return [...kubectl(service), 'rollout', 'restart', service.workload];
    case 'systemd':
      return [...systemctl(service), 'restart', service.unit];
    case 'shell':
      return service.start;
  }
}

/** For people: where its commands go. */
export function serviceText(service: ServiceSetting): string {
  switch (service.platform) {
    case 'docker': {
      const { container, compose, context } = service;
      const what =
        container === undefined ? `compose service ${compose?.service}` : `container ${container}`;
      return context === undefined ? what : `${what} (docker context ${context})`;
    }
    case 'kubernetes': {
      const { workload, namespace = 'default', context } = service;
      const where = context === undefined ? '' : `, context ${context}`;
      return `${workload} (namespace ${namespace}${where})`;
    }
    case 'systemd':
      return `unit ${service.unit}`;
    case 'shell':
      return service.host === undefined
        ? `service ${service.name}`
        : `${service.name} on ${service.host}`;
  }
}

function dockerCommand(
  { container, compose, context }: Extract<ServiceSetting, { platform: 'docker' }>,
  verb: 'stop' | 'restart' | 'up',
  ...options: readonly string[]
): readonly string[] {
  const docker = ['docker', ...(context === undefined ? [] : ['--context', context])];
  if (container !== undefined || compose === undefined) return [...docker, verb, container ?? ''];
  const files = compose.files.flatMap((file) => ['-f', file]);
  const project = compose.project === undefined ? [] : ['-p', compose.project];
  return [...docker, 'compose', ...files, ...project, verb, ...options, compose.service];
}

function kubectl({
  namespace,
  context,
  kubeconfig,
}: Extract<ServiceSetting, { platform: 'kubernetes' }>): readonly string[] {
  return [
    'kubectl',
    ...(kubeconfig === undefined ? [] : ['--kubeconfig', kubeconfig]),
    ...(context === undefined ? [] : ['--context', context]),
    '--namespace',
    namespace ?? 'default',
  ];
}

function systemctl({ user }: Extract<ServiceSetting, { platform: 'systemd' }>): readonly string[] {
  return user ? ['systemctl', '--user'] : ['systemctl'];
}
