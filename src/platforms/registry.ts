import type { ServiceSetting } from '../config/index.ts';
import { LifeboatError } from '../core/index.ts';
import { dockerMember } from './docker/docker-platform.ts';
import { kubernetesMember } from './kubernetes/kubernetes-platform.ts';
import type { Platform, PlatformKind } from './platform.ts';
import { shellMember } from './shell/shell-platform.ts';
import { systemdMember } from './systemd/systemd-platform.ts';

export interface PlatformOptions {
  /** Of the programs that are run: PATH, contexts, credentials of the user. */
  readonly environment: NodeJS.ProcessEnv;
}

/** One kind of platform. */
export interface PlatformMember<Service> {
  /** Names the place that the service is in, as the configuration does: services of one place share a platform. */
  placeOf(service: Service): string;
  /** Starts nothing; the platform drives every service of that place. */
  create(service: Service, options: PlatformOptions): Platform;
}

type Members = {
  readonly [Kind in PlatformKind]?: PlatformMember<Extract<ServiceSetting, { platform: Kind }>>;
};

const members: Members = {
  docker: dockerMember,
  systemd: systemdMember,
  kubernetes: kubernetesMember,
  shell: shellMember,
};

export interface Platforms {
  /** The platform that drives the service: the same one for all services of a place. */
  of(service: ServiceSetting): Platform;
}

export function createPlatforms(options: PlatformOptions): Platforms {
  const made = new Map<string, Platform>();
  return {
    of(service) {
      const member = members[service.platform] as PlatformMember<ServiceSetting> | undefined;
      if (member === undefined) {
        throw new LifeboatError(
          'platform.unavailable',
          `this version does not drive services of ${service.platform}`,
        );
      }
      const place = JSON.stringify([service.platform, member.placeOf(service)]);
      const platform = made.get(place) ?? member.create(service, options);
      made.set(place, platform);
      return platform;
    },
  };
}
