import { createHash } from 'node:crypto';
import { hostname } from 'node:os';
import type { ShellService } from '../../config/index.ts';
import { throwIfAborted } from '../../core/index.ts';
import { concealArguments } from '../conceal-arguments.ts';
import { deadlineIn } from '../deadline.ts';
import { harmlessLines } from '../harmless-text.ts';
import { fingerprintOfHost, machinesOfHost } from '../place-of-host.ts';
import type { Platform, PlatformRequest } from '../platform.ts';
import type { PlatformMember, PlatformOptions } from '../registry.ts';
import { lookTimeoutMs, startWithinMs, stopWithinMs } from '../service-times.ts';
import { untilState } from '../until-state.ts';
import { ServiceCommands } from './service-commands.ts';

/** Services that commands of the user stop and start: it knows only whether they run. */
export const shellMember: PlatformMember<ShellService> = {
  placeOf: (service) => service.host ?? '',
  create: (service, options) => createShellPlatform(service.host, options),
};

function fingerprintOf(host: string): string {
  return createHash('sha256')
    .update(JSON.stringify(['shell', host]))
    .digest('hex')
    .slice(0, 32);
}

function createShellPlatform(host: string | undefined, options: PlatformOptions): Platform {
  const commandsOf = (service: ShellService) => new ServiceCommands(service, options.environment);
  const lookTime = (request: PlatformRequest) => ({
    timeoutMs: lookTimeoutMs(request),
    signal: request.signal,
  });

  async function become(
    isWanted: boolean,
    service: ShellService,
    request: PlatformRequest,
  ): Promise<void> {
    const commands = commandsOf(service);
    const { signal } = request;
    const deadline = deadlineIn((isWanted ? startWithinMs : stopWithinMs)(service, request));
    const command = isWanted ? 'start' : 'stop';
    await untilState({
      purpose: `${command} the service ${service.name}`,
      deadline,
      signal,
      async begin() {
        const isRunning = await commands.isRunning({ timeoutMs: deadline.leftMs(), signal });
        if (isRunning !== isWanted) {
          await commands.run(command, { timeoutMs: deadline.leftMs(), signal });
        }
      },
      async look(timeoutMs) {
        if ((await commands.isRunning({ timeoutMs, signal })) === isWanted) return undefined;
        return isWanted ? 'it does not run yet' : 'it still runs';
      },
      hint: `See by hand what keeps it from that, then run the command again; give it more time by ${command}Within.`,
    });
  }

  return {
    kind: 'shell',
    async identify({ signal } = {}) {
      throwIfAborted(signal);
      const text = `commands on ${host ?? hostname()}`;
      // One that runs elsewhere is the same from whichever host its commands are given.
      const fingerprint =
        host === undefined ? await fingerprintOfHost('shell') : fingerprintOf(host);
      // Of another host its commands alone know where it is.
      const machines = host === undefined ? await machinesOfHost() : [];
      return { kind: 'shell', text, fingerprint, machines };
    },
    async inspect(service: ShellService, request = {}) {
      const isRunning = await commandsOf(service).isRunning(lookTime(request));
      return isRunning
        ? { status: 'running', text: 'runs', restore: { isRunning } }
        : { status: 'stopped', text: 'does not run', restore: { isRunning } };
    },
    stop: (service: ShellService, request = {}) => become(false, service, request),
    restore: (service: ShellService, { status }, request = {}) =>
      become(status !== 'stopped' && status !== 'absent', service, request),
    async restart(service: ShellService, request = {}) {
      await become(false, service, request);
      await become(true, service, request);
    },
    async baseline(service: ShellService, salt, { signal } = {}) {
      throwIfAborted(signal);
      const command = concealArguments(service.start, salt);
      return { command, environment: {}, ports: [], files: {} };
    },
    async output(service: ShellService, { lines }, request = {}) {
      throwIfAborted(request.signal);
      if (service.output === undefined) return [];
      const said = await commandsOf(service).run('output', lookTime(request));
      return harmlessLines(said).slice(-lines);
    },
    async resources() {
      return undefined;
    },
  };
}
