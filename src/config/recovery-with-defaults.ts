import type { GroundFile } from './schema/ground.ts';
import type { PasswordSetting } from './schema/parts.ts';
import type { RecoveryFile } from './schema/recovery.ts';
import type { ServiceFile, ServiceSetting } from './schema/service.ts';
import { servicesInOrder } from './services-in-order.ts';

type ToPath = (text: string) => string;

/** In an order that starts each after those it needs; paths absolute. */
export function servicesOf(
  services: Readonly<Record<string, ServiceFile>>,
  path: ToPath,
): readonly ServiceSetting[] {
  const sorted = servicesInOrder(services);
  const order = 'order' in sorted ? sorted.order : Object.keys(services);
  return order.map((name) => serviceOf(name, services[name] as ServiceFile, path));
}

function serviceOf(name: string, each: ServiceFile, path: ToPath): ServiceSetting {
  if (each.platform === 'docker' && each.compose) {
    const { compose } = each;
    return { ...each, name, compose: { ...compose, files: compose.files.map(path) } };
  }
  if (each.platform === 'kubernetes' && each.kubeconfig !== undefined) {
    return { ...each, name, kubeconfig: path(each.kubeconfig) };
  }
  return { ...each, name };
}

export function recoveryOf(recovery: RecoveryFile, path: ToPath): RecoveryFile {
  const { maintenanceFile } = recovery;
  if (!maintenanceFile) return recovery;
  const { page, at } = maintenanceFile;
  return { ...recovery, maintenanceFile: { page: path(page), at: path(at) } };
}

export function groundOf(
  ground: GroundFile,
  path: ToPath,
  secret: (setting: PasswordSetting, path: ToPath) => PasswordSetting,
): GroundFile {
  switch (ground.kind) {
    case 'folder':
      return { ...ground, folder: path(ground.folder) };
    case 'docker-volume':
      return ground;
    case 'kubernetes-claim': {
      const { kubeconfig } = ground;
      return kubeconfig === undefined ? ground : { ...ground, kubeconfig: path(kubeconfig) };
    }
    case 'ssh-host': {
      const { identity, knownHosts } = ground;
      return {
        ...ground,
        ...(identity === undefined ? {} : { identity: path(identity) }),
        ...(knownHosts === undefined ? {} : { knownHosts: path(knownHosts) }),
      };
    }
    case 'server': {
      const { password } = ground;
      return password === undefined ? ground : { ...ground, password: secret(password, path) };
    }
  }
}
