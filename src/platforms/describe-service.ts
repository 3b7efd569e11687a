import type { ServiceSetting } from '../config/index.ts';

/** What is stopped and started, for people: `compose service api`, `unit shop-api.service`. The place is said by its identity. */
export function describeService(service: ServiceSetting): string {
  switch (service.platform) {
    case 'docker':
      return service.compose === undefined
        ? `container ${service.container}`
        : `compose service ${service.compose.service}`;
    case 'kubernetes':
      return `${service.workload} in namespace ${service.namespace ?? 'default'}`;
    case 'systemd':
      return service.user ? `user unit ${service.unit}` : `unit ${service.unit}`;
    case 'shell':
      return service.host === undefined
        ? `commands of the service ${service.name}`
        : `commands of the service ${service.name} on ${service.host}`;
  }
}
