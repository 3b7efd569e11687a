import { hostname } from 'node:os';
import type { SystemdService } from '../../config/index.ts';
import { deadlineIn } from '../deadline.ts';
import { describeService } from '../describe-service.ts';
import { harmlessLines } from '../harmless-text.ts';
import { fingerprintOfHost, machinesOfHost } from '../place-of-host.ts';
import type { Platform, PlatformRequest } from '../platform.ts';
import type { PlatformMember, PlatformOptions } from '../registry.ts';
import { lookTimeoutMs, startWithinMs, stopWithinMs } from '../service-times.ts';
import { absentUnit, restartUnit, restoreUnit, stopUnit } from './change-unit.ts';
import { SystemdClient } from './systemd-client.ts';
import { lookAtUnit, stateOf } from './unit.ts';
import { unitBaseline } from './unit-baseline.ts';
import { UnitHold, unitFolder } from './unit-hold.ts';
import { unitResources } from './unit-resources.ts';

/** Units of systemd on this host. */
export const systemdMember: PlatformMember<SystemdService> = {
  placeOf: (service) => (service.user ? 'user' : 'system'),
  create: ({ user }, options) =>
    createSystemdPlatform(user === true, options, unitFolder(user === true, options.environment)),
};

/** `folder`: where the administrator of that systemd puts units. */
export function createSystemdPlatform(
  isUser: boolean,
  { environment }: PlatformOptions,
  folder: string,
): Platform {
  const place = { client: new SystemdClient(isUser, environment), hold: new UnitHold(folder) };
  const look = (purpose: string, request: PlatformRequest) => ({
    purpose,
    timeoutMs: lookTimeoutMs(request),
    signal: request.signal,
  });
  const work = (service: SystemdService, timeoutMs: number, { signal }: PlatformRequest) => ({
    ...place,
    service,
    deadline: deadlineIn(timeoutMs),
    signal,
  });
  /** Its full name. Rejects where there is none. */
  async function present(purpose: string, service: SystemdService, request: PlatformRequest) {
    const call = look(`${purpose} the ${describeService(service)}`, request);
    const unit = await lookAtUnit(place, service.unit, call);
    if (unit.loadState === 'not-found') throw absentUnit(service, call.purpose);
    return { id: unit.id, call };
  }

  return {
    kind: 'systemd',
    async identify(request = {}) {
      await place.client.systemctl(['show', '--property', 'Version'], look('ask systemd', request));
      const user = isUser ? String(process.getuid?.()) : '';
      return {
        kind: 'systemd',
        text: isUser ? `systemd of the user ${user} on ${hostname()}` : `systemd on ${hostname()}`,
        fingerprint: await fingerprintOfHost('systemd', user),
        machines: await machinesOfHost(),
      };
    },
    async inspect(service: SystemdService, request = {}) {
      const call = look(`look at the ${describeService(service)}`, request);
      return stateOf(await lookAtUnit(place, service.unit, call));
    },
    stop: (service: SystemdService, request = {}) =>
      stopUnit(work(service, stopWithinMs(service, request), request)),
    restore: (service: SystemdService, state, request = {}) =>
      restoreUnit(work(service, startWithinMs(service, request), request), state),
    restart: (service: SystemdService, request = {}) =>
      restartUnit(work(service, startWithinMs(service, request), request)),
    async baseline(service: SystemdService, salt, request = {}) {
      const { id, call } = await present('record what makes up', service, request);
      return unitBaseline(place.client, id, salt, call);
    },
    async output(service: SystemdService, { lines, since }, request = {}) {
      const { id, call } = await present('read the output of', service, request);
      const from = since === undefined ? [] : ['--since', `@${Math.floor(since.getTime() / 1000)}`];
      return harmlessLines(
        await place.client.journal(id, ['--lines', String(lines), ...from], call),
      );
    },
    async resources(service: SystemdService, request = {}) {
      const { id, call } = await present('measure', service, request);
      return unitResources(place.client, id, call);
    },
  };
}
